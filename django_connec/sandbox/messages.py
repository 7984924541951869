"""Requests and responses as values, without sockets."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Query", "Request", "Response", "error_response", "first", "number", "path_and_query", "read_object"]

#: SQLite, and whoever reads the record later, would give up some levels deeper.
DEPTH_CAP = 100

#: A request's parameters, in its order.
Query = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(slots=True)
class Response:
    """One HTTP response; ``body`` is sent as JSON."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


def error_response(status: int, title: str, anchor: str = "") -> Response:
    """Return a refusal in the hub's form (Connec! API v2, errors).

    Args:
        anchor: Part of the documentation that ``href`` leads to; the whole of it by default.
    """
    code = re.sub(r"[^a-z0-9]+", "-", title.lower().replace("'", "")).strip("-")
    href = "http://maestrano.github.io/connec/" + (f"#{anchor}" if anchor else "")
    entry = {"id": str(uuid.uuid4()), "href": href, "status": str(status)}
    return Response(status, {"errors": [entry | {"code": code, "title": title, "detail": title}]})


def path_and_query(target: str) -> tuple[str, str]:
    """Take a request's target apart; an absolute one, as sent to a proxy, loses its scheme and host."""
    path, _, query = target.partition("#")[0].partition("?")
    if "://" in path and not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path, query


def read_object(body: bytes) -> dict[str, Any]:
    """Read a body: an object, not nested too deep, of numbers and texts that JSON and Unicode know.

    Raises:
        ValueError: It is something else; the message says what.
    """
    try:
        content = json.loads(body)
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ValueError("The body is not JSON") from None
    if not isinstance(content, dict):
        raise ValueError("The body must be an object")
    level: list[Any] = [content]
    for _ in range(DEPTH_CAP):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return content
    raise ValueError("The body is nested too deep")


def first(query: Query, name: str) -> str | None:
    """Return the first value of a parameter."""
    return next((value for found, value in query if found == name), None)


def number(query: Query, name: str, default: int) -> int:
    """Return a parameter that counts something.

    Raises:
        ValueError: It does not.
    """
    text = first(query, name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise ValueError(f"{name} must be a number")
    return int(text)
