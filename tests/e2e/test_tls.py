# SPDX-License-Identifier: MIT
"""A real mosquitto under config/mosquitto/, certificates of scripts/ca.sh: who may do what, and what nurseryd does when TLS
does not work (not ready, a log line with cause and remedy, retries, recovers by itself when it is mended)."""
import json
import re
import shutil
import ssl

import paho.mqtt.client as mqtt
import pytest

from live import OTHER, SITE, Broker, Daemon, Sender, ca, down, example, topic, wait_until
from test_schemas import VALIDATORS


def authority(folder, hosts=("127.0.0.1", "localhost"), **environment):
    ca(folder, "init")
    ca(folder, "broker", *hosts, **environment)
    ca(folder, "client", "nurseryd", SITE, "gateway-example", "official-330100", "91330106MA0000023E-01")
    return folder


def mqtts(broker, pki, authority_file=None, host="127.0.0.1", more=""):
    return (f'url = "mqtts://{host}:{broker.port}"; ca_file = "{authority_file or pki / "ca.crt"}"; '
            f'cert_file = "{pki / "nurseryd.crt"}"; key_file = "{pki / "nurseryd.key"}"; {more}')


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    pki = authority(directory / "pki")
    broker = Broker(directory, pki).start()
    daemon = Daemon(directory, mqtts(broker, pki)).start().wait_ready()
    daemon.broker, daemon.pki = broker, pki
    yield daemon
    daemon.stop()
    broker.stop()
    assert daemon.process.returncode == 0


@pytest.fixture
def senders(world):
    opened = []

    def make(name, subscribe=(), **more):
        opened.append(Sender(world.broker, name, world.pki, subscribe, **more).wait())
        return opened[-1]

    yield make
    for s in opened:
        s.close()


@pytest.mark.parametrize("protocol", [mqtt.MQTTv5, mqtt.MQTTv311], ids=["mqtt5", "mqtt311"])
def test_a_nursery_gets_its_receipt(senders, protocol):
    nursery = senders(SITE, [down()], protocol=protocol)
    nursery.send(topic("registration"), example("registration", seq=protocol))
    wait_until(nursery.receipts, 15, "a receipt")
    assert nursery.receipts()[0]["status"] == "accepted"


def test_the_sandbox_answers_too(senders):
    nursery = senders(SITE, [down(root="nursery-test")])
    nursery.send(topic("enrolment", root="nursery-test"), example("enrolment"))
    wait_until(nursery.receipts, 15, "a receipt")
    assert nursery.receipts()[0]["sandbox"] is True


def test_a_nursery_can_neither_write_for_another_nor_read_what_it_is_told(senders):
    nursery = senders(SITE, [down(OTHER), "nursery/v1/+/+/+/down/#", "nurseryd/v1/#", "#"])
    gateway = senders("gateway-example", [down(OTHER)])
    nursery.send(topic("enrolment", OTHER), example("enrolment", seq=99, site=OTHER))  # refused by the broker
    gateway.send(topic("enrolment", OTHER), example("enrolment", seq=1, site=OTHER))
    wait_until(gateway.receipts, 15, "the gateway's receipt")
    assert [r["seq"] for r in gateway.receipts()] == [1]
    assert [t for t, _ in nursery.heard if SITE not in t] == []


def test_a_gateway_speaks_for_its_sites_and_for_no_other(senders):
    gateway = senders("gateway-example", [down(OTHER), down(OTHER + "-01"), down(SITE)])
    other = senders(SITE, [down()])
    gateway.send(topic("registration", SITE), example("registration", seq=500))  # refused, and the connection stays
    gateway.send(topic("registration", OTHER + "-01"), example("registration", site=OTHER + "-01"))
    wait_until(gateway.receipts, 15, "a receipt")
    other.send(topic("registration"), example("registration", seq=20))
    wait_until(other.receipts, 15, "a receipt")
    assert 500 not in [r["seq"] for r in other.receipts() + gateway.receipts()]


def test_alerts_are_for_officials_only(senders):
    official, nursery = senders("official-330100", ["nurseryd/v1/#"]), senders(SITE, ["nurseryd/v1/alert/#", down()])
    nursery.send(topic("incident"), example("incident"))
    wait_until(lambda: any("/alert/" in t for t, _ in official.heard), 15, "an alert")
    wait_until(nursery.receipts, 15, "a receipt")
    assert not any("/alert/" in t for t, _ in nursery.heard)
    assert ("nurseryd/v1/status", b"online") in official.heard


def test_without_a_certificate_nobody_comes_in(world):
    with pytest.raises((ssl.SSLError, OSError, AssertionError)):
        client = Sender(world.broker, pki=None)
        client.client.loop_stop()
        assert client.connected.wait(1)


def test_3_1_1_works_under_the_same_configuration(world, tmp_path):
    daemon = Daemon(tmp_path, mqtts(world.broker, world.pki, more='protocol = "3.1.1"; subscribe = [ "nursery/v1/33/330106/+/up/+" ];'))
    try:
        daemon.start().wait_ready()
    finally:
        daemon.stop()


# ---- what goes wrong ----

def expect_trouble(daemon, cause):
    """Not ready, and a line that names the cause and says what to check; tried again; nothing exits."""
    wait_until(lambda: re.search(cause, daemon.says()), 20, lambda: f"{cause} in the log:\n{daemon.log.read_text()[-3000:]}")
    line = next(x for x in daemon.says().splitlines() if re.search(cause, x))
    assert "next=" in line and "check" in line, line
    wait_until(lambda: len(re.findall(cause, daemon.says())) > 1, 30, "a second try")
    assert not daemon.ready()


@pytest.fixture
def broken(tmp_path):
    """A place to build something that does not work, and to mend it."""
    started = []

    def build(pki, mqtt_lines):
        broker = Broker(tmp_path, pki).start()
        daemon = Daemon(tmp_path, mqtt_lines(broker)).start()
        started.extend([daemon, broker])
        return broker, daemon

    yield build
    for x in started:
        x.stop()


def test_a_wrong_authority(broken, tmp_path):
    pki, strangers = authority(tmp_path / "pki"), tmp_path / "strangers"
    ca(strangers, "init")
    trusted = tmp_path / "trusted.crt"
    shutil.copy(strangers / "ca.crt", trusted)
    _, daemon = broken(pki, lambda b: mqtts(b, pki, trusted))
    expect_trouble(daemon, "mqtt.(unreachable|lost) .*certificate verify failed")
    shutil.copy(pki / "ca.crt", trusted)
    daemon.wait_ready()


def test_an_expired_broker_certificate(broken, tmp_path):
    pki = authority(tmp_path / "pki", BEGINS="20200101000000Z", ENDS="20210101000000Z")
    broker, daemon = broken(pki, lambda b: mqtts(b, pki))
    expect_trouble(daemon, "mqtt.(unreachable|lost) .*certificate verify failed")
    ca(pki, "broker", "127.0.0.1")
    broker.reload()
    daemon.wait_ready()


def test_a_broker_certificate_for_another_host(broken, tmp_path):
    pki = authority(tmp_path / "pki", hosts=("broker.example",))
    broker, daemon = broken(pki, lambda b: mqtts(b, pki))
    expect_trouble(daemon, "mqtt.(unreachable|lost) .*host name")
    ca(pki, "broker", "127.0.0.1")
    broker.reload()
    daemon.wait_ready()


def test_a_revoked_client_certificate(broken, tmp_path):
    pki = authority(tmp_path / "pki")
    ca(pki, "revoke", "nurseryd")
    broker, daemon = broken(pki, lambda b: mqtts(b, pki))
    expect_trouble(daemon, "mqtt.(unreachable|lost) .*revoked")
    ca(pki, "client", "nurseryd")
    daemon.wait_ready()


def test_a_certificate_that_is_revoked_is_refused_once_the_broker_has_read_the_list(tmp_path):
    pki = authority(tmp_path / "pki")
    broker = Broker(tmp_path, pki).start()
    try:
        Sender(broker, SITE, pki).wait().close()
        ca(pki, "revoke", SITE)
        broker.reload()

        def refused():
            client = mqtt.Client(client_id="revoked", protocol=mqtt.MQTTv5)
            client.tls_set(pki / "ca.crt", pki / f"{SITE}.crt", pki / f"{SITE}.key")
            try:
                client.connect("127.0.0.1", broker.port)
                return client.loop(1) == mqtt.MQTT_ERR_SUCCESS and client.loop(1) != mqtt.MQTT_ERR_SUCCESS
            except OSError:
                return True

        wait_until(refused, 15, "the broker to refuse it")
    finally:
        broker.stop()


# ---- what nurseryd publishes ----

def test_everything_that_nurseryd_publishes_is_valid(world, senders):
    names = {"receipt": "/down/receipt", "alert": "nurseryd/v1/alert/", "indicator": "nurseryd/v1/indicator/",
             "ledger-head": "nurseryd/v1/ledger/head"}
    official, nursery = senders("official-330100", ["nurseryd/v1/#"]), senders(SITE, [down()])
    for seq, message in enumerate((example("enrolment", attended=999), example("enrolment"), "{", example("enrolment", extra=1)), 1000):
        nursery.send(topic("enrolment"), message if isinstance(message, str) else {**message, "seq": seq})
    nursery.send(topic("registration"), example("registration", seq=1000))
    nursery.send(topic("incident"), example("incident", seq=1000, event="INC-2"))
    nursery.send(topic("incident"), "not readable")
    wait_until(lambda: len(nursery.receipts()) >= 7, 20, "seven receipts")
    for what in ("alert", "indicator", "ledger-head"):
        wait_until(lambda w=what: any(names[w] in t for t, _ in official.heard), 30, what)
    seen = set()
    for heard_topic, payload in official.heard + nursery.heard:
        for name in [n for n, part in names.items() if part in heard_topic and payload]:
            value = json.loads(payload)
            VALIDATORS[name].validate(value)
            assert set(value) <= set(VALIDATORS[name].schema["properties"]), "a field that the schema does not name"
            seen.add(name)
    assert seen == set(names)
