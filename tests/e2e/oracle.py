# SPDX-License-Identifier: MIT
"""An oracle: DOMAIN §2, §3 and §5 computed a second time, in plain Python, from the messages alone.

It shares no code, no table and no idea of incremental work with nurseryd: every value of every unit and day is
computed from the whole list of messages. Slow and short on purpose. Verdicts are not its subject: a message says
itself whether it is valid (see oracle_world.py); identity, natural keys, standing and all sums are computed here.
"""
import bisect
import collections
import datetime
import fractions
import json
import math

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
MUNICIPALITIES = {"11", "12", "31", "50"}
FILED = {"filed", "change_pending", "licensed"}
NO_OWN_PLACES = {"kindergarten_class", "family_point"}
GROUPS = {"infant": (10, 3), "toddler": (15, 5), "older": (20, 7), "mixed": (18, 5)}
FAMILY_POINT = (5, 3)
USABLE_DAYS, FRESH_DAYS = 31, 7
STOCKS = {"places_total", "places_per_1000", "enrolment_rate", "utilisation", "inclusive_share", "gap_places"}
FLOWS = {"completeness", "timeliness", "ratio_ok", "incident_rate", "severe_incidents", "late_report_rate",
         "liability_accidents"}
COUNTS = {"places_total", "gap_places", "severe_incidents", "liability_accidents"}
SCALE = collections.defaultdict(lambda: 100, {"places_per_1000": 1000, "incident_rate": 10000}, **{c: 1 for c in COUNTS})


def unit_of(division):
    if division[:2] in MUNICIPALITIES or division[2:4] == "90":
        return division
    return division[:4] + "00"


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def local_day(text):
    return instant(text).astimezone(SHANGHAI).date()


def day_of(text):
    return datetime.date.fromisoformat(text)


class Value:
    """What is compared with the indicator object."""

    def __init__(self, numerator, denominator, *, count=False, scale=1, reason=None):
        known = numerator is not None and (count or bool(denominator))
        self.status = "ok" if known else "no_data"
        self.numerator, self.denominator = numerator, denominator
        self.exact = (fractions.Fraction(scale * numerator, 1 if count else denominator) if known else None)
        self.reason = reason

    @property
    def value(self):
        """The nearest double: Fraction → float rounds once."""
        return None if self.exact is None else float(self.exact)


class Message:
    def __init__(self, line, n):
        self.n = n
        self.received = instant(line["received_at"])
        payload = json.loads(line["payload"])
        self.site, self.feed = payload["site"], line["topic"].split("/")[-1]
        self.division = payload["division"]
        self.identity = (payload.get("epoch", 1), payload["seq"])
        self.kind, self.body = payload["kind"], payload.get("body")
        self.sent_at = payload["sent_at"]
        self.ref = (payload["ref"]["epoch"], payload["ref"]["seq"]) if "ref" in payload else None
        self.same = json.dumps([self.kind, self.ref, self.body], sort_keys=True)
        self.live = True


class Oracle:
    def __init__(self, lines, imports):
        self.imports = imports
        self.messages = self._accepted(lines)
        self._void()
        self.sites = sorted({m.site for m in self.messages if m.feed == "registration" and m.body})
        self._registrations()
        self._enrolments()
        self._events()
        self._surveys()
        self.workdays = {day_of(r["date"]): r["day"] for r in imports.get("workdays", [])}

    # ---- identity, life and natural keys -------------------------------------------------------------------------

    @staticmethod
    def _accepted(lines):
        seen, result = {}, []
        for n, line in enumerate(lines):
            if not line.get("valid", True):
                continue
            m = Message(line, n)
            key = (m.site, m.feed, *m.identity)
            if key in seen and (m.feed != "incident" or m.same in seen[key]):
                continue  # a repeat; the first one received counts
            seen.setdefault(key, set()).add(m.same)
            result.append(m)
        return result

    def _void(self):
        voided = {(m.site, m.feed, m.ref) for m in self.messages if m.kind in ("amend", "retract")}
        for m in self.messages:
            m.live = (m.site, m.feed, m.identity) not in voided

    def _of(self, feed):
        return [m for m in self.messages if m.feed == feed and m.body is not None]

    @staticmethod
    def _counting(messages, key):
        """Natural key → the live message of the highest (epoch, seq)."""
        best = {}
        for m in messages:
            k = key(m)
            if m.live and (k not in best or m.identity > best[k].identity):
                best[k] = m
        return best

    def _registrations(self):
        messages = self._of("registration")
        self.home, self.first = {}, {}
        for m in messages:
            if m.site not in self.first or m.identity < self.first[m.site].identity:
                self.first[m.site] = m
        self.home = {site: m.division for site, m in self.first.items()}
        self.claims = collections.defaultdict(list)
        for (site, day), m in self._counting(messages, lambda m: (m.site, m.body["effective_on"])).items():
            self.claims[site].append((day_of(day), m.body))
        for claims in self.claims.values():
            claims.sort(key=lambda c: c[0])

    def _enrolments(self):
        messages = self._of("enrolment")
        self.reports = collections.defaultdict(dict)
        self.earliest = {}
        for (site, day), m in self._counting(messages, lambda m: (m.site, m.body["as_of"])).items():
            self.reports[site][day_of(day)] = m.body
        for m in messages:
            key = (m.site, day_of(m.body["as_of"]))
            self.earliest[key] = min(self.earliest.get(key, m.received), m.received)
        self.report_days = {site: sorted(days) for site, days in self.reports.items()}

    def _events(self):
        self.events = []
        groups = collections.defaultdict(list)
        for m in self._of("incident"):
            groups[m.site, m.body["event"]].append(m)
        for (site, _), messages in groups.items():
            live = [m for m in messages if m.live]
            if not live:
                continue
            counting = max(live, key=lambda m: m.identity)
            severity, unconfirmed = event_severity(messages)
            known = min(instant(m.body["known_at"]) for m in messages)
            received = min(m.received for m in messages)
            self.events.append({"site": site, "day": local_day(counting.body["occurred_at"]), "severity": severity,
                                "unconfirmed": unconfirmed, "late": received - known > datetime.timedelta(hours=1)})

    def _surveys(self):
        self.ballots, self.tallies = [], {}
        ballots = self._counting([m for m in self._of("survey") if m.body["form"] == "ballot"],
                                 lambda m: (m.site, m.body["round"], m.body["token"]))
        homes = collections.Counter((round_, token) for _, round_, token in ballots)
        self.ballots = [(site, m.body) for (site, round_, token), m in ballots.items() if homes[round_, token] == 1]
        with_ballots = {(site, m.body["round"], m.body["respondent"]) for (site, _, _), m in ballots.items()}
        tallies = self._counting([m for m in self._of("survey") if m.body["form"] == "tally"],
                                 lambda m: (m.site, m.body["round"], m.body["respondent"]))
        self.tallies = {k: m.body for k, m in tallies.items() if k not in with_ballots}

    # ---- a site on a day -----------------------------------------------------------------------------------------

    def register(self, site, day, column):
        best = None
        for row in self.imports.get("register", []):
            if row["site"] == site and row[column] and day_of(row["effective_on"]) <= day:
                if best is None or row["effective_on"] >= best["effective_on"]:
                    best = row
        return best[column] if best else None

    def division_on(self, site, day):
        return self.register(site, day, "division") or self.home[site]

    def standing(self, site, day):
        """None before the first registration."""
        claim = None
        for effective_on, body in self.claims.get(site, []):
            if effective_on <= day:
                claim = body
        if claim is None:
            return None
        claim = dict(claim)
        for column in ("filing", "registration"):
            claim[column] = self.register(site, day, column) or claim[column]
        inclusive = self.register(site, day, "inclusive")
        if inclusive is not None:
            claim["inclusive"] = inclusive == "true"
        claim["operating"] = claim["registration"] == "registered" and claim["operation"] == "operating"
        return claim

    def usable(self, site, day):
        """(age in days, figures) or None."""
        days = self.report_days.get(site, [])
        i = bisect.bisect_right(days, day) - 1
        if i < 0 or (day - days[i]).days > USABLE_DAYS:
            return None
        age, figures = (day - days[i]).days, self.reports[site][days[i]]
        if not figures["open"]:
            earlier = [d for d in days[:i] if self.reports[site][d]["open"]]
            if earlier:
                figures = self.reports[site][earlier[-1]]
        return age, figures

    def unit_sites(self, unit, day):
        return [s for s in self.sites if unit_of(self.division_on(s, day)) == unit and self.standing(s, day)]

    def working(self, day):
        return self.workdays.get(day) == "work" or (day not in self.workdays and day.weekday() < 5)

    def population(self, unit, day, column):
        rows = [r for r in self.imports.get("population", [])
                if r["division"] == unit and day_of(r["reference_date"]) <= day and r[column] != ""]
        best = None
        for r in rows:  # the last import wins a tie
            if best is None or r["reference_date"] >= best["reference_date"]:
                best = r
        return int(best[column]) if best else None

    def target(self, unit, day, indicator):
        for division in (unit, unit[:2] + "0000", ""):
            rows = [r for r in self.imports.get("targets", []) if r["division"] == division and r["indicator"] == indicator]
            coming = sorted((r for r in rows if day_of(r["by"]) >= day), key=lambda r: r["by"])
            if coming:
                return coming[0]
            if rows:
                return max(rows, key=lambda r: r["by"])
        return None

    # ---- a unit on a day -----------------------------------------------------------------------------------------

    def sums(self, unit, day):
        """Everything the indicators of one unit and day are made of."""
        s = collections.Counter()
        s["day"] = day
        for site in self.unit_sites(unit, day):
            standing = self.standing(site, day)
            report = self.reports[site].get(day)
            self._flow(s, site, standing, report, day)
            if standing["operating"]:
                self._stock(s, site, standing, day)
        for e in self.events:
            if e["day"] == day and self.standing(e["site"], day) and unit_of(self.division_on(e["site"], day)) == unit:
                s["events"] += not e["unconfirmed"]
                s["harm"] += e["severity"] <= 3 and not e["unconfirmed"]
                s["severe"] += e["severity"] == 1 and not e["unconfirmed"]
                s["late"] += e["late"] and not e["unconfirmed"]
        return s

    def _flow(self, s, site, standing, report, day):
        if report and report.get("attended") is not None:
            s["child_days"] += report["attended"]
        if report and report["open"]:
            for ok in group_days(standing["facility"], report.get("classes")):
                s["groups"] += 1
                s["groups_ok"] += ok
        first = self.first[site]
        since = max(day_of(first.body["effective_on"]), local_day(first.sent_at))
        if standing["operating"] and self.working(day) and day >= since:
            s["expected"] += 1
            if report:
                s["received"] += 1
                evening = datetime.datetime.combine(day, datetime.time(18), SHANGHAI)
                s["timely"] += self.earliest[site, day] <= evening

    def _stock(self, s, site, standing, day):
        s["operating"] += 1
        filed = standing["filing"] in FILED
        s["filed"] += filed
        s["disclosed"] += standing.get("disclosed") is True
        s["insured"] += bool(standing.get("insured_until")) and day_of(standing["insured_until"]) >= day
        usable = self.usable(site, day)
        if usable is None:
            return
        age, f = usable
        s["usable"] += 1
        s["stale"] += age > FRESH_DAYS
        under36 = sum(f["enrolled"][k] for k in ("under12", "m12_23", "m24_35"))
        s["attending"] += min(f["mode"]["fullday"] + f["mode"]["halfday"], under36)
        s["under36"] += under36
        if not filed:
            return
        own = standing["facility"] not in NO_OWN_PLACES
        registered = sum(standing["places"].values())
        places = min(registered, f["places"] if f.get("places") is not None else registered) if own else under36
        s["places"] += places
        s["inclusive"] += places if standing.get("inclusive") is True else 0
        if own:
            s["own_places"] += places
            s["own_children"] += under36

    def value(self, unit, day, indicator, s=None):
        s = s or self.sums(unit, day)
        return MEASURES[indicator](self, unit, day, s)

    def completeness(self, indicator, s):
        if indicator in STOCKS or indicator.startswith("satisfaction"):
            return fractions.Fraction(s["usable"], s["operating"]) if s["operating"] else None
        if indicator in FLOWS:
            return fractions.Fraction(s["received"], s["expected"]) if s["expected"] else None
        return fractions.Fraction(1)

    def month_value(self, unit, year, month, indicator, last_day=None):
        first = datetime.date(year, month, 1)
        last = (first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) - datetime.timedelta(days=1)
        last = min(last, last_day or last)
        if indicator not in FLOWS:
            return self.value(unit, last, indicator)
        total = collections.Counter()
        for i in range((last - first).days + 1):
            s = self.sums(unit, first + datetime.timedelta(days=i))
            s.pop("day")
            total += s
        total["day"] = last
        return self.value(unit, last, indicator, total)


def group_days(facility, classes):
    """True or False a group with children; nothing of unknown or empty ones."""
    known = [c for c in classes or []]
    if facility == "family_point":
        if not known or any(c["children"] is None or c["carers"] is None for c in known):
            return []
        known = [{"children": sum(c["children"] for c in known), "carers": sum(c["carers"] for c in known)}]
    result = []
    for c in known:
        if c["children"] is None or c["carers"] is None or c["children"] == 0:
            continue
        size, ratio = FAMILY_POINT if facility == "family_point" else GROUPS[c["type"]]
        result.append(c["children"] <= size and c["children"] <= ratio * c["carers"])
    return result


# ---- severity (DOMAIN §3) ---------------------------------------------------------------------------------------

def statutory_rank(b):
    """0 none, 1 一般, 2 较大, 3 重大, 4 特别重大."""
    c, a = b.get("children") or {}, b.get("adults") or {}
    n = lambda d, k: d.get(k) or 0
    dead = n(c, "dead") + n(a, "dead")
    hurt = n(c, "critical") + n(c, "serious") + n(a, "serious")
    loss = b.get("loss_yuan") or 0
    for rank, (d, h, l) in ((4, (30, 100, 10**8)), (3, (10, 50, 5 * 10**7)), (2, (3, 10, 10**7))):
        if dead >= d or hurt >= h or loss >= l:
            return rank
    return 1 if dead or hurt or loss else 0


def message_severity(m, messages):
    """(severity, unconfirmed) of one message judged whole."""
    b = m.body
    c, a = b.get("children") or {}, b.get("adults") or {}
    n = lambda d, k: d.get(k) or 0
    injury = any(n(c, k) for k in ("dead", "critical", "serious", "minor")) or n(a, "dead") or n(a, "serious") or n(b, "sick")
    missing = n(c, "missing") > 0 and not found_soon(m, messages)
    one = (n(c, "dead") or n(a, "dead") or n(c, "critical") or n(c, "serious") >= 3 or missing
           or b["type"] == "sexual_abuse_suspected" or (b["type"] == "abuse_suspected" and injury)
           or (b["type"] in ("poisoning", "food_poisoning") and n(b, "sick") >= 5)
           or (b["type"] in ("fire", "collapse") and injury) or statutory_rank(b) >= 2)
    if one:
        return 1, False
    if b["stage"] == "first" and any(c.get(k) is None for k in ("dead", "critical", "missing")):
        return 1, True
    if (n(c, "serious") or n(a, "serious") or n(c, "missing") or b["type"] == "abuse_suspected"
            or (b["type"] == "infectious_cluster" and n(b, "sick") >= 10)):
        return 2, False
    return (3, False) if injury else (4, False)


def found_soon(m, messages):
    first = min((instant(x.sent_at) for x in messages if ((x.body.get("children") or {}).get("missing") or 0) > 0))
    return any(x.identity > m.identity and (x.body.get("children") or {}).get("missing") == 0
               and instant(x.sent_at) <= first + datetime.timedelta(minutes=30) for x in messages)


def event_severity(messages):
    judged = [(m, *message_severity(m, messages)) for m in messages]
    confirmed = [severity for m, severity, unconfirmed in judged if not unconfirmed]
    open_ = [m for m, severity, unconfirmed in judged if unconfirmed]
    complete = lambda m: all((m.body.get("children") or {}).get(k) is not None for k in ("dead", "critical", "missing"))
    still = any(not any(x.identity > m.identity and complete(x) for x in messages) for m in open_)
    worst = min(confirmed, default=4)
    return (worst, False) if worst == 1 else (worst if confirmed else 1, still or not confirmed)


# ---- satisfaction (DOMAIN §5) -----------------------------------------------------------------------------------

Z = 1.959963984540054


def wilson(k, n):
    p = k / n
    middle, spread = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return (middle - spread) / (1 + Z * Z / n), (middle + spread) / (1 + Z * Z / n)


def interval(k, n, entitled):
    if n == entitled:
        return k / n, k / n
    if n > entitled:
        return wilson(k, n)
    m = n * (entitled - 1) / (entitled - n)
    p = k / n
    middle, spread = p + Z * Z / (2 * m), Z * math.sqrt(p * (1 - p) / m + Z * Z / (4 * m * m))
    return (middle - spread) / (1 + Z * Z / m), (middle + spread) / (1 + Z * Z / m)


def satisfaction(respondent, aspect):
    def measure(o, unit, day, s):
        round_ = f"{day.year}H{1 if day.month <= 6 else 2}"
        good = total = 0
        for site, b in o.ballots:
            if o.home.get(site) is None or unit_of(o.division_on(site, day)) != unit:
                continue
            answer = (b.get("answers") or {}).get(aspect)
            if b["round"] == round_ and b["respondent"] == respondent and answer is not None:
                total += 1
                good += answer >= 4
        for (site, r, who), b in o.tallies.items():
            if r == round_ and who == respondent and o.home.get(site) and unit_of(o.division_on(site, day)) == unit:
                counts = b.get(aspect) or [0] * 5
                total += sum(counts)
                good += counts[3] + counts[4]
        return Value(good if total else None, total, scale=100)
    return measure


# ---- the indicators ---------------------------------------------------------------------------------------------

def ratio(numerator, denominator, scale=100):
    return lambda o, unit, day, s: Value(s[numerator], s[denominator], scale=scale)


def with_reports(measure):
    """Stocks of reports: no_data when no operating site has a usable one."""
    return lambda o, unit, day, s: measure(o, unit, day, s) if s["usable"] else Value(None, None)


def gap_places(o, unit, day, s):
    population, target = o.population(unit, day, "resident"), o.target(unit, day, "places_per_1000")
    if not population or not target:
        return Value(None, None, count=True)
    want = math.ceil(fractions.Fraction(target["value"]) * population / 1000)
    return Value(max(0, want - s["places"]), None, count=True)


MEASURES = {
    "places_total": with_reports(lambda o, u, d, s: Value(s["places"], None, count=True)),
    "places_per_1000": with_reports(lambda o, u, d, s: Value(s["places"], o.population(u, d, "resident"), scale=1000)),
    "enrolment_rate": with_reports(lambda o, u, d, s: Value(s["attending"], o.population(u, d, "under3"), scale=100)),
    "utilisation": with_reports(ratio("own_children", "own_places")),
    "inclusive_share": with_reports(ratio("inclusive", "places")),
    "filing_rate": ratio("filed", "operating"),
    "disclosure_rate": ratio("disclosed", "operating"),
    "insured_rate": ratio("insured", "operating"),
    "ratio_ok": ratio("groups_ok", "groups"),
    "incident_rate": ratio("harm", "child_days", 10000),
    "severe_incidents": lambda o, u, d, s: Value(s["severe"], None, count=True),
    "late_report_rate": ratio("late", "events"),
    "liability_accidents": lambda o, u, d, s: Value(0, None, count=True),
    "completeness": ratio("received", "expected"),
    "timeliness": ratio("timely", "expected"),
    "gap_places": with_reports(gap_places),
    **{f"satisfaction_{who}_{aspect}": satisfaction(who, aspect)
       for who in ("family", "institution") for aspect in ("policy", "service")},
}
