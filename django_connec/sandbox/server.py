"""The hub over HTTP on 127.0.0.1."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from django_connec.sandbox.api import Api, Request, Response
from django_connec.sandbox.faults import Faults

__all__ = ["HubServer", "Logged"]

MAX_BODY = 64_000_000

#: Told after each call: method, path, status, milliseconds, operations in it.
Logged = Callable[[str, str, int, float, int], None]
#: Answers what is not the hub's API: the sandbox's own controls. ``None``: not found.
Control = Callable[[str, str, Any], "Response | None"]


class HubServer(ThreadingHTTPServer):
    """Serves one hub; a thread a connection, connections kept open.

    Args:
        port: 0 for any free one.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, api: Api, faults: Faults, log: Logged, control: Control, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.api = api
        self.faults = faults
        self.log = log
        self.control = control
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def opened(self, connection: socket.socket) -> None:
        with self._open_lock:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        with self._open_lock:
            self._open.discard(connection)

    def stop(self) -> None:
        """Stop serving and close every connection, so that no client keeps talking to a hub that is gone."""
        self.shutdown()
        self.server_close()
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"
    # Headers and body leave together; waiting for the acknowledgement in between costs 40 ms a call.
    wbufsize = -1
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        super().finish()

    def _answer(self) -> None:
        started = time.perf_counter()
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, MAX_BODY))
        path = urlsplit(self.path).path
        if path.startswith("/_sandbox"):
            self._control(path, body)
            return
        fault = self.server.faults.take(self.command, path)
        if fault is not None and fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault is not None and fault.kind == "drop":
            self._hang_up(path, started)
            return
        if fault is not None and fault.kind == "status":
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            response = Response(fault.status, {"errors": [{"title": "Trouble on demand"}]}, headers)
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = self.server.api.handle(Request(self.command, self.path, headers, body), self.server.url)
        if fault is not None and fault.kind == "lose_answer":
            self._hang_up(path, started)
            return
        content = json.dumps(response.body).encode()
        if fault is not None and fault.kind == "garbage":
            content = b"<html>Bad gateway</html>"
        # Before the answer leaves: whoever has it may look into the log at once.
        self.server.log(
            self.command, path, response.status, (time.perf_counter() - started) * 1000, _operations(path, body)
        )
        self._send(response, content)

    def _control(self, path: str, body: bytes) -> None:
        try:
            content = json.loads(body) if body else None
        except ValueError:
            content = None
        response = self.server.control(self.command, path, content) or Response(404, {"error": "no such control"})
        self._send(response, json.dumps(response.body).encode())

    def _send(self, response: Response, content: bytes) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/vnd.api+json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _hang_up(self, path: str, started: float) -> None:
        self.server.log(self.command, path, 0, (time.perf_counter() - started) * 1000, 0)
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """The hub keeps a log of its own."""


def _operations(path: str, body: bytes) -> int:
    if path != "/batch":
        return 1
    try:
        return len(json.loads(body)["ops"])
    except (ValueError, KeyError, TypeError):
        return 0
