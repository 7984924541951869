"""The words in the hub's error bodies, whichever of their shapes they come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django_connec.client.errors import MESSAGE_LENGTH
from django_connec.client.wire import decode_json

__all__ = ["messages_of"]

MAX_MESSAGES = 20


def messages_of(body: object) -> tuple[str, ...]:
    """Return what an error body says, in reading order, without repeats.

    Read are ``errors`` as a list of objects (``title``, ``detail``, ``code``), a list of strings, a hash of field
    to message or messages, or a bare string; the same under ``error``; and a body that is plain text or JSON as
    text (Connec! API v2, errors: only the emulator's body is known; connectors log those of a batch as text).

    Args:
        body: The parsed body, or its text.

    Returns:
        At most 20 messages of at most 255 characters, on one line, printable. Empty when there are none: an
        object without ``errors`` is never quoted, as it may be a record, and neither is HTML.
    """
    found: dict[str, None] = {}
    for words in _walk(body):
        # isprintable() is false for NUL and lone surrogates, which PostgreSQL refuses in text.
        line = "".join(c if c.isprintable() else " " for c in words[: MESSAGE_LENGTH * 4])
        line = " ".join(line.split())[:MESSAGE_LENGTH]
        if line:
            found[line] = None
        if len(found) == MAX_MESSAGES:
            break
    return tuple(found)


def _walk(body: object) -> Iterator[str]:
    if isinstance(body, str):
        text = body.strip()
        parsed = decode_json(text) if text.startswith("{") else None
        if parsed is not None:
            yield from _walk(parsed)
        elif not text.startswith(("<", "{", "[")):
            yield text
    elif isinstance(body, Mapping):
        yield from _errors(body.get("errors"))
        yield from _errors(body.get("error"))


def _errors(errors: object) -> Iterator[str]:
    if isinstance(errors, str):
        yield errors
    elif isinstance(errors, list):
        for entry in errors:
            if isinstance(entry, str):
                yield entry
            elif isinstance(entry, Mapping):
                yield from _entry(entry)
    elif isinstance(errors, Mapping):
        if _is_entry(errors):
            yield from _entry(errors)
            return
        for field, told in errors.items():
            for words in told if isinstance(told, list) else [told]:
                if isinstance(words, str):
                    yield f"{field}: {words}"


def _is_entry(errors: Mapping[str, Any]) -> bool:
    # A hash of fields may well have a field called "title" or "code"; an entry has at least two of its own keys.
    return isinstance(errors.get("title"), str) and len({"status", "detail", "code"} & set(errors)) > 0


def _entry(entry: Mapping[str, Any]) -> Iterator[str]:
    title, detail, message, code = (_words(entry.get(key)) for key in ("title", "detail", "message", "code"))
    if title and detail and title != detail:
        yield f"{title}: {detail}"
    else:
        yield title or detail or message or code


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""
