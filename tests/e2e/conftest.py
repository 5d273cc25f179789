# SPDX-License-Identifier: MIT
"""Every answer of nurseryd that a test reads through `requests` or http.client is held against docs/openapi.yaml."""
import http.client

import pytest
import requests

from openapi import check_answer

OURS = "Cross-Origin-Resource-Policy"  # other servers of the tests do not send it


@pytest.fixture(autouse=True, scope="session")
def answers_are_as_described():
    patch = pytest.MonkeyPatch()
    send, put, respond, read = (requests.Session.send, http.client.HTTPConnection.putrequest, http.client.HTTPConnection.getresponse,
                                http.client.HTTPResponse.read)

    def checked_send(self, request, **more):
        answer = send(self, request, **more)
        if OURS in answer.headers:
            check_answer(request.method, request.url, answer.status_code, answer.headers, answer.content)
        return answer

    def kept_put(self, method, url, *args, **more):
        self.asked = (method, url)
        return put(self, method, url, *args, **more)

    def kept_respond(self):
        answer = respond(self)
        answer.asked = self.asked
        return answer

    def checked_read(self, amt=None):
        first, body = self.fp is not None, read(self, amt)
        asked = getattr(self, "asked", None)
        if first and amt is None and asked and OURS in self.headers and "Content-Encoding" not in self.headers:
            check_answer(*asked, self.status, self.headers, body)
        return body

    patch.setattr(requests.Session, "send", checked_send)
    patch.setattr(http.client.HTTPConnection, "putrequest", kept_put)
    patch.setattr(http.client.HTTPConnection, "getresponse", kept_respond)
    patch.setattr(http.client.HTTPResponse, "read", checked_read)
    yield
    patch.undo()
