"""Requests byte for byte, as Maestrano's SDKs put them on the wire, and what comes back.

Header names, their order and their capitals are those of each SDK's HTTP library.
"""

from __future__ import annotations

import json
from typing import Any

from tests.sandbox.helpers import CREDENTIALS, raw

JSON_API = b"application/vnd.api+json"

#: Java: HttpURLConnection; the SDK puts the method among the headers too.
JAVA_AGENT = [b"User-Agent: maestrano-java/1.8.0_144"]
JAVA_CONNECTION = [b"Connection: keep-alive"]


def java(method: bytes, kind: bytes = JSON_API) -> list[bytes]:
    return [b"Accept: " + kind, b"method: " + method, *JAVA_AGENT, b"Content-Type: " + kind, *JAVA_CONNECTION]


def bytes_of(
    method: bytes,
    path: bytes,
    headers: list[bytes],
    body: bytes | None = None,
    *,
    credentials: bytes | None = CREDENTIALS,
    version: bytes = b"1.1",
) -> bytes:
    lines = [method + b" " + path + b" HTTP/" + version]
    if credentials is not None:
        lines.append(b"Authorization: " + credentials)
    lines += [*headers, b"Host: hub.example"]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body or b""])


def ask(
    url: str,
    method: bytes,
    path: bytes,
    headers: list[bytes],
    body: bytes | None = None,
    *,
    kind: str = JSON_API.decode(),
    **more: bytes | None,
) -> tuple[int, dict[str, str], Any]:
    """Send a request byte for byte; return status, headers and what the body says."""
    answer = raw(url, bytes_of(method, path, headers, body, **more))
    head, _, content = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    # Clients of that time believe the length, and know no chunks.
    assert int(fields["content-length"]) == len(content)
    assert "transfer-encoding" not in fields
    assert "content-encoding" not in fields
    assert fields["content-type"].startswith(kind)
    return int(status.split()[1]), fields, json.loads(content)
