#!/usr/bin/python3
"""A small but complete sender (Debian: python3-paho-mqtt 1.6).

  sender.py --folder outbox --site SITE --division 330106 --host BROKER [--sandbox]
            [--port 8883 --ca ca.crt --cert SITE.crt --key SITE.key] [--wait 60] [FEED BODY.json]

Queues BODY under FEED, then sends what is in the outbox until every message has its receipt or --wait is over.
Exit 0: all accepted; 1: something was refused (the receipt says why); 2: something still has no receipt.
"""
import argparse
import json
import pathlib
import random
import time
from datetime import datetime, timedelta, timezone

import paho.mqtt.client as mqtt

KEEP_S = 35 * 86400  # nurseryd may ask for a message again
FIRST_S, INCIDENT_FIRST_S, MOST_S = 15 * 60, 30, 6 * 3600


class Outbox:
    """One file a message, FEED-EPOCH-SEQ.json: its bytes never change. With a receipt it moves to kept/."""

    def __init__(self, folder):
        self.waiting, self.kept = folder / "waiting", folder / "kept"
        for place in (self.waiting, self.kept):
            place.mkdir(parents=True, exist_ok=True)
        for old in self.kept.iterdir():
            if time.time() - old.stat().st_mtime > KEEP_S:
                old.unlink()

    def next_seq(self, feed, epoch):
        counter = self.waiting.parent / f"{feed}-{epoch}.seq"
        seq = int(counter.read_text()) + 1 if counter.exists() else 1
        counter.with_suffix(".new").write_text(str(seq))
        counter.with_suffix(".new").rename(counter)  # before the message: a seq may be left out, never used twice
        return seq

    def put(self, site, division, feed, body, epoch=1, **more):
        seq = self.next_seq(feed, epoch)
        message = {"v": 1, "site": site, "division": division, "epoch": epoch, "seq": seq,
                   "sent_at": datetime.now(timezone(timedelta(hours=8))).isoformat(timespec="seconds"),
                   "kind": "report", "sw": "sender.py/1.0", "body": body, **more}
        (self.waiting / f"{feed}-{epoch}-{seq}.json").write_text(json.dumps(message, ensure_ascii=False))

    def receipted(self, name, receipt):
        if (self.waiting / name).exists():
            (self.waiting / name).rename(self.kept / name)
        (self.kept / name).with_suffix(".receipt").write_text(json.dumps(receipt, ensure_ascii=False))

    def within(self, feed, epoch, first, last):
        """Names of the messages of a range that we still have, oldest first; last None: up to the newest."""
        found = []
        for path in [*self.waiting.glob(f"{feed}-{epoch}-*.json"), *self.kept.glob(f"{feed}-{epoch}-*.json")]:
            seq = int(path.stem.rsplit("-", 1)[1])
            if first <= seq and (last is None or seq <= last):
                found.append((seq, path))
        return [path for _, path in sorted(found)]


class Sender:
    def __init__(self, options):
        self.outbox = Outbox(pathlib.Path(options.folder))
        self.place = f"{'nursery-test' if options.sandbox else 'nursery'}/v1/{options.division[:2]}/{options.division}/{options.site}"
        self.refused, self.due = 0, {}  # name → (when to send, how long to wait next)
        self.ready = False
        # Our client id is the site's: two senders with one id would throw each other out.
        self.client = mqtt.Client(client_id=f"{options.site}-sender", protocol=mqtt.MQTTv5)
        if options.ca:
            self.client.tls_set(options.ca, options.cert, options.key)
        self.client.on_connect, self.client.on_message = self.on_connect, self.on_message
        self.client.on_subscribe, self.client.on_disconnect = self.on_subscribe, self.on_disconnect
        self.client.will_set(f"{self.place}/up/status", '{"v":1,"state":"offline"}', 1, retain=True)
        self.client.connect_async(options.host, options.port)
        self.client.loop_start()

    def on_connect(self, client, _userdata, _flags, reason, _properties):
        if reason != 0:
            print("the broker refuses us:", reason)
            return
        client.subscribe(f"{self.place}/down/#", 1)
        client.publish(f"{self.place}/up/status", '{"v":1,"state":"online"}', 1, retain=True)

    def on_subscribe(self, *_):
        self.ready = True  # only now: a receipt is sent once, to whoever listens

    def on_disconnect(self, *_):
        self.ready = False

    def on_message(self, _client, _userdata, message):
        said = json.loads(message.payload)
        if message.topic.endswith("/down/receipt"):
            self.on_receipt(said)
        elif message.topic.endswith("/down/request"):
            for first, last in said["resend"]:
                for path in self.outbox.within(said["feed"], said["epoch"], first, last):
                    self.publish(path)

    def on_receipt(self, receipt):
        print(json.dumps(receipt, ensure_ascii=False))
        if receipt["seq"] is None or any(e["code"] == "E_RATE" for e in receipt["errors"]):
            return  # E_RATE: not taken; the same bytes again, later
        self.refused += receipt["status"] != "accepted"
        self.outbox.receipted(f"{receipt['feed']}-{receipt['epoch']}-{receipt['seq']}.json", receipt)

    def publish(self, path):
        feed = path.stem.split("-")[0]
        self.client.publish(f"{self.place}/up/{feed}", path.read_bytes(), 1)

    def step(self):
        """Sends what is due: oldest first, again after 15 min ± 50 % (an incident: 30 s), doubling to 6 h."""
        for path in sorted(self.outbox.waiting.glob("*.json"), key=lambda p: int(p.stem.rsplit("-", 1)[1])):
            first = INCIDENT_FIRST_S if path.name.startswith("incident") else FIRST_S
            when, wait = self.due.get(path.name, (0, first))
            if self.ready and time.monotonic() >= when:
                self.publish(path)
                self.due[path.name] = (time.monotonic() + wait * random.uniform(0.5, 1.5), min(2 * wait, MOST_S))

    def waiting(self):
        return any(self.outbox.waiting.glob("*.json"))


def main():
    p = argparse.ArgumentParser()
    for name in ("folder", "site", "division", "host"):
        p.add_argument(f"--{name}", required=True)
    for name in ("ca", "cert", "key"):
        p.add_argument(f"--{name}")
    p.add_argument("--port", type=int, default=8883)
    p.add_argument("--wait", type=float, default=60)
    p.add_argument("--stay", action="store_true", help="listen until --wait is over: nurseryd may ask for something")
    p.add_argument("--sandbox", action="store_true")
    p.add_argument("feed", nargs="?")
    p.add_argument("body", nargs="?")
    options = p.parse_args()

    sender = Sender(options)
    if options.feed:
        body = json.loads(pathlib.Path(options.body).read_text())
        sender.outbox.put(options.site, options.division, options.feed, body)
    end = time.monotonic() + options.wait
    while (sender.waiting() or options.stay) and time.monotonic() < end:
        sender.step()
        time.sleep(0.1)
    if sender.ready:
        sender.client.publish(f"{sender.place}/up/status", '{"v":1,"state":"offline"}', 1, retain=True).wait_for_publish(5)
    sender.client.disconnect()
    sender.client.loop_stop()
    return 2 if sender.waiting() else 1 if sender.refused else 0


if __name__ == "__main__":
    raise SystemExit(main())
