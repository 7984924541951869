"""An application before the marketplace: it calls the account API, and its account webhooks are called."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from tests.sandbox.helpers import APP, GROUP, KEY


class Account:
    """An application's view of the account API; every answer has to be the envelope (Maestrano SDK, D)."""

    def __init__(self, url: str, auth=(APP, KEY)):
        self.root, self.auth = f"{url}/api/v1/", auth

    def __call__(self, method, path, expected=200, **options):
        answer = requests.request(method, self.root + path, auth=self.auth, timeout=10, **options)
        assert answer.status_code == expected, answer.text
        assert answer.headers["Content-Type"].startswith("application/json")
        body = answer.json()
        assert set(body) == {"success", "errors", "data"}
        assert body["success"] is not bool(body["errors"])
        assert all(isinstance(messages, list) for messages in body["errors"].values())
        return body

    def bill(self, expected=200, kind="bills", **fields):
        return self("POST", f"account/{kind}", expected, data={"group_id": GROUP} | fields)


class Subscriber:
    """An application's account webhooks."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.status = 200
        subscriber = self

        class Handler(BaseHTTPRequestHandler):
            def do_DELETE(self) -> None:
                credentials = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
                subscriber.calls.append((self.command, self.path, credentials))
                body = json.dumps({"success": True}).encode()
                self.send_response(subscriber.status)
                # An answer without content says so, or the connection stays open for what does not come.
                self.send_header("Content-Length", "0" if subscriber.status == 204 else str(len(body)))
                self.end_headers()
                if subscriber.status != 204:
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
