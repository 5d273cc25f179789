# SPDX-License-Identifier: MIT
"""docs/examples/ work against a real mosquitto and nurseryd, and the guides quote them word for word."""
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from live import BROKER_BINARY, BUILD, SITE, TOP, Broker, Daemon, Sender, ca, down, example, free_port, topic, wait_until
from test_schemas import VALIDATORS

EXAMPLES = TOP / "docs/examples"
GUIDES = [TOP / "docs/integrators-guide.md", TOP / "docs/integrators-guide.zh.md"]
PLACE = f"nursery/v1/33/330106/{SITE}"


@pytest.fixture(scope="module", params=["plain", "tls"])
def world(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param)
    tls, pki = request.param == "tls", directory / "pki"
    if tls:
        ca(pki, "init")
        ca(pki, "broker", "127.0.0.1", "localhost")
        ca(pki, "client", "nurseryd", SITE)
    broker = Broker(directory, pki if tls else None).start()
    lines = f'url = "{"mqtts" if tls else "mqtt"}://127.0.0.1:{broker.port}";'
    if tls:
        lines += f' ca_file = "{pki}/ca.crt"; cert_file = "{pki}/nurseryd.crt"; key_file = "{pki}/nurseryd.key";'
    daemon = Daemon(directory, lines).start().wait_ready()
    daemon.broker, daemon.pki, daemon.seq = broker, pki if tls else None, 0
    yield daemon
    daemon.stop()
    broker.stop()


def tool_options(world):
    """Of mosquitto_pub and its sisters."""
    tls = ["--cafile", world.pki / "ca.crt", "--cert", world.pki / f"{SITE}.crt", "--key", world.pki / f"{SITE}.key"] if world.pki else []
    return ["-h", "127.0.0.1", "-p", str(world.broker.port), *map(str, tls)]


def run(*command, timeout=60, cwd=None, **environment):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout, cwd=cwd,
                          env={**os.environ, **environment})


def body_file(tmp_path, feed, **change):
    path = tmp_path / f"{feed}.json"
    path.write_text(json.dumps(example(feed, **change)["body"], ensure_ascii=False))
    return path


# ---- shell ----

def test_the_first_message_is_accepted_in_the_sandbox(world):
    done = run(EXAMPLES / "first-message.sh", *tool_options(world))
    receipt = json.loads(done.stdout)
    assert (done.returncode, receipt["status"], receipt["sandbox"], receipt["warnings"]) == (0, "accepted", True, [])


def test_the_first_real_message_is_accepted_and_its_repeat_is_a_duplicate(world):
    first = json.loads(run(EXAMPLES / "first-message.sh", *tool_options(world), ROOT="nursery", SEQ="1").stdout)
    assert first["status"] == "accepted" and first["ledger"] > 0 and "sandbox" not in first
    again = json.loads(run(EXAMPLES / "first-message.sh", *tool_options(world), ROOT="nursery", SEQ="1").stdout)
    assert again["duplicate"] is True and again["ledger"] == first["ledger"]


def test_a_message_that_is_refused_makes_the_script_fail(world):
    done = run(EXAMPLES / "first-message.sh", *tool_options(world), DIVISION="330100")
    assert done.returncode == 1 and "E_DIVISION" in done.stdout


def test_publish_and_listen(world, tmp_path):
    message = tmp_path / "message.json"
    message.write_text(run(EXAMPLES / "message.sh", "7").stdout)
    with open(tmp_path / "heard", "w") as heard:
        listener = subprocess.Popen([EXAMPLES / "listen.sh", *tool_options(world)], stdout=heard)
    try:
        def answered():
            assert run(EXAMPLES / "publish.sh", "enrolment", message, *tool_options(world)).returncode == 0
            time.sleep(0.2)
            return (tmp_path / "heard").read_text()

        wait_until(answered, 20, "a receipt")  # the listener may not be subscribed yet: the sandbox takes it again
        heard_topic, receipt = (tmp_path / "heard").read_text().splitlines()[0].split(" ", 1)
        assert heard_topic.endswith("/down/receipt") and json.loads(receipt)["seq"] == 7
    finally:
        listener.terminate()
        listener.wait(10)


def test_the_shell_message_is_one_of_the_schema():
    VALIDATORS["enrolment"].validate(json.loads(run(EXAMPLES / "message.sh", "1").stdout))


def test_try_sh_brings_up_a_place_to_try(tmp_path):
    port = free_port()
    process = subprocess.Popen([EXAMPLES / "try.sh", str(port)], stdout=subprocess.PIPE, text=True,
                               env=dict(os.environ, NURSERYD=str(BUILD / "nurseryd"), TMPDIR=str(tmp_path),
                                        PATH=f"{os.environ['PATH']}:{Path(BROKER_BINARY).parent}"))
    try:
        assert process.stdout.readline().startswith("ready: ")
        assert run(EXAMPLES / "first-message.sh", "-h", "127.0.0.1", "-p", port).returncode == 0
    finally:
        process.terminate()
        process.wait(30)
    assert list(tmp_path.iterdir()) == []


# ---- C ----

@pytest.fixture(scope="module")
def c_sender(tmp_path_factory):
    binary = tmp_path_factory.mktemp("c") / "sender"
    done = run(os.environ.get("CC", "gcc"), "-Wall", "-Wextra", "-Werror", "-o", binary, EXAMPLES / "sender.c", "-lmosquitto")
    assert done.returncode == 0, done.stderr
    return binary


def c_run(world, binary, feed, path, place=PLACE):
    tls = [world.pki / "ca.crt", world.pki / f"{SITE}.crt", world.pki / f"{SITE}.key"] if world.pki else []
    return run(binary, "127.0.0.1", world.broker.port, place, feed, path, *tls, timeout=150)


def test_the_c_example_sends_and_hears_the_verdict(world, c_sender, tmp_path):
    path = tmp_path / "m.json"
    path.write_text(json.dumps(example("registration", seq=50)))
    done = c_run(world, c_sender, "registration", path)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "accepted")
    path.write_text(json.dumps(example("enrolment", seq=50, attended=999)))
    done = c_run(world, c_sender, "enrolment", path)
    assert (done.returncode, json.loads(done.stdout)["errors"][0]["code"]) == (1, "E_SUM_MISMATCH")


def test_the_c_example_is_told_by_mqtt_5_that_the_acl_refuses(world, c_sender, tmp_path):
    if not world.pki:
        pytest.skip("the plain broker has no ACL")
    path = tmp_path / "m.json"
    path.write_text(json.dumps(example("registration", seq=1)))
    process = subprocess.Popen([str(x) for x in (c_sender, "127.0.0.1", world.broker.port, "nursery/v1/33/330106/91330106MA0000023E",
                                                 "registration", path, world.pki / "ca.crt", world.pki / f"{SITE}.crt", world.pki / f"{SITE}.key")],
                               stderr=subprocess.PIPE, text=True)
    try:
        assert "Not authorized" in process.stderr.readline()
    finally:
        process.terminate()
        process.wait(10)


# ---- Python ----

def py(world, tmp_path, *more):
    tls = ["--ca", world.pki / "ca.crt", "--cert", world.pki / f"{SITE}.crt", "--key", world.pki / f"{SITE}.key"] if world.pki else []
    return ["/usr/bin/python3", EXAMPLES / "sender.py", "--folder", tmp_path / "outbox", "--site", SITE, "--division", "330106",
            "--host", "127.0.0.1", "--port", world.broker.port, "--wait", "20", *tls, *more]


def test_the_python_example_sends_keeps_and_answers_a_request(world, tmp_path):
    sandbox = run(*py(world, tmp_path, "--sandbox", "survey", body_file(tmp_path, "survey")))
    assert (sandbox.returncode, json.loads(sandbox.stdout)["sandbox"]) == (0, True), sandbox.stderr
    done = run(*py(world, tmp_path, "incident", body_file(tmp_path, "incident")))
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "accepted"), done.stderr
    assert sorted(p.name for p in (tmp_path / "outbox/kept").glob("incident*")) == ["incident-1-1.json", "incident-1-1.receipt"]
    assert list((tmp_path / "outbox/waiting").iterdir()) == []
    # nurseryd asks for it again (here we speak for nurseryd): the same bytes come, and are a duplicate
    nurseryd = Sender(world.broker, "nurseryd", world.pki).wait()
    process = subprocess.Popen([str(x) for x in py(world, tmp_path, "--stay", "--wait", "60")], stdout=subprocess.PIPE, text=True)
    try:
        request = {"v": 1, "feed": "incident", "epoch": 1, "resend": [[1, None]]}
        VALIDATORS["request"].validate(request)
        sender = Sender(world.broker, SITE, world.pki, [down()]).wait()

        def duplicate():
            nurseryd.send(f"{PLACE}/down/request", request)
            return any(r.get("duplicate") for r in sender.receipts())

        wait_until(duplicate, 20, "the message again")
        sender.close()
    finally:
        process.terminate()
        process.wait(10)
        nurseryd.close()


def test_the_python_example_says_what_was_refused(world, tmp_path):
    # a counter of its own: another epoch would do as well
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "enrolment-1.seq").write_text("900")
    done = run(*py(world, tmp_path, "enrolment", body_file(tmp_path, "enrolment", attended=999)))
    assert (done.returncode, json.loads(done.stdout)["errors"][0]["code"]) == (1, "E_SUM_MISMATCH"), done.stderr


def test_the_python_example_keeps_what_has_no_receipt_and_sends_the_same_bytes_later(world, tmp_path):
    command = [str(x) for x in py(world, tmp_path, "enrolment", body_file(tmp_path, "enrolment"))]
    away = [x if x != str(world.broker.port) else str(free_port()) for x in command]
    away[away.index("--wait") + 1] = "1"
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "enrolment-1.seq").write_text("950")
    assert run(*away).returncode == 2
    (waiting,) = (tmp_path / "outbox/waiting").iterdir()
    payload = waiting.read_bytes()
    assert run(*command[:-2]).returncode == 0
    assert (tmp_path / "outbox/kept" / waiting.name).read_bytes() == payload


# ---- the guides ----

@pytest.mark.parametrize("guide", GUIDES, ids=lambda p: p.name)
def test_a_guide_quotes_the_examples_word_for_word(guide):
    quoted = re.findall(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```", guide.read_text(), re.S)
    for name, text in quoted:
        assert text == (guide.parent / name).read_text(), name
    assert {name for name, _ in quoted} == {f"examples/{p.name}" for p in EXAMPLES.iterdir()}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda p: p.name)
def test_a_guides_links_lead_somewhere(guide):
    for link in re.findall(r"\]\(([^)#]+)", guide.read_text()):
        assert link.startswith("http") or (guide.parent / link).exists(), link


def code_table():
    """code → (zh, en, fix), as daemon/codes.c has them."""
    source = (TOP / "daemon/codes.c").read_text()
    return {m[1]: tuple(json.loads(x) for x in re.findall(r'"(?:[^"\\]|\\.)*"', m[2]))
            for m in re.finditer(r"\tCODE\((\w+),(.*?)\),\n", source, re.S)}


@pytest.mark.parametrize("guide, language", [(GUIDES[0], 1), (GUIDES[1], 0)], ids=["en", "zh"])
def test_a_guide_says_of_every_code_what_it_means_and_how_to_mend_it(guide, language):
    rows = dict(re.findall(r"^\| `([EW]_\w+)` \| (.*) \|$", guide.read_text(), re.M))
    table = code_table()
    assert list(rows) == list(table) and all(len(t) == 3 for t in table.values())
    for code, texts in table.items():
        says, mend = rows[code].split(" | ")
        assert says == texts[language]
        assert mend == texts[2] if language == 1 else len(mend) >= 4


@pytest.mark.parametrize("guide", GUIDES, ids=lambda p: p.name)
def test_the_guides_commands_work_word_for_word(guide, tmp_path):
    """The quick start without its first two lines (packages, build), then the Python and the C example; only the port and
    the place of the build are ours, as many runs share this machine."""
    text, port = guide.read_text(), str(free_port())
    quick = re.search(r"<!-- quick start -->\n```sh\n(.*?)```", text, re.S)[1].splitlines()
    assert [line.split("#")[0].strip() for line in quick[:2]] == ["scripts/deps.sh test", "make"]
    tries = re.findall(r"<!-- try: \w+ -->\n```sh\n(.*?)```", text, re.S)
    assert len(tries) == 2 and quick[-1].startswith("kill %1")
    wait = "until [ -s started ]; do sleep 0.1; done"
    quick[2] = quick[2].replace("&", ">started &")
    script = "\n".join(["set -em", quick[2], wait, *quick[3:-1], *"".join(tries).splitlines(), quick[-1], "wait"])
    for name in ("docs", "config", "tests"):
        (tmp_path / name).symlink_to(TOP / name)
    done = run("bash", "-c", script.replace("18830", port), timeout=120, NURSERYD=str(BUILD / "nurseryd"), TMPDIR=str(tmp_path), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    receipts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [(r["status"], r.get("sandbox", False)) for r in receipts] == [("accepted", x) for x in (True, False, True, True)]
