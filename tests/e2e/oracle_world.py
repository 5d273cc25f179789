# SPDX-License-Identifier: MIT
"""A small, seeded, nasty province for the oracle: late, amended, retracted, duplicated, corrected and refused
messages of some fifty nurseries of every kind in seven units, and the imports that go with them."""
import datetime
import json
import os
import random

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
SITES = {"330102": 4, "330105": 4, "330106": 6, "330203": 7, "330212": 4, "330302": 5, "310101": 6, "429004": 4,
         "659001": 3, "130102": 3, "110105": 1}
FACILITIES = ["nursery"] * 5 + ["kindergarten_class", "workplace", "community", "family_point", "centre"]
FILINGS = ["filed"] * 6 + ["none", "submitted", "defects", "change_pending", "withdrawn", "cancelled", "licensed",
                           "licence_suspended", "licence_revoked"]


def uscc(first17):
    return first17 + ALPHABET[(31 - sum(w * ALPHABET.index(c) for w, c in zip(WEIGHTS, first17)) % 31) % 31]


def at(day, hour, minute=0):
    return datetime.datetime.combine(day, datetime.time(hour, minute), SHANGHAI)


class Sender:
    """One feed of one site: numbers its messages; says when each arrives."""

    def __init__(self, world, site, division, feed):
        self.world, self.site, self.division, self.feed = world, site, division, feed
        self.epoch, self.seq = 1, world.random.choice([0, 0, 0, 41])

    def send(self, when, body, kind="report", ref=None, delay=None, valid=True):
        self.seq += 1
        when = min(when, at(self.world.last, 23, 59))
        message = {"v": 1, "site": self.site, "division": self.division, "epoch": self.epoch, "seq": self.seq,
                   "sent_at": when.isoformat(), "kind": kind, "sw": "oracle/1"}
        if ref:
            message.update(ref={"epoch": ref[0], "seq": ref[1]}, reason="录入错误")
        if kind != "retract":
            message["body"] = body
        self.world.deliver(self, when + (delay or datetime.timedelta(seconds=self.world.random.randint(0, 50))),
                           json.dumps(message, ensure_ascii=False), valid)
        return self.epoch, self.seq

    def lost_counter(self):
        self.epoch, self.seq = self.epoch + 1, 0


class World:
    def __init__(self, seed, last_day, days):
        self.random = random.Random(seed)
        self.last, self.first = last_day, last_day - datetime.timedelta(days=days - 1)
        self.deliveries = []
        self.sites = []
        number = 0
        for division, count in SITES.items():
            for _ in range(count):
                number += 1
                kind = self.random.choice(["52", "91", "12"])
                self.sites.append(Site(self, uscc(f"{kind}{division}MA{number:07d}"), division))
        for site in self.sites:
            site.live()

    def days(self):
        return [self.first + datetime.timedelta(days=i) for i in range((self.last - self.first).days + 1)]

    def deliver(self, sender, when, text, valid):
        end = at(self.last, 23, 59)
        topic = f"nursery/v1/{sender.division[:2]}/{sender.division}/{sender.site}/up/{sender.feed}"
        self.deliveries.append((min(when, end), len(self.deliveries), topic, text, valid))
        if self.random.random() < 0.04:  # the same bytes again
            again = min(when + datetime.timedelta(minutes=self.random.randint(1, 3000)), end)
            self.deliveries.append((again, len(self.deliveries), topic, text, valid))

    def lines(self):
        return [{"received_at": when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                 "topic": topic, "payload": text, "valid": valid}
                for when, _, topic, text, valid in sorted(self.deliveries, key=lambda d: d[:2])]

    def shuffled(self, seed):
        """Everything arrives within the last two days, in any order."""
        mixed = self.lines()
        random.Random(seed).shuffle(mixed)
        step = datetime.timedelta(milliseconds=40_000_000 // max(1, len(mixed)))
        start = at(self.last, 11)
        return [{**line, "received_at": (start + i * step).astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds")
                 .replace("+00:00", "Z")} for i, line in enumerate(mixed)]

    def imports(self):
        first = str(self.first)
        middle = str(self.first + datetime.timedelta(days=30))
        some = [s.code for s in self.sites]
        population = [("330100", "2020-11-01", "11936010", ""), ("330100", "2025-12-31", "12500001", "287331"),
                      ("330100", middle, "", "290017"), ("330200", "2020-11-01", "9404283", ""),
                      ("310101", "2025-12-31", "662030", "9001"), ("429004", "2025-12-31", "1134700", "21003"),
                      ("659001", "2025-12-31", "498587", "0"), ("330106", "2025-12-31", "1152000", "30000"),
                      ("130100", "2025-12-31", "11235086", "255001"), ("130100", "2025-12-31", "11235087", "")]
        targets = [("", "places_per_1000", "4.5", "2025-12-31"), ("", "places_per_1000", "0.0075", "2030-12-31"),
                   ("330000", "places_per_1000", "0.0105", middle), ("330100", "places_per_1000", "0.0205", "2026-12-31"),
                   ("310101", "places_per_1000", "5.5", "2025-12-31")]
        register = [(some[0], middle, "", "withdrawn", "", ""), (some[1], first, "", "filed", "", "true"),
                    (some[2], middle, "", "", "cancelled", ""), (some[3], middle, "330203", "", "", "false"),
                    (some[5], middle, "", "licensed", "registered", "true"), (some[3], first, "", "filed", "", "")]
        columns = {"population": ("division", "reference_date", "resident", "under3"),
                   "targets": ("division", "indicator", "value", "by"),
                   "register": ("site", "effective_on", "division", "filing", "registration", "inclusive")}
        rows = {"population": population, "targets": targets, "register": register}
        if os.environ.get("ORACLE_NO_REGISTER"):
            del rows["register"]
        return {kind: [{**dict(zip(columns[kind], row)), "source": "oracle"} for row in rows[kind]] for kind in rows}


class Site:
    def __init__(self, world, code, division):
        r = self.r = world.random
        self.world, self.code, self.division = world, code, division
        self.facility = r.choice(FACILITIES)
        self.places = [r.randint(0, 20), r.randint(0, 30), r.randint(5, 60), r.choice([0, 0, 18])]
        self.feeds = {f: Sender(world, code, division, f) for f in ("registration", "enrolment", "incident", "survey")}

    def live(self):
        self.register()
        for day in self.world.days():
            self.report(day)
        for i in range(self.r.choice([0, 0, 1, 2])):
            self.hurt(i)
        self.survey()

    # ---- registration

    def claim(self, effective_on, **change):
        r = self.r
        return {"effective_on": str(effective_on), "name": f"第{self.code[-6:]}托育园", "facility": self.facility,
                "registrar": "civil", "registration": "registered", "filing": r.choice(FILINGS), "operation": "operating",
                "places": dict(zip(("infant", "toddler", "older", "mixed"), self.places)),
                "inclusive": r.choice([True, False, None]), "disclosed": r.choice([True, True, False, None]),
                "insured_until": r.choice([None, str(effective_on + datetime.timedelta(days=r.randint(0, 200)))]), **change}

    def register(self):
        r, feed = self.r, self.feeds["registration"]
        start = self.world.first + datetime.timedelta(days=r.choice([-300, -30, -1, 0, 3, 20]))
        sent = self.world.first + datetime.timedelta(days=r.choice([0, 0, 0, 2, 15]))
        first = feed.send(at(sent, r.randint(0, 23), 30), self.claim(start))
        later = self.world.days()[r.randint(20, 60)]
        chance = r.random()
        if chance < 0.15:
            feed.send(at(later, 10), self.claim(start, name="改名园"), "amend", first)
        elif chance < 0.35:
            feed.send(at(later, 10), self.claim(later + datetime.timedelta(days=r.randint(-40, 5))))
        elif chance < 0.45:
            feed.send(at(later, 10), self.claim(later, operation=r.choice(["suspended", "closed", "preparing"])))
        elif chance < 0.5:
            feed.send(at(later, 10), None, "retract", first)
        elif chance < 0.6:
            feed.send(at(later, 10), self.claim(later, registration="cancelled"))
        elif chance < 0.7:  # a claim of tomorrow
            feed.send(at(later, 10), self.claim(self.world.last + datetime.timedelta(days=9), operation="closed"))

    # ---- enrolment

    def classes(self, enrolled, carers):
        r = self.r
        kinds = {"under12": "infant", "m12_23": "toddler", "m24_35": "older", "over36": "mixed"}
        groups = [{"type": kinds[k], "children": n, "carers": r.randint(1, 4)} for k, n in enrolled.items()]
        if r.random() < 0.1:
            groups[r.randrange(4)][r.choice(["children", "carers"])] = None
        return groups

    def stock(self, day):
        r = self.r
        caps = self.places[:3] + [4]
        enrolled = {k: r.randint(0, max(1, cap)) for k, cap in zip(("under12", "m12_23", "m24_35", "over36"), caps)}
        total = sum(enrolled.values())
        half = r.randint(0, total // 4)
        hourly = r.randint(0, (total - half) // 4)
        is_open = day.weekday() < 5 and r.random() > 0.05
        body = {"as_of": str(day), "open": is_open, "enrolled": enrolled,
                "mode": {"fullday": total - half - hourly, "halfday": half, "hourly": hourly, "temporary": 0}}
        if r.random() < 0.9:
            body["places"] = r.choice([None, sum(self.places), sum(self.places), r.randint(0, 130)])
        if r.random() < 0.9:
            body["attended"] = r.choice([None, r.randint(0, total), r.randint(0, total)]) if is_open else 0
        if r.random() < 0.8:
            body["classes"] = self.classes(enrolled, 4)
        return body

    def report(self, day):
        r, feed = self.r, self.feeds["enrolment"]
        if r.random() > (0.88 if day.weekday() < 5 else 0.15):
            if r.random() < 0.5:
                return
        if self.code[-2] in "05" and (day - self.world.first).days > 25:
            return  # falls silent
        when = at(day, r.choice([9, 15, 16, 17, 17, 18, 19, 22]), r.choice([0, 0, 30]))
        delay = datetime.timedelta(days=r.randint(1, 9)) if r.random() < 0.08 else None
        if when.hour == 18 and when.minute == 0 and r.random() < 0.7:
            delay = datetime.timedelta(0)  # on the stroke
        ref = feed.send(when, self.stock(day), delay=delay)
        chance = r.random()
        after = when + datetime.timedelta(hours=r.randint(1, 70))
        if chance < 0.05:
            feed.send(after, self.stock(day))
        elif chance < 0.09:
            feed.send(after, self.stock(day), "amend", ref)
        elif chance < 0.11:
            feed.send(after, self.stock(day - datetime.timedelta(days=1)), "amend", ref)  # it was of another day
        elif chance < 0.14:
            feed.send(after, None, "retract", ref)
        elif chance < 0.16:
            bad = self.stock(day)
            bad["mode"]["fullday"] += 1
            feed.send(after, bad, valid=False)
        elif chance < 0.165:
            feed.lost_counter()

    # ---- incidents and surveys

    def hurt(self, number):
        r, feed = self.r, self.feeds["incident"]
        day = self.world.days()[r.randint(25, len(self.world.days()) - 4)]
        occurred = at(day, r.choice([0, 9, 11, 15, 23]), r.choice([0, 40]))
        known = occurred + datetime.timedelta(minutes=r.randint(0, 50))
        body = {"event": f"E-{number}", "stage": "first", "occurred_at": occurred.isoformat(), "known_at": known.isoformat(),
                "type": r.choice(["fall", "fall", "burn", "fire", "food_poisoning", "abuse_suspected", "other"]),
                "children": {"dead": 0, "critical": 0, "serious": r.choice([0, 0, 0, 1]), "minor": r.choice([0, 1, 3]),
                             "missing": 0}, "sick": r.choice([None, 0, 6])}
        if r.random() < 0.2:
            body["children"][r.choice(["dead", "critical"])] = r.choice([None, 1])
        sent = known + datetime.timedelta(minutes=r.choice([5, 30, 59, 60, 61, 200]))
        ref = feed.send(sent, body, delay=datetime.timedelta(0))
        chance = r.random()
        later = sent + datetime.timedelta(hours=r.randint(2, 30))
        follow = {**body, "stage": "follow_up", "children": {**body["children"], "dead": 0, "critical": 0, "minor": 2}}
        if chance < 0.3:
            feed.send(later, follow)
        elif chance < 0.5:
            moved = {**follow, "occurred_at": (occurred - datetime.timedelta(hours=20)).isoformat()}
            feed.send(later, moved, "amend", ref)
        elif chance < 0.6:
            feed.send(later, None, "retract", ref)

    def survey(self):
        r, feed = self.r, self.feeds["survey"]
        day = self.world.days()[r.randint(20, 55)]
        round_ = f"{day.year}H{1 if day.month <= 6 else 2}"
        aspects = ("policy", "service", "safety", "price", "overall")
        if r.random() < 0.6:
            for i in range(r.randint(3, 30)):
                token = f"{r.randrange(10**6):06d}{self.code[-8:]}{i:02d}" if r.random() > 0.02 else "AAAABBBBCCCCDDDD"
                answers = {a: r.choice([None, 1, 2, 3, 4, 4, 5, 5]) for a in aspects}
                ref = feed.send(at(day, 8 + i // 60, i % 60),
                                {"round": round_, "form": "ballot", "respondent": "family", "token": token, "answers": answers})
                if r.random() < 0.05:
                    feed.send(at(day, 20), None, "retract", ref)
        answered = r.randint(5, 40)
        tally = {"round": round_, "form": "tally", "respondent": "family", "invited": answered + 3, "answered": answered}
        for a in aspects:
            counts = [r.randint(0, answered // 5) for _ in range(5)]
            tally[a] = counts
        feed.send(at(day, 12), tally)
        answers = {a: r.choice([3, 4, 5]) for a in aspects}
        feed.send(at(day, 13), {"round": round_, "form": "ballot", "respondent": "institution", "token": self.code[2:],
                                "answers": answers})
