#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Bench: what one would write in an afternoon. paho, json, sqlite3, a commit per message (WAL, synchronous=FULL).

script.py PORT COUNT DB     COUNT = 0: only makes the session; else prints the seconds from first to last commit"""
import json
import sqlite3
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, want, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS message("
                 "site TEXT, feed TEXT, seq INTEGER, payload BLOB, PRIMARY KEY(site, feed, seq));")
count, first, last = 0, 0.0, 0.0


def on_message(client, _userdata, message):
    global count, first, last
    body = json.loads(message.payload)
    db.execute("INSERT OR IGNORE INTO message VALUES(?, ?, ?, ?)",
               (body["site"], message.topic.rsplit("/", 1)[1], body["seq"], message.payload))
    count += 1
    last = time.monotonic()
    first = first or last
    if count == want:
        client.disconnect()


def connect():
    client = mqtt.Client("script", protocol=mqtt.MQTTv5)
    client.on_message = on_message
    client.on_subscribe = lambda *_: client.disconnect()
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0xffffffff
    properties.ReceiveMaximum = 4096
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    if want == 0:
        client.subscribe("nursery/v1/+/+/+/up/+", 1)
    return client


connect().loop_forever(retry_first_connection=False)
print(f"{last - first:.6f}")
