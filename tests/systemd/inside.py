# SPDX-License-Identifier: MIT
"""Runs inside the booted container (see nspawn.py): looks at nurseryd as installed, one line a result. On the second
boot the first one's results are there already: then it looks at what must have survived."""
import grp
import json
import os
import re
import signal
import stat
import subprocess
import time
import urllib.error
import urllib.request

RESULTS = "/var/lib/inside/results.jsonl"
CONFIG = "/etc/nurseryd/nurseryd.conf"
SOCKET = "/run/nurseryd/nurseryd.sock"
DROPIN = "/etc/systemd/system/nurseryd.service.d"
TOPIC = "nursery/v1/33/330106/52330106MJ0000018E/up/enrolment"
CHECKS = {1: [], 2: []}


def check(boot):
    def keep(function):
        CHECKS[boot].append(function)
        return function
    return keep


NEEDED = []


def needed(function):
    NEEDED.append(function)
    return function


def sh(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=25)


def show(name):
    return sh("systemctl", "show", "-P", name, "nurseryd").stdout.strip()


def main_pid():
    """Never 0: kill(0) would hit ourselves."""
    pid = int(show("MainPID"))
    assert pid > 1, f"not running: {show('ActiveState')}, result {show('Result')}; somebody else's signal?"
    return pid


def wait(what, seconds, step=0.2):
    """The first true value of what() within so many seconds, else its last one."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def get(path):
    """(status, body); 0 when nobody answers."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:8640" + path, timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except OSError:
        return 0, ""


def active(seconds=45):
    assert wait(lambda: show("ActiveState") == "active", seconds), \
        f"state {show('ActiveState')}/{show('SubState')}, result {show('Result')}"


def ready(seconds=45):
    assert wait(lambda: get("/readyz")[0] == 200, seconds), f"/readyz {get('/readyz')}"


def messages():
    status, body = get("/api/v1/messages?limit=1000")
    assert status == 200, f"/messages {status} {body[:200]}"
    return json.loads(body)["items"]


def publish(seq):
    """Something that is judged, refused and kept as a ledger row: no nursery is needed for that."""
    payload = json.dumps({"v": 1, "site": "52330106MJ0000018E", "division": "330106", "epoch": 1, "seq": seq,
                          "sent_at": "2026-11-23T17:30:00+08:00", "kind": "report", "body": {}})
    r = sh("mosquitto_pub", "-h", "127.0.0.1", "-V", "5", "-q", "1", "-t", TOPIC, "-m", payload, *broker_login())
    assert r.returncode == 0, r.stderr


def row(seq):
    return next((m for m in messages() if m["topic"] == TOPIC and m["seq"] == seq), None)


def taken_in(seq):
    publish(seq)
    assert wait(lambda: row(seq), 10), "the message did not become a ledger row"


def broker_login():
    return ("-u", "nurseryd", "-P", "secret") if os.path.exists("/etc/mosquitto/conf.d/login.conf") else ()


def drop_in(name, text):
    os.makedirs(DROPIN, exist_ok=True)
    path = f"{DROPIN}/{name}.conf"
    if text is None:
        os.remove(path)
    else:
        with open(path, "w", encoding="utf-8") as f:
            f.write("[Service]\n" + text)
    sh("systemctl", "daemon-reload")


def logged(pattern, since):
    text = sh("journalctl", "-u", "nurseryd", "--since", "@%d" % since, "-o", "cat", "--no-pager").stdout
    return re.search(pattern, text)


# --- first boot ---

@check(1)
def the_shipped_configuration_is_accepted():
    r = sh("nurseryd", "-c", CONFIG, "--check-config")
    assert r.returncode == 0, r.stdout + r.stderr


@check(1)
def without_a_broker_it_serves_http_but_is_not_active():
    sh("systemctl", "start", "--no-block", "nurseryd")
    assert wait(lambda: get("/healthz")[0] == 200, 20), f"/healthz {get('/healthz')}, {show('ActiveState')}"
    time.sleep(2)
    assert show("ActiveState") == "activating", show("ActiveState")
    assert get("/readyz")[0] == 503, get("/readyz")


@check(1)
@needed
def with_the_broker_it_becomes_active_and_ready_by_itself():
    assert sh("systemctl", "start", "mosquitto").returncode == 0
    active()
    assert get("/readyz")[0] == 200, get("/readyz")


@check(1)
def active_means_subscribed():
    # stopped and started again: the message goes out in the moment the unit is active
    sh("systemctl", "restart", "nurseryd")
    active(5)
    taken_in(1)


@check(1)
def the_socket_is_for_members_of_the_group():
    directory, socket = os.stat("/run/nurseryd"), os.stat(SOCKET)
    assert stat.S_IMODE(directory.st_mode) == 0o750, oct(directory.st_mode)
    assert stat.S_IMODE(socket.st_mode) == 0o660, oct(socket.st_mode)
    assert grp.getgrgid(socket.st_gid).gr_name == "nursery-officers", socket.st_gid
    sh("useradd", "-G", "nursery-officers", "officer")
    sh("useradd", "stranger")
    ask = ("nurseryctl", "--socket", SOCKET, "status")
    r = sh("runuser", "-u", "officer", "--", *ask)
    assert r.returncode == 0, r.stdout + r.stderr
    assert sh("runuser", "-u", "stranger", "--", *ask).returncode == 3


@check(1)
def it_runs_as_nobody_in_particular():
    pid = main_pid()
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        status = f.read()
    uid = int(re.search(r"^Uid:\s+(\d+)", status, re.M)[1])
    assert 61184 <= uid <= 65519, uid
    assert re.search(r"^CapEff:\s+0+$", status, re.M), "has capabilities"
    assert re.search(r"^Seccomp:\s+2$", status, re.M), "no system call filter"


@check(1)
def reload_keeps_the_process():
    pid = main_pid()
    assert sh("systemctl", "reload", "nurseryd").returncode == 0
    time.sleep(1)
    assert main_pid() == pid
    taken_in(2)


@check(1)
def reload_of_a_bad_file_is_refused_and_the_old_one_stays():
    pid, since = main_pid(), time.time()
    with open(CONFIG, encoding="utf-8") as f:
        good = f.read()
    with open(CONFIG, "a", encoding="utf-8") as f:
        f.write("mqqt: { };\n")
    try:
        line = good.count("\n") + 1
        assert sh("nurseryd", "-c", CONFIG, "--check-config").returncode != 0
        sh("systemctl", "reload", "nurseryd")
        assert wait(lambda: logged(rf"nurseryd\.conf:{line}: mqqt", since), 10), "the mistake is not in the journal"
        assert main_pid() == pid
        taken_in(3)
    finally:
        with open(CONFIG, "w", encoding="utf-8") as f:
            f.write(good)


@check(1)
def killed_it_comes_back_with_every_row():
    pid = main_pid()
    os.kill(pid, signal.SIGKILL)
    assert wait(lambda: show("MainPID") not in ("0", str(pid)), 15), show("MainPID")
    active()
    ready()
    assert row(3), "a row is lost"


@check(1)
def stopped_by_a_signal_the_watchdog_restarts_it():
    drop_in("watchdog", "WatchdogSec=3s\n")
    sh("systemctl", "restart", "nurseryd")
    active()
    time.sleep(7)
    pid, restarts = main_pid(), int(show("NRestarts"))
    assert restarts == 0, "restarted while it was well"
    since = time.time()
    os.kill(pid, signal.SIGSTOP)
    assert wait(lambda: int(show("NRestarts")) > restarts, 25), f"{show('ActiveState')}, {show('NRestarts')} restarts"
    assert logged("[Ww]atchdog timeout", since - 1)
    active()
    drop_in("watchdog", None)


@check(1)
def it_is_not_active_while_the_store_cannot_be_written():
    sh("systemctl", "stop", "nurseryd")
    drop_in("readonly", "ReadOnlyPaths=/var/lib/private/nurseryd\n")
    sh("systemctl", "start", "--no-block", "nurseryd")
    came = wait(lambda: show("ActiveState") == "active", 6)
    sh("systemctl", "stop", "nurseryd")
    drop_in("readonly", None)
    assert not came, "active with a store that cannot be written"


@check(1)
def it_stops_cleanly():
    sh("systemctl", "reset-failed", "nurseryd")
    assert sh("systemctl", "start", "nurseryd").returncode == 0
    begin = time.monotonic()
    sh("systemctl", "stop", "nurseryd")
    assert time.monotonic() - begin < 10, "took %.1f s" % (time.monotonic() - begin)
    assert (show("Result"), show("ExecMainStatus")) == ("success", "0"), (show("Result"), show("ExecMainStatus"))
    r = sh("mosquitto_sub", "-h", "127.0.0.1", "-t", "nurseryd/v1/status", "-C", "1", "-W", "3")
    assert "offline" in r.stdout, r.stdout


@check(1)
def the_catalog_explains_what_an_operator_must_act_on():
    text = sh("journalctl", "--list-catalog").stdout
    assert text.count("nurseryd: ") >= 7, text


def message_id(subject):
    with open("/usr/lib/systemd/catalog/nurseryd.catalog", encoding="utf-8") as f:
        return re.search(r"^-- ([0-9a-f]{32})\nSubject: " + re.escape(subject), f.read(), re.M)[1]


@check(1)
def an_event_is_found_by_its_message_id_and_explained():
    assert sh("systemctl", "start", "nurseryd").returncode == 0
    ready()
    sh("systemctl", "stop", "mosquitto")
    for event, subject in (("mqtt.lost", "The connection to the broker was lost"),
                           ("mqtt.unreachable", "The broker cannot be reached")):
        match = ("--no-pager", "-u", "nurseryd", "MESSAGE_ID=" + message_id(subject))
        found = wait(lambda: sh("journalctl", "-o", "json", *match).stdout.splitlines(), 20)  # pylint: disable=cell-var-from-loop
        assert found, f"no entry of {event}"
        entry = json.loads(found[-1])
        assert (entry["NURSERYD_EVENT"], entry["SYSLOG_IDENTIFIER"], entry["PRIORITY"]) == (event, "nurseryd", "4"), entry
        assert entry["_SYSTEMD_UNIT"] == "nurseryd.service", entry
        assert entry["MESSAGE"].startswith(event + " "), entry
        text = sh("journalctl", "-x", *match).stdout
        assert "Subject: " + subject in text, text
    assert sh("systemctl", "start", "mosquitto").returncode == 0
    ready()
    sh("systemctl", "stop", "nurseryd")


@check(1)
def state_is_left_for_the_next_boot():
    sh("systemctl", "enable", "mosquitto", "nurseryd")
    assert sh("systemctl", "start", "nurseryd").returncode == 0
    taken_in(4)
    with open("/var/lib/inside/hash", "w", encoding="utf-8") as f:
        f.write(row(4)["hash"])


# --- second boot ---

@check(2)
@needed
def after_a_reboot_it_is_active_by_itself():
    active()
    ready()


@check(2)
def after_a_reboot_the_ledger_is_the_same():
    with open("/var/lib/inside/hash", encoding="utf-8") as f:
        assert row(4)["hash"] == f.read()
    taken_in(5)


@check(2)
def verify_finds_the_chain_whole():
    sh("systemctl", "stop", "nurseryd")
    r = sh("nurseryctl", "--db", "/var/lib/nurseryd/nurseryd.db", "verify")
    assert r.returncode == 0, r.stdout + r.stderr


@check(2)
def the_broker_password_comes_as_a_credential():
    os.makedirs("/etc/nurseryd/secret", exist_ok=True)
    with open("/etc/nurseryd/secret/mqtt-password", "w", encoding="utf-8") as f:
        f.write("secret\n")
    os.chmod("/etc/nurseryd/secret", 0o700)
    sh("mosquitto_passwd", "-b", "-c", "/etc/mosquitto/passwd", "nurseryd", "secret")
    os.chmod("/etc/mosquitto/passwd", 0o644)
    with open("/etc/mosquitto/conf.d/login.conf", "w", encoding="utf-8") as f:
        f.write("allow_anonymous false\npassword_file /etc/mosquitto/passwd\nlistener 1883 127.0.0.1\n")
    with open(CONFIG, encoding="utf-8") as f:
        text = f.read()
    with open(CONFIG, "w", encoding="utf-8") as f:
        f.write(text.replace("\t# username", "\tusername").replace("\t# password_file", "\tpassword_file"))
    drop_in("credential", "LoadCredential=mqtt-password:/etc/nurseryd/secret/mqtt-password\n")
    assert sh("systemctl", "restart", "mosquitto").returncode == 0
    sh("systemctl", "start", "--no-block", "nurseryd")
    active()
    taken_in(6)


def look(function, out):
    result = {"name": function.__name__.replace("_", " "), "ok": True, "why": ""}
    try:
        function()
    except Exception as e:  # any failure is a result; the next look goes on
        result.update(ok=False, why=f"{type(e).__name__}: {e}"[:600])
    out.write(json.dumps(result) + "\n")
    out.flush()
    os.fsync(out.fileno())
    return result["ok"]


def main():
    boot = 2 if os.path.exists(RESULTS) else 1
    os.makedirs(os.path.dirname(RESULTS), exist_ok=True)
    with open(RESULTS, "a", encoding="utf-8") as out:
        for function in CHECKS[boot]:
            if not look(function, out) and function in NEEDED:
                return  # nothing behind it can hold; nspawn.py reports that we did not see everything
        out.write(json.dumps({"name": f"boot {boot} looked at everything", "ok": True, "why": ""}) + "\n")
    sh("journalctl", "--flush")


main()
