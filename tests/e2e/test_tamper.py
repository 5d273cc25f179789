# SPDX-License-Identifier: MIT
"""A slice of `make tamper` (tests/crash/tamper.py): whatever is done to the past, verify with a kept head says so."""
import os
import pathlib
import random
import shutil
import sqlite3
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))
import tamper  # noqa: E402

RUNS = int(os.environ.get("NURSERYD_TAMPER_RUNS", "40"))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tamper.build(tmp_path_factory.mktemp("base"))


def test_what_is_forged_at_random_is_found(base, tmp_path):
    seed = int(os.environ.get("NURSERYD_SEED", time.time()))
    print("seed", seed)
    assert tamper.run(*base, RUNS, random.Random(seed), tmp_path) == []


@pytest.mark.parametrize("forgery", [
    "INSERT INTO ledger SELECT 0, received_at, topic, payload, outcome, hash FROM ledger WHERE n = 5",
    "INSERT INTO ledger SELECT -7, received_at, topic, payload, outcome, hash FROM ledger WHERE n = 5",
    "UPDATE ledger SET topic = topic || char(0) || 'x' WHERE n = 5",
    "UPDATE ledger SET outcome = outcome || char(0) WHERE n = 5",
    "UPDATE ledger SET hash = substr(hash, 2) WHERE n = 5",
    "UPDATE ledger SET hash = x'' WHERE n = (SELECT max(n) FROM ledger)",
    "UPDATE ledger SET payload = x'' WHERE n = (SELECT max(n) FROM erased)",
    "UPDATE erased SET payload_sha256 = zeroblob(32)",
    "DELETE FROM ledger",
    "DELETE FROM case_file",
    "UPDATE case_event SET actor = 'somebody' WHERE id = 3",
    "UPDATE case_signature SET actor = 'hc'",
    "UPDATE alert SET state = 'closed', closed_at = 1 WHERE id = 1",
    "DELETE FROM due WHERE kind = 'day'",
    "UPDATE frozen SET numerator = numerator + 1 WHERE typeof(numerator) = 'integer'",
])
def test_what_was_or_could_be_overlooked_is_found(base, tmp_path, forgery):
    path, head = base
    copy = tmp_path / "forged.db"
    shutil.copy(path, copy)
    with sqlite3.connect(copy) as db:
        for name, in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        assert db.execute(forgery).rowcount > 0
    said = tamper.ctl("--db", copy, "verify", "--head", head)
    assert said.returncode == 1 and said.stdout, said.stderr
    assert tamper.ctl("--db", path, "verify", "--head", head).returncode == 0
