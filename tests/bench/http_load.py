#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""HTTP clients of all manners in one epoll loop: pollers that keep their schedule whatever the server does, drips that send a byte
a second, readers that take a byte a second, and one event stream. Prints what they met as JSON.

A poller's latency counts from the moment its request was due, so a server that stalls pays for everybody who waited behind."""
import argparse
import itertools
import json
import re
import selectors
import socket
import time
from collections import defaultdict

TURN = 0.2  # s between looks at the slow ones


class Load:
    def __init__(self, options):
        self.o, self.selector = options, selectors.DefaultSelector()
        self.took, self.cut, self.problems = defaultdict(list), defaultdict(list), []
        self.answers, self.unchanged, self.held = 0, 0, set()
        self.start = time.monotonic()
        self.end = self.start + options.seconds

    def look_at_server(self):
        """The server's ends of our connections that a process still holds: what it has cut may linger in the kernel."""
        port, held = f":{self.o.port:04X}", set()
        for line in open("/proc/net/tcp").readlines()[1:]:
            field = line.split()
            if field[1].endswith(port) and field[9] != "0":
                held.add(field[2])
        self.held = held

    def source(self, k):
        return (f"127.0.0.{2 + k % self.o.addresses}", 0)

    def connect(self, k, owner, small=False, events=selectors.EVENT_READ):
        s = socket.socket()
        if small:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.bind(self.source(k))
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", self.o.port))
        self.selector.register(s, events, owner)
        return s

    def drop(self, s):
        self.selector.unregister(s)
        s.close()

    def complain(self, text):
        if len(self.problems) < 20:
            self.problems.append(text)

    def run(self):
        targets = self.o.targets or ["/healthz"]
        pollers = [Poller(self, k, targets[k % len(targets)]) for k in range(self.o.pollers)]
        slow = [kind(self, k, count) for kind, count in ((Drip, self.o.drips), (SlowReader, self.o.slow_readers)) for k in range(count)]
        stream = Stream(self) if self.o.stream else None
        next_turn = looked = 0
        while (now := time.monotonic()) < self.end:
            for p in pollers:
                if now >= p.due and not p.busy:
                    p.ask()
            if now >= next_turn:
                if slow and now >= looked + 0.5:
                    self.look_at_server()
                    looked = now
                for s in slow:
                    s.turn(now)
                next_turn = now + TURN
            wake = min([p.due for p in pollers if not p.busy], default=next_turn)
            for key, _ in self.selector.select(max(0, min(wake, next_turn) - time.monotonic())):
                key.data.readable()
        for p in pollers:  # whoever still waits has waited this long at least
            if p.busy or p.due < self.end - 1:
                self.took[p.name].append(self.end - p.due)
        for s in slow:  # nobody who was let live longer than the deadline is forgotten
            s.note_age(self.end)
        return stream


class Poller:
    """Every `every` seconds, from a moment of its own on. A target with `{after}` is read page by page."""

    def __init__(self, load, k, target):
        self.load, self.k, self.target = load, k, target
        self.name = re.sub(r"/\d{6}", "/{unit}", target.split("?")[0])
        self.due = load.start + load.o.every * k / max(1, load.o.pollers)
        self.busy, self.socket, self.etag, self.data = False, None, None, bytearray()
        self.request, self.reconnects = None, 0

    def ask(self, after=None):
        if self.socket is None:
            self.socket = self.load.connect(self.k, self, events=selectors.EVENT_READ | selectors.EVENT_WRITE)
        target = self.target + (f"&after={after}" if after else "")
        known = f"If-None-Match: {self.etag}\r\n" if self.etag and self.k % 2 and not after else ""
        self.busy, self.request = True, f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{known}\r\n".encode()
        self.send()

    def send(self):
        try:
            self.socket.send(self.request)
            self.request = None
            self.load.selector.modify(self.socket, selectors.EVENT_READ, self)
        except BlockingIOError:
            pass  # not connected yet: EVENT_WRITE will tell
        except OSError as error:
            self.lost(error)

    def lost(self, why):
        """A kept connection may be closed between two requests: then it is asked again; the clock runs on."""
        self.load.drop(self.socket)
        self.socket, self.data = None, bytearray()
        self.reconnects += 1
        if self.reconnects > 3:
            self.load.complain(f"{self.name}: {why}")
            self.finish()
        else:
            self.ask()

    def readable(self):
        if self.request:
            self.send()
            return
        try:
            got = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            self.lost(error)
            return
        if not got:
            self.lost("closed") if self.busy else self.forget()
            return
        self.data += got
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.data[:end].decode("latin-1")
        status = int(head.split(" ", 2)[1])
        length = int(re.search(r"content-length: *(\d+)", head, re.I)[1]) if status != 304 else 0
        if len(self.data) >= end + 4 + length:
            self.answered(status, head, bytes(self.data[end + 4:end + 4 + length]))

    def forget(self):
        self.load.drop(self.socket)
        self.socket = None

    def answered(self, status, head, body):
        self.data.clear()
        self.load.answers += 1
        if status == 304:
            self.load.unchanged += 1
        elif status != 200:
            self.load.complain(f"{self.name}: {status} {body[:200]!r}")
        else:
            etag = re.search(r"etag: *(\S+)", head, re.I)
            self.etag = etag[1] if etag else None
        more = re.search(rb'"next":"(\d+)"\}$', body[-40:]) if "/indicators/" in self.target and status == 200 else None
        if more:
            self.ask(more[1].decode())
        else:
            self.finish()

    def finish(self):
        self.load.took[self.name].append(time.monotonic() - self.due)
        self.due += self.load.o.every
        self.busy, self.reconnects = False, 0


def end_of_server(s):
    """Our address as /proc/net/tcp shows it beside the server's."""
    address, port = s.getsockname()
    return "".join(f"{int(n):02X}" for n in reversed(address.split("."))) + f":{port:04X}"


class Slow:
    """Comes back as soon as it is cut. How long each was let live is kept, from when the server had accepted it (seen within half a
    second): what waits in the kernel's queue costs the server nothing."""
    name, small = "", False

    def __init__(self, load, k, count):
        self.load, self.k = load, k
        self.socket, self.sent, self.accepted = None, 0.0, None
        self.born = load.start + 2.0 * k / count  # not all in one instant

    def note_age(self, now):
        if self.socket is not None and self.accepted:
            self.load.cut[self.name + "_still_open"].append(now - self.accepted)

    def open(self):
        self.socket = self.load.connect(self.k, self, self.small)
        self.born = self.sent = time.monotonic()
        self.accepted, self.end_of_server = None, end_of_server(self.socket)

    def ended(self):
        if self.accepted:
            self.load.cut[self.name].append(time.monotonic() - self.accepted)
        self.load.drop(self.socket)
        self.socket = None

    def turn(self, now):
        if self.socket is None:
            if now >= self.born:
                self.open()
            return
        if not self.accepted and self.end_of_server in self.load.held:
            self.accepted = now
        if now - self.sent >= 1:
            self.sent = now
            self.second()


class Drip(Slow):
    name = "drip"
    text = b"GET /api/v1/units HTTP/1.1\r\nHost: localhost\r\nX-Slow: "

    def second(self):
        age = int(self.sent - self.born)
        try:
            self.socket.send(self.text if age <= 1 else b"x")
        except BlockingIOError:
            pass
        except OSError:
            self.ended()

    def readable(self):
        try:
            if not self.socket.recv(4096):
                self.ended()
        except BlockingIOError:
            pass
        except OSError:
            self.ended()


class SlowReader(Slow):
    """Asks for the largest answer there is and takes it a byte a second."""
    name, small = "slow_reader", True

    def open(self):
        super().open()
        self.load.selector.unregister(self.socket)  # an unread answer is always readable
        self.asked = False
        self.sent = 0.0  # it asks at its next turn: the answer's time is what is measured

    def ended(self):
        self.load.selector.register(self.socket, selectors.EVENT_READ, self)
        super().ended()

    def turn(self, now):
        if self.socket and self.accepted and self.end_of_server not in self.load.held:
            self.ended()  # shut down, whatever still stands in the buffers
        else:
            super().turn(now)

    def second(self):
        try:
            if not self.asked:
                self.asked = True
                self.socket.send(f"GET {self.load.o.large} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            elif not self.socket.recv(1):
                self.ended()
        except BlockingIOError:
            pass
        except OSError:
            self.ended()

    def readable(self):
        pass


class Stream:
    """The event stream of somebody honest: it must be served all the while."""

    def __init__(self, load):
        self.load, self.data = load, b""
        self.events, self.longest, self.last, self.closed = 0, 0.0, time.monotonic(), False
        self.socket = load.connect(0, self)
        self.socket.setblocking(True)
        self.socket.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.socket.setblocking(False)

    def readable(self):
        try:
            got = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        if not got:
            self.closed = True
            self.load.drop(self.socket)
            return
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now
        self.events += got.count(b"event: ")


def percentiles(values):
    values = sorted(values)
    at = [values[min(len(values) - 1, int(len(values) * share))] * 1000 for share in (0.5, 0.99)] if values else [0, 0]
    return {"count": len(values), "p50_ms": at[0], "p99_ms": at[1], "max_ms": values[-1] * 1000 if values else 0}


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pollers", type=int, default=0)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between a poller's requests")
    parser.add_argument("--drips", type=int, default=0)
    parser.add_argument("--slow-readers", type=int, default=0)
    parser.add_argument("--addresses", type=int, default=50, help="of 127.0.0.x")
    parser.add_argument("--large", default="/metrics", help="what the slow readers ask for")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--target", dest="targets", action="append", help="polled, in turn; again for more")
    return parser.parse_args()


def main():
    load = Load(options())
    stream = load.run()
    everything = list(itertools.chain.from_iterable(load.took.values()))
    print(json.dumps({
        "polled": {**{name: percentiles(v) for name, v in sorted(load.took.items())}, "all": percentiles(everything)},
        "answers": load.answers, "unchanged": load.unchanged, "problems": load.problems,
        "cut": {name: percentiles(v) for name, v in load.cut.items()},
        "stream": {"events": stream.events, "longest_silence_s": stream.longest, "closed": stream.closed} if stream else None}))


main()
