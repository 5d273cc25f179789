# SPDX-License-Identifier: MIT
"""The policy as the ledger has it: rows that are older than a group of it, and what a new one changes."""
import re
import sqlite3
import subprocess
import sys

import pytest

from test_acts import BUILD, ROOT, Daemon
from test_fold import SITE, enrolment, incident, line, message, registration

sys.path.insert(0, str(ROOT / "tests/crash"))
from chain import chain_complaints, row_hash  # noqa: E402

SHIPPED = (ROOT / "config/policy.conf").read_text()


def without(group, text=SHIPPED):
    cut = re.sub(rf"^{group} = \( {{\n.*?^}} \);\n", "", text, flags=re.S | re.M)
    assert cut != text
    return cut


@pytest.fixture
def world(tmp_path):
    d = Daemon(tmp_path)
    (tmp_path / "policy.conf").write_text(SHIPPED)
    d.conf = tmp_path / "n.conf"
    d.conf.write_text(d.conf.read_text().replace(f"{ROOT}/config/policy.conf", "policy.conf"))
    yield d
    d.stop()
    if d.db.exists():
        d.verify()


def written_by_an_older_nurseryd(db, policy):
    """The same ledger, had its first policy been this one: bytes exchanged and the chain computed again, by nothing of ours."""
    with sqlite3.connect(db) as base:
        (trigger,) = base.execute("SELECT sql FROM sqlite_master WHERE name = 'ledger_is_never_changed'").fetchone()
        base.execute("DROP TRIGGER ledger_is_never_changed")
        base.execute("UPDATE policy SET bytes = ?", (policy.encode(),))
        base.execute("UPDATE ledger SET payload = ? WHERE topic = 'act/policy'", (policy.encode(),))
        previous = bytes(32)
        for n, at, topic, payload, outcome in base.execute("SELECT n, received_at, topic, payload, outcome FROM ledger ORDER BY n").fetchall():
            previous = row_hash(previous, n, at, topic, payload, outcome)
            base.execute("UPDATE ledger SET hash = ? WHERE n = ?", (previous, n))
        base.execute(trigger)
    assert chain_complaints(db) == []


# ---- rows that are older than a group ----

@pytest.mark.parametrize("cut", ["worklist", "regress", "freeze"])
def test_a_database_whose_policy_lacks_a_group_is_opened_folded_and_rebuilt(world, cut):
    world.fold(line("2026-11-24T01:00:00Z", "registration", message(1, registration())),
               line("2026-11-24T02:00:00Z", "enrolment", message(1, enrolment())))
    written_by_an_older_nurseryd(world.db, without(cut))
    world.verify()
    world.start()
    assert world.rows("SELECT count(*) FROM policy") == [(2,)]  # today's file is a new row
    assert world.ask("POST", "/api/v1/rebuild")[0] == 200
    assert world.ask("GET", "/api/v1/units/330100")[1]["indicators"]


def test_a_file_without_the_group_is_refused_with_the_lines_to_paste(world):
    (world.where / "policy.conf").write_text(without("worklist"))
    done = subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--check-config"], cwd=world.where, capture_output=True, text=True)
    assert done.returncode != 0 and "policy.conf:1: worklist: is missing" in done.stderr
    lines = done.stderr[done.stderr.index("worklist = ( {"):]
    (world.where / "policy.conf").write_text(without("worklist") + lines)
    done = subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--check-config"], cwd=world.where, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_file_without_a_key_is_refused_with_its_line(world):
    (world.where / "policy.conf").write_text(re.sub(r"\tflags_above = 3;\n", "", SHIPPED))
    done = subprocess.run([BUILD / "nurseryd", "-c", "n.conf", "--check-config"], cwd=world.where, capture_output=True, text=True)
    assert done.returncode != 0 and "falsification.flags_above: is missing" in done.stderr and "flags_above = 3;\n" in done.stderr
