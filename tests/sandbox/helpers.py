"""A hub over real HTTP, the way an application that knows only the reference would talk to it."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from django_connec.sandbox import SandboxHub

APP, KEY = "app-one", "key one"
GROUP, ORG = "cld-7p2k", "org-9x1"
OTHER, OTHER_KEY, OTHER_GROUP = "app-two", "key two", "cld-44zz"


def own(id: object, provider: str = "acme-books", realm: str = "acct-88") -> dict[str, Any]:
    return {"provider": provider, "realm": realm, "id": id}


def connec(id: str) -> dict[str, Any]:
    return {"realm": ORG, "provider": "connec", "id": id}


def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.005)


class Api:
    """One application's view."""

    def __init__(
        self, url: str, group: str = GROUP, auth: tuple[str, str] = (APP, KEY), external_ids: bool = False
    ) -> None:
        self.url = url
        self.root = f"{url}/api/v2/{group}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = auth
        self.session.headers["Accept"] = "application/vnd.api+json"
        self.external_ids = external_ids

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        url = path if path.startswith("http") else f"{self.root}/{path}"
        headers = {"Content-Type": "application/vnd.api+json"}
        if options.pop("external_ids", self.external_ids):
            headers["CONNEC-EXTERNAL-IDS"] = "true"
        data = None if body is None else json.dumps(body)
        return self.session.request(method, url, data=data, headers=headers, timeout=20, **options)

    def get(self, path: str, external_ids: bool | None = None, **params: Any) -> requests.Response:
        wanted = self.external_ids if external_ids is None else external_ids
        return self.call("GET", path, params={f"${name}": value for name, value in params.items()}, external_ids=wanted)

    def names(self, resource: str = "items", **params: Any) -> list[Any]:
        answer = self.get(resource, **params)
        assert answer.status_code == 200, answer.text
        return [record["name"] for record in answer.json()[resource]]

    def post(self, resource: str, /, **attributes: Any) -> requests.Response:
        return self.call("POST", resource, {resource: attributes})

    def put(self, resource: str, key: str, /, **attributes: Any) -> requests.Response:
        return self.call("PUT", f"{resource}/{key}", {resource: attributes})

    def batch(self, ops: Any, **more: Any) -> requests.Response:
        return self.call("POST", f"{self.url}/batch", {"sequential": True, "ops": ops} | more)

    def op(self, method: str, path: str, **params: Any) -> dict[str, Any]:
        return {"method": method, "url": self.root.removeprefix(self.url) + f"/{path}", "params": params}


class Receiver:
    """An application's webhook. ``answers`` are its next statuses, 200 afterwards; ``gate`` holds it back."""

    def __init__(self, answers: list[int] | None = None) -> None:
        self.answers = answers or []
        self.bodies: list[Any] = []
        self.credentials: list[str] = []
        self.types: list[str] = []
        self.paths: list[str] = []
        self.headers: list[set[str]] = []
        self.times: list[float] = []
        self.gate = threading.Event()
        self.gate.set()
        self.reached = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.times.append(time.monotonic())
                receiver.paths.append(self.path)
                receiver.headers.append({name.lower() for name in self.headers})
                receiver.reached.set()
                receiver.gate.wait(20)
                receiver.bodies.append(json.loads(content))
                encoded = self.headers["Authorization"].removeprefix("Basic ")
                receiver.credentials.append(base64.b64decode(encoded).decode())
                receiver.types.append(self.headers["Content-Type"])
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *args: None
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/notifications"

    def records(self, resource: str) -> list[Any]:
        return [record for body in self.bodies for record in body.get(resource, [])]

    def close(self) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


def furnish(hub: SandboxHub) -> SandboxHub:
    hub.add_application(APP, KEY)
    hub.add_group(GROUP, api_id=APP, org=ORG)
    hub.add_application(OTHER, OTHER_KEY)
    hub.add_group(OTHER_GROUP, api_id=OTHER, org=ORG)
    return hub


def control(url: str, name: str, content: Any = None, method: str = "POST") -> requests.Response:
    """One of the sandbox's own controls."""
    data = content if isinstance(content, str) or content is None else json.dumps(content)
    return requests.request(method, f"{url}/_sandbox/{name}", data=data, timeout=10)


CREDENTIALS = b"Basic YXBwLW9uZTprZXkgb25l"
PATH = f"/api/v2/{GROUP}/items".encode()


def raw(url: str, content: bytes, finish: bool = True) -> bytes:
    """Send bytes as they are; return all that comes back."""
    port = int(url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        # The hub may hang up before it has read everything.
        with contextlib.suppress(OSError):
            connection.sendall(content)
            if finish:
                connection.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(OSError):
            while chunk := connection.recv(65536):
                received += chunk
        return received


def request(method: bytes = b"GET", path: bytes = PATH, body: bytes = b"", headers: Iterable[bytes] = ()) -> bytes:
    """The bytes of a request by the first application."""
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: hub", b"Authorization: " + CREDENTIALS, *headers]
    return b"\r\n".join([*lines, b"", body])
