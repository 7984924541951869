"""The hub over HTTP on 127.0.0.1."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django_connec.sandbox.api import Api, Request, Response, error_response, path_and_query
from django_connec.sandbox.faults import Faults
from django_connec.sandbox.site import Marketplace, Pages, is_local

__all__ = ["HubServer", "Logged"]

logger = logging.getLogger(__name__)

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

    def __init__(
        self,
        api: Api,
        faults: Faults,
        log: Logged,
        control: Control,
        port: int = 0,
        *,
        marketplace: Marketplace,
        pages: Pages,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.api = api
        self.faults = faults
        self.log = log
        self.control = control
        self.marketplace = marketplace
        self.pages = pages
        # Set when nobody waits any longer for an answer that a fault holds back.
        self.stopping = threading.Event()
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
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is, and the hub goes on."""
        error = sys.exc_info()[1]
        # ValueError: the file of a connection that was closed under it.
        if not isinstance(error, (OSError, ValueError)):
            logger.error("A connection failed", exc_info=error)


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
        body = self._body()
        if body is None:
            return
        path, _ = path_and_query(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        of_people = self.server.pages.owns(path)
        if (of_people or path.startswith("/_sandbox/")) and not is_local(headers):
            self.send_error(421, "Call the sandbox 127.0.0.1 or localhost")
            return
        if of_people:
            request = Request(self.command, self.path, headers, body)
            response = self.server.pages.handle(request, self._origin(headers))
            self._send(response, response.body)
            return
        if path.startswith("/_sandbox/"):
            # Pages in the developer's browser reach this address too; browsers say where a request comes from.
            if self.headers.get("Origin"):
                refusal = error_response(403, "Not for web pages")
                self._send(refusal, json.dumps(refusal.body).encode())
                return
            self._control(path, body)
            return
        fault = self.server.faults.take(self.command, path)
        if fault is not None and fault.seconds > 0:
            self.server.stopping.wait(fault.seconds)
        if fault is not None and fault.kind == "drop":
            self._hang_up(path, started)
            return
        if fault is not None and fault.kind == "status":
            response = error_response(fault.status, "Trouble on demand")
            if fault.retry_after is not None:
                response.headers["Retry-After"] = str(fault.retry_after)
        else:
            response = self._called(path, Request(self.command, self.path, headers, body))
        if fault is not None and fault.kind == "lose_answer":
            self._hang_up(path, started)
            return
        content = json.dumps(response.body).encode()
        if fault is not None and fault.kind == "garbage":
            content = b"<html>Bad gateway</html>"
        # Before it is sent: whoever has the answer finds the call in the log.
        self.server.log(
            self.command, path, response.status, (time.perf_counter() - started) * 1000, _operations(path, body)
        )
        self._send(response, content)

    def _called(self, path: str, request: Request) -> Response:
        if self.server.marketplace.owns(path):
            return self.server.marketplace.handle(request, self._origin(request.headers))
        return self.server.api.handle(request, self.server.url)

    def _origin(self, headers: Mapping[str, str]) -> str:
        return f"http://{headers['host']}" if is_local(headers) else self.server.url

    def _body(self) -> bytes | None:
        """Read the request's body; ``None`` where it could not be read, and the client was told so."""
        lengths = self.headers.get_all("Content-Length") or ["0"]
        length = lengths[0].strip()
        if "Transfer-Encoding" in self.headers:
            self.send_error(411, "A Content-Length is needed")
            return None
        if len(lengths) != 1 or not (length.isascii() and length.isdigit()):
            self.send_error(400, "Content-Length must be one number")
            return None
        if len(length) > 12 or int(length) > MAX_BODY:
            self.send_error(413, "The body is too large")
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            # The client went away in the middle: nothing of it is to be done.
            self.close_connection = True
            return None
        return body

    def _control(self, path: str, body: bytes) -> None:
        try:
            content = json.loads(body) if body else None
            response = self.server.control(self.command, path, content) or error_response(404, "No such control")
        except (ValueError, RecursionError):
            response = error_response(400, "The body is not JSON")
        except Exception as error:
            # What an exception says may quote a record.
            logger.error("A control failed: %s", type(error).__name__)
            response = error_response(500, "Internal error")
        self._send(response, json.dumps(response.body).encode())

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request at all, in the hub's form too."""
        self.close_connection = True
        # Methods that the server has never heard of are the client's mistake as well.
        response = error_response(405 if code == 501 else code, message or "Bad request")
        response.headers["Connection"] = "close"
        self._send(response, json.dumps(response.body).encode())

    def _send(self, response: Response, content: bytes) -> None:
        self.send_response_only(response.status)
        for name, value in ({"Content-Type": "application/vnd.api+json; charset=utf-8"} | response.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if getattr(self, "command", None) != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def _hang_up(self, path: str, started: float) -> None:
        self.server.log(self.command, path, 0, (time.perf_counter() - started) * 1000, 0)
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """The hub keeps a log of its own."""


def _operations(path: str, body: bytes) -> int:
    if path != "/batch":
        return 1
    try:
        return len(json.loads(body)["ops"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
