# SPDX-License-Identifier: MIT
"""A minimal MQTT 3.1.1 publisher over a plain socket: fast enough for the load (30,000/s), and it keeps its own books.

paho would do 5,000/s on a machine where the broker and the daemon want the same two cores."""
import itertools
import json
import select
import socket
import struct
import threading
import time

WINDOW = 2000  # packet ids are reused after 65,535


def _length(n):
    out = bytearray()
    while True:
        out.append(n % 128 | (128 if n > 127 else 0))
        n //= 128
        if n == 0:
            return bytes(out)


def _string(text):
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">H", len(data)) + data


def _packet(first, body):
    return bytes([first]) + _length(len(body)) + body


class Connection:
    """One connection. poll() returns what came: ("puback", id) or ("message", topic, payload)."""

    def __init__(self, port, name, topics=()):
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()
        self.socket.sendall(_packet(0x10, _string("MQTT") + bytes([4, 2, 0, 0]) + _string(name)))
        self._wait_for(0x20)
        for topic in topics:
            self.socket.sendall(_packet(0x82, struct.pack(">H", 1) + _string(topic) + b"\x00"))
            self._wait_for(0x90)

    def _wait_for(self, kind):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for event in self.poll(0.1):
                if event[0] == kind:
                    return
        raise OSError("the broker did not answer")

    def publish(self, message, packet_id):
        body = _string(message.topic) + struct.pack(">H", packet_id) + message.payload
        self.socket.sendall(_packet(0x32, body))

    def poll(self, timeout):
        if not select.select([self.socket], [], [], timeout)[0]:
            return []
        data = self.socket.recv(1 << 18)
        # The broker keeps Nagle's algorithm on: a listener that never writes must not delay its ACKs, or it measures them.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        if not data:
            raise OSError("the broker closed the connection")
        self.received += data
        return self._packets()

    def _packets(self):
        data, at, found = self.received, 0, []
        while len(data) - at >= 2:
            length, shift, i = 0, 0, at + 1
            while i < len(data) and shift <= 21:
                length |= (data[i] & 127) << shift
                shift, i = shift + 7, i + 1
                if data[i - 1] < 128:
                    break
            if i + length > len(data) or data[i - 1] >= 128:
                break
            found.append(self._event(data[at], bytes(data[i:i + length])))
            at = i + length
        del data[:at]
        return found

    @staticmethod
    def _event(first, body):
        if first & 0xf0 == 0x40:
            return "puback", body[0] << 8 | body[1]
        if first & 0xf0 == 0x30:
            end = 2 + (body[0] << 8 | body[1])
            return "message", body[2:end].decode(), body[end:]
        return first & 0xf0, body

    def close(self):
        self.socket.close()


class Sender(threading.Thread):
    """Publishes messages at a rate until stop(); `acknowledged`: identities with a PUBACK of the broker. With
    `until_receipted` it keeps each message until its receipt, and sends it again after `resend` seconds."""

    def __init__(self, port, messages, rate, receipts=False, until_receipted=False, resend=3.0):
        super().__init__(daemon=True)
        self.port, self.messages, self.rate, self.resend = port, iter(messages), rate, resend
        self.topics = ["nursery/v1/+/+/+/down/receipt"] if receipts or until_receipted else []
        self.until_receipted = until_receipted
        self.acknowledged, self.published, self.receipts = set(), {}, []
        self.waiting = {}  # packet id → message, in the order sent
        self.unreceipted = {}  # (site, feed, epoch, seq) → [message, when last sent]
        self.bad_receipts, self.resent, self.reconnects = [], 0, 0
        self.failure = None
        self._ending, self._ids = threading.Event(), itertools.cycle(range(1, 65536))

    # -- outside --

    def stop(self):
        """No new messages; what is on its way is finished. Up to 120 s."""
        self._ending.set()
        self.join(120)
        if self.failure:
            raise self.failure
        assert not self.is_alive(), f"{len(self.waiting)} unacknowledged, {len(self.unreceipted)} without receipt"

    # -- the thread --

    def run(self):
        try:
            while not self._done():
                self._one_connection()
        except Exception as error:  # told by stop()
            self.failure = error

    def _done(self):
        return self._ending.is_set() and not self.waiting and not (self.until_receipted and self.unreceipted)

    def _one_connection(self):
        try:
            connection = Connection(self.port, "sender", self.topics)
        except OSError:
            time.sleep(0.05)
            return
        self.reconnects += 1
        try:
            for packet_id, message in list(self.waiting.items()):
                connection.publish(message, packet_id)
            self._work(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def _work(self, connection):
        start, sent = time.monotonic(), 0
        while not self._done():
            now = time.monotonic()
            due = int((now - start) * self.rate) - sent if not self._ending.is_set() else 0
            for _ in range(min(due, WINDOW - len(self.waiting), 200)):
                if not self._send_next(connection, now):
                    break
                sent += 1
            if due > self.rate:  # held up by the broker for a second: do not catch up with a burst
                start, sent = now, 0
            if self.until_receipted:
                self._send_again(connection, now)
            for event in connection.poll(0.002):
                self._take(event)

    def _send_next(self, connection, now):
        message = next(self.messages, None)
        if message is None:
            self._ending.set()
            return False
        self.published[message.identity] = message
        if self.until_receipted:
            self.unreceipted[message.identity] = [message, now]
        self._send(connection, message)
        return True

    def _send(self, connection, message):
        packet_id = next(i for i in self._ids if i not in self.waiting)
        self.waiting[packet_id] = message
        connection.publish(message, packet_id)

    def _send_again(self, connection, now):
        for entry in list(itertools.islice(self.unreceipted.values(), WINDOW)):
            if now - entry[1] > self.resend and len(self.waiting) < WINDOW:
                entry[1] = now
                self.resent += 1
                self._send(connection, entry[0])

    def _take(self, event):
        if event[0] == "puback":
            message = self.waiting.pop(event[1], None)
            if message:
                self.acknowledged.add(message.identity)
        elif event[0] == "message":
            self._take_receipt(event[1], json.loads(event[2]))

    def _take_receipt(self, topic, receipt):
        identity = (topic.split("/")[4], receipt["feed"], receipt["epoch"], receipt["seq"])
        if receipt["status"] != "accepted":
            self.bad_receipts.append(receipt)
            return
        if receipt["ledger"]:
            self.receipts.append((receipt["ledger"], receipt["hash"], identity))
        self.unreceipted.pop(identity, None)
