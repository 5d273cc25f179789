# SPDX-License-Identifier: MIT
"""Who is called: a recording webhook server, a real Alertmanager, a real SMTP server. Private ports, loopback only."""
import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import socketserver
import sqlite3
import ssl
import subprocess
import threading
import time

import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from live import Process, free_port, wait_until

SECRET = "a secret of more than thirty-two bytes, as others hand it out"


class Recorder:
    """Takes POSTs and remembers them; `answers` is what it says (the last one stays), 0: it hangs up."""

    def __init__(self):
        self.heard, self.answers, self.port, self.server = [], [(200, "{}")], free_port(), None
        self.delay = lambda: 0  # seconds between hearing and answering
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self):
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = recorder.answers.pop(0) if len(recorder.answers) > 1 else recorder.answers[0]
                recorder.heard.append({"at": time.time(), "path": self.path, "headers": dict(self.headers), "body": body, "status": answer[0]})
                time.sleep(recorder.delay())
                if answer[0] == 0:
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                for name, value in (answer[2] if len(answer) > 2 else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1].encode())

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            allow_reuse_address, daemon_threads = True, True

            def handle_error(self, *_):
                pass  # whoever asked was killed

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def bodies(self, **filters):
        found = [json.loads(h["body"]) for h in list(self.heard) if h["status"] // 100 == 2]
        return [b for b in found if all(b.get(k) == v for k, v in filters.items())]

    def keys(self):
        return [h["headers"]["Idempotency-Key"] for h in list(self.heard) if h["status"] // 100 == 2]


def signed_rightly(heard, secret=SECRET):
    text = heard["headers"]["X-Nurseryd-Timestamp"].encode() + b"." + heard["body"]
    mac = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return heard["headers"]["X-Nurseryd-Signature"] == "sha256=" + mac and abs(int(heard["headers"]["X-Nurseryd-Timestamp"]) - time.time()) < 60


def dingtalk_sign(timestamp, secret):
    return base64.b64encode(hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()).decode()


def feishu_sign(timestamp, secret):
    return base64.b64encode(hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


class Alertmanager(Process):
    def __init__(self, directory, name="am"):
        self.directory, self.name, self.port = directory, name, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (directory / f"{name}.yml").write_text("route:\n  receiver: none\nreceivers:\n  - name: none\n")

    def start(self):
        with open(self.directory / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(["prometheus-alertmanager", f"--config.file={self.directory}/{self.name}.yml",
                                             f"--storage.path={self.directory}/{self.name}.data", f"--web.listen-address=127.0.0.1:{self.port}",
                                             "--cluster.listen-address="], stdout=log, stderr=log)
        wait_until(self.ready, 30, lambda: (self.directory / f"{self.name}.log").read_text()[-2000:])
        return self

    def ready(self):
        try:
            return requests.get(f"{self.url}/-/ready", timeout=2).ok
        except requests.ConnectionError:
            return False

    def alerts(self):
        return requests.get(f"{self.url}/api/v2/alerts", timeout=5).json()


class Mails:
    """STARTTLS and a password are required when a certificate is given."""

    def __init__(self, cert=None, key=None, password=None):
        self.letters, self.answers, self.port = [], [], free_port()
        self.cert, self.key, self.password, self.controller = cert, key, password, None
        self.start()

    def start(self):
        more = {}
        if self.cert:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.cert, self.key)
            more = {"tls_context": context, "require_starttls": True}
        if self.password:
            more.update(auth_required=True, authenticator=self.authenticate)
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, **more)
        self.controller.start()

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        return AuthResult(success=(data.login, data.password) == tuple(x.encode() for x in self.password))

    async def handle_DATA(self, _server, session, envelope):
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("2"):
            letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.letters.append({"from": envelope.mail_from, "to": envelope.rcpt_tos, "letter": letter, "tls": session.ssl is not None})
        return answer

    def stop(self):
        if self.controller:
            self.controller.stop()
            self.controller = None


def rows(daemon, sql, *args):
    with sqlite3.connect(f"file:{daemon.db}?mode=ro", uri=True) as db:
        return db.execute(sql, args).fetchall()
