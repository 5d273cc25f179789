#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Nothing acknowledged is lost, nothing is applied twice, whatever dies: nurseryd, its COMMIT, its disk, the broker.

crash.py [--kills 100] [--rate 4000] [--only NAME] [--seed N]; the mutants show that the suite can go red.
Needs build/{nurseryd,nurseryctl} and build/seams/nurseryd (make SEAMS=1); disk_full needs root for its tmpfs."""
import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

import chain
from messages import Nurseries
from rig import Rig, nurseryctl, wait_until
from wire import Sender

SITES = 500


# ---- load, and what must be true afterwards ----

def start_load(rig, rate, **how):
    sender = Sender(rig.broker.port, Nurseries(SITES).mixed(), rate, **how)
    sender.start()
    wait_until(lambda: len(sender.acknowledged) > 100, 20, "no load")
    return sender


def wait_drained(daemon, count, patience=30):
    """Until every message is a row, or none has come for `patience` seconds; then a second for those too many."""
    seen, since = -1, time.monotonic()
    while daemon.message_count() < count and time.monotonic() - since < patience:
        if daemon.message_count() != seen:
            seen, since = daemon.message_count(), time.monotonic()
        time.sleep(0.1)
    time.sleep(1)


def rebuild_complaints(db):
    """A rebuilt copy has equal folded tables."""
    copy = f"{db}.rebuilt"
    with chain.open_read_only(db) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    before = chain.folded_digest(copy)
    code, said = nurseryctl(copy, "rebuild")
    differing = [t for t, digest in chain.folded_digest(copy).items() if before.get(t) != digest]
    return ([f"rebuild: exit {code}, {said}"] if code else []) + ([f"rebuild: {differing} differ"] if differing else [])


def own_complaints(db, sender):
    expected = set(sender.published)
    return (chain.chain_complaints(db) + chain.identity_complaints(db, expected) + chain.fact_complaints(db, expected) +
            chain.receipt_complaints(db, sender.receipts) +
            [f"refused: {r}" for r in sender.bad_receipts[:1]])


def all_complaints(db, sender):
    code, said = nurseryctl(db, "verify")
    return own_complaints(db, sender) + ([f"verify: exit {code}, {said}"] if code else []) + rebuild_complaints(db)


def finish(rig, sender, check=all_complaints):
    sender.stop()
    if not rig.daemon.alive():
        rig.daemon.start()
    wait_drained(rig.daemon, len(sender.published))
    rig.daemon.stop()
    return check(rig.daemon.db, sender)


def told(sender, seconds, *more):
    return ", ".join([f"{len(sender.published):,} messages", f"{len(sender.published) / seconds:,.0f}/s", *more])


# ---- cases: each returns (complaints, a note) ----

def kill_nurseryd(o, kills, seams=None, check=all_complaints):
    with Rig(seams) as rig:
        rig.daemon.start()
        sender, start = start_load(rig, o.rate), time.monotonic()
        for _ in range(kills):
            time.sleep(random.uniform(0.05, 1.5))
            rig.daemon.kill()
            rig.daemon.start()
        seconds = time.monotonic() - start
        return finish(rig, sender, check), told(sender, seconds, f"{kills} kills")


def case_kill(o):
    return kill_nurseryd(o, o.kills)


def failing_commits(o, seams, seconds, check=all_complaints):
    with Rig({}) as rig:
        rig.daemon.start()  # the session exists before the load
        rig.daemon.kill()
        rig.daemon.environment.update(seams)
        rig.daemon.start(wait=False)
        sender, start = start_load(rig, o.rate), time.monotonic()
        deadline = start + seconds
        while time.monotonic() < deadline:
            if not rig.daemon.alive():
                rig.daemon.start(wait=False)
            time.sleep(0.05)
        sender.stop()
        wait_drained(rig.daemon, len(sender.published))
        failures = rig.daemon.log.read_text(errors="replace").count("store.failed")
        complaints = [] if failures else ["no COMMIT failed: the case shows nothing"]
        return complaints + finish(rig, sender, check), told(sender, seconds, f"{failures} failed COMMITs")


def case_commit(o):
    return failing_commits(o, {"NURSERYD_FAIL_COMMIT": "7"}, 30)


@contextmanager
def small_disk(size):
    directory = tempfile.mkdtemp(prefix="nurseryd-disk-", dir="/tmp")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "nurseryd-crash", directory], check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)
        os.rmdir(directory)


def fill(path):
    ballast = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(ballast, bytes(1 << 16))
    except OSError:
        os.close(ballast)


def watch_full_disk(rig, sender, ballast):
    """Fills the disk under load, and frees it again. Complaints about the time between."""
    complaints = []
    fill(ballast)
    wait_until(lambda: rig.daemon.ask("/readyz")[0] == 503, 30, "/readyz does not say that the disk is full")
    status, body = rig.daemon.ask("/readyz")
    if "store" not in body and "disk" not in body:
        complaints.append(f"/readyz does not say why: {status} {body}")
    time.sleep(1)
    rows, receipts = rig.daemon.head(), len(sender.receipts)
    time.sleep(3)
    if len(sender.receipts) - receipts > rig.daemon.head() - rows:
        complaints.append(f"{len(sender.receipts) - receipts} receipts but {rig.daemon.head() - rows} rows while full")
    os.unlink(ballast)
    freed = time.monotonic()
    wait_until(lambda: rig.daemon.ask("/readyz")[0] == 200, 45, "not ready after space was freed")
    return complaints, time.monotonic() - freed


def full_disk(o, seams=None, times=3, check=all_complaints):
    """The sender sends once: a message that was acknowledged but not stored would be gone."""
    with small_disk("96m") as disk, Rig(seams) as rig:
        rig.daemon.place_database(disk)
        rig.daemon.start()
        sender, start = start_load(rig, min(o.rate, 1000), receipts=True), time.monotonic()
        time.sleep(2)
        complaints, recovery = [], []
        for _ in range(times):
            more, seconds = watch_full_disk(rig, sender, f"{disk}/ballast")
            complaints, recovery = complaints + more, recovery + [f"{seconds:.1f} s"]
            time.sleep(1)
        note = told(sender, time.monotonic() - start, f"full {times} times", f"ready after {', '.join(recovery)}")
        return complaints + finish(rig, sender, check), note


def case_disk_full(o):
    return full_disk(o)


def kill_broker(o, persistence, kills=20):
    with Rig(persistence=persistence) as rig:
        rig.daemon.start()
        sender, start = start_load(rig, min(o.rate, 1000), until_receipted=True), time.monotonic()
        for _ in range(kills):
            time.sleep(random.uniform(0.5, 2))
            rig.broker.kill()
            rig.broker.start()
            wait_until(lambda: rig.daemon.ask("/readyz")[0] == 200, 60, "nurseryd does not come back")
        note = told(sender, time.monotonic() - start, f"{kills} kills", f"{sender.resent:,} sent again")
        return finish(rig, sender), note


def case_broker_persistent(o):
    return kill_broker(o, persistence=True)


def case_broker_forgetful(o):
    return kill_broker(o, persistence=False)


# ---- mutants: the suite must go red ----

def red(complaints, note, wanted):
    """No complaint when there is one of the wanted kind."""
    seen = [c for c in complaints if c.startswith(wanted)]
    return ([] if seen else [f"stayed green: {note}"]), (f"red as it should: {seen[0]}"[:150] if seen else note)


def case_mutant_ack_early(o):
    """A kill must fall between the early acknowledgement and the COMMIT: rounds until one does."""
    for _ in range(6):
        complaints, note = kill_nurseryd(o, 15, {"NURSERYD_ACK_EARLY": "1"}, own_complaints)
        if any(c.startswith("lost") for c in complaints):
            break
    return red(complaints, note, ("lost",))


def case_mutant_ack_early_disk_full(o):
    complaints, note = full_disk(o, {"NURSERYD_ACK_EARLY": "1"}, 1, own_complaints)
    return red(complaints, note, ("lost",))


def case_mutant_keep_hot(o):
    complaints, note = failing_commits(o, {"NURSERYD_FAIL_COMMIT": "7", "NURSERYD_KEEP_HOT": "1"}, 8, own_complaints)
    return red(complaints, note, ("lost", "receipts"))


def tampered_copy(db):
    """The outcome of one row in the middle becomes another; nothing else is touched."""
    copy = f"{db}.tampered"
    with chain.open_read_only(db) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        for trigger in ("ledger_is_never_changed", "ledger_is_never_cut"):
            target.execute(f"DROP TRIGGER {trigger}")
        target.execute("UPDATE ledger SET outcome = replace(outcome, '\"warnings\":[]', '\"warnings\":[ ]')"
                       " WHERE n = (SELECT max(n) / 2 FROM ledger)")
    return copy


def short_run(o, seams=None):
    """A ledger of a few thousand rows in a directory that outlives the rig: (directory, database)."""
    directory = tempfile.mkdtemp(prefix="nurseryd-ledger-", dir="/tmp")
    with Rig(seams) as rig:
        rig.daemon.place_database(directory)
        rig.daemon.start()
        sender = start_load(rig, o.rate)
        time.sleep(2)
        complaints = finish(rig, sender, own_complaints)
        return directory, rig.daemon.db, complaints


def case_tampered_outcome(o):
    directory, db, complaints = short_run(o)
    copy = tampered_copy(db)
    if not chain.chain_complaints(copy):
        complaints.append("the suite's own chain check does not see a changed outcome")
    code, said = nurseryctl(copy, "verify")
    if code != 1:
        complaints.append(f"nurseryctl verify does not see a changed outcome: exit {code}, {said}")
    shutil.rmtree(directory)
    return complaints, f"verify says: {said.splitlines()[0] if said else code}"


def case_mutant_outcome_unhashed(o):
    directory, db, complaints = short_run(o, {"NURSERYD_HASH_NO_OUTCOME": "1"})
    shutil.rmtree(directory)
    return red(complaints, "the outcome is not hashed and nobody saw it", ("chain",))


CASES = {name.removeprefix("case_"): case for name, case in list(globals().items()) if name.startswith("case_")}


# ---- the table ----

def run(name, o):
    start = time.monotonic()
    try:
        complaints, note = CASES[name](o)
    except (Exception, KeyboardInterrupt) as error:  # a case that cannot run has failed
        if isinstance(error, KeyboardInterrupt):
            raise
        complaints, note = [f"{type(error).__name__}: {error}"], ""
    verdict = "FAILED" if complaints else "ok"
    print(f"| {name} | {verdict} | {time.monotonic() - start:.0f} s | {note} |", flush=True)
    for complaint in complaints:
        print(f"    {name}: {complaint}", flush=True)
    return not complaints


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rate", type=int, default=4000, help="messages a second")
    parser.add_argument("--only", choices=CASES, action="append")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return parser.parse_args()


def main():
    o = options()
    random.seed(o.seed)
    print(f"seed {o.seed}\n\n| case | verdict | took | |\n|---|---|---|---|", flush=True)
    passed = [run(name, o) for name in o.only or CASES]
    print(f"\n{passed.count(True)} passed, {passed.count(False)} failed")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
