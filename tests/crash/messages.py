# SPDX-License-Identifier: MIT
"""Valid messages of invented nurseries, cheap to make: registrations of all sites first, then the mix that is asked for."""
import itertools
from collections import namedtuple
from datetime import datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
DIVISIONS = ("330106", "330102", "330203", "330302", "330402", "330502", "330602", "330702", "330802", "331002")
DAYS = 380  # CONTRACT: as_of from 400 days before

Message = namedtuple("Message", "identity topic payload")  # identity = (site, feed, epoch, seq)

REGISTRATION = (
    '{"effective_on":"2024-01-01","name":"第%d托育中心","facility":"nursery","registrar":"civil","registration":"registered",'
    '"filing":"filed","filing_no":"330106-2023-0042","filed_on":"2023-04-11","operation":"operating",'
    '"places":{"infant":10,"toddler":15,"older":35,"mixed":0},"inclusive":true,"disclosed":true,'
    '"insured_until":"2027-06-30","cctv_days":90,"fee_month":{"fullday":1900,"halfday":1100}}')
ENROLMENT = (
    '{"as_of":"%s","open":true,"places":60,"enrolled":{"under12":4,"m12_23":14,"m24_35":24,"over36":0},'
    '"mode":{"fullday":38,"halfday":4,"hourly":0,"temporary":0},"attended":39,"waiting":%d,'
    '"classes":[{"type":"infant","children":4,"carers":2},{"type":"toddler","children":14,"carers":3},'
    '{"type":"older","children":12,"carers":2},{"type":"older","children":12,"carers":2}],'
    '"staff":{"carers":9,"health":1,"guards":1}}')
INCIDENT = (
    '{"event":"INC-%d","stage":"first","occurred_at":"%s","known_at":"%s","type":"%s",'
    '"children":{"dead":0,"critical":%d,"serious":0,"minor":1,"missing":0},"adults":{"dead":0,"serious":0},"sick":0,'
    '"loss_yuan":100,"measures":["guardians_told"],"police_at":null,"services_stopped":false}')


def site_code(i):
    first = f"52{DIVISIONS[i % len(DIVISIONS)]}{i:09d}"
    check = (31 - sum(ALPHABET.index(c) * w for c, w in zip(first, WEIGHTS)) % 31) % 31
    return first + ALPHABET[check]


class Nurseries:
    """Knows each site's next seq. Every message it makes is one that nurseryd must accept."""

    def __init__(self, count, serious_every=0):
        self.count, self.serious_every = count, serious_every
        self.codes = [site_code(i) for i in range(count)]
        self.seqs = {"registration": [0] * count, "enrolment": [0] * count, "incident": [0] * count}
        self.events = 0
        today = datetime.now(SHANGHAI).date()
        self.days = [(today - timedelta(days=i)).isoformat() for i in range(DAYS)]

    def _message(self, i, feed, body):
        self.seqs[feed][i] += 1
        seq, site, division = self.seqs[feed][i], self.codes[i], DIVISIONS[i % len(DIVISIONS)]
        sent_at = datetime.now(SHANGHAI).isoformat(timespec="seconds")
        payload = (f'{{"v":1,"site":"{site}","division":"{division}","epoch":1,"seq":{seq},"sent_at":"{sent_at}",'
                   f'"kind":"report","sw":"crash/1","body":{body}}}')
        return Message((site, feed, 1, seq), f"nursery/v1/33/{division}/{site}/up/{feed}", payload.encode())

    def registration(self, i):
        return self._message(i, "registration", REGISTRATION % i)

    def enrolment(self, i):
        n = self.seqs["enrolment"][i]
        return self._message(i, "enrolment", ENROLMENT % (self.days[n % DAYS], n))

    def incident(self, i, serious=False):
        self.events += 1
        when = (datetime.now(SHANGHAI) - timedelta(minutes=5)).isoformat(timespec="seconds")
        return self._message(i, "incident", INCIDENT % (self.events, when, when, "fire" if serious else "fall", serious))

    def registrations(self):
        return (self.registration(i) for i in range(self.count))

    def enrolments(self, total):
        return (self.enrolment(k % self.count) for k in range(total))

    def mixed(self):
        """For ever: all registrations, then enrolments with one incident in 20 and one registration in 50."""
        yield from self.registrations()
        for k in itertools.count():
            i = k % self.count
            if k % 20 == 7:
                yield self.incident(i, serious=k % 2000 == 7)
            elif k % 50 == 11:
                yield self.registration(i)
            else:
                yield self.enrolment(i)
