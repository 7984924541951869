"""A real HTTP server that answers what a test has written down, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Action = Callable[["Handler"], None]


@dataclass
class Asked:
    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        asked = Asked(self.command, self.path, self.headers, self.rfile.read(length))
        hub = self.server.hub
        with hub.lock:
            hub.asked.append(asked)
            self.asked = asked
            action = hub.script.pop(0) if hub.script else hub.otherwise
        action(self)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    hub: ScriptedHub
    connections = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Clients that hang up on purpose are what these tests are about.
        pass


class ScriptedHub:
    """``script`` holds the next answers, in order; after them comes ``otherwise``."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: list[Asked] = []
        self.script: list[Action] = []
        self.otherwise: Action = answer({"errors": ["nothing was scripted"]}, status=418)
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.hub = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def connections(self) -> int:
        return self._server.connections

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def answer(body: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Action:
    """Answer with JSON, or with these very bytes."""

    def act(handler: Handler) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Length": str(len(data)), **(headers or {})}
        handler.send_response_only(status)
        for name, value in sent.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return act


def drop(handler: Handler) -> None:
    """Hang up without a word, after having read the request."""
    handler.close_connection = True


def raw(data: bytes) -> Action:
    """Write these bytes in place of an HTTP answer, then hang up."""

    def act(handler: Handler) -> None:
        handler.wfile.write(data)
        handler.close_connection = True

    return act


def chunked(*parts: bytes, headers: Mapping[str, str] | None = None, status: int = 200, end: bool = True) -> Action:
    """Answer in chunks; without ``end`` hang up before the last one."""

    def act(handler: Handler) -> None:
        handler.send_response_only(status)
        for name, value in {"Transfer-Encoding": "chunked", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        for part in parts:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        if end:
            handler.wfile.write(b"0\r\n\r\n")
        else:
            handler.close_connection = True

    return act


class Clock:
    """Time that passes only when someone sleeps, or when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
