"""A record as a form, and a form as what changed of a record."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from django_connec.sandbox.records import READ_ONLY

__all__ = ["Field", "changes_of", "fields_of"]

PREFIX = "field:"
#: What makes the form long, and is seldom what somebody came for, stands last.
LAST = {"number": 0, "text": 0, "boolean": 0, "json": 1}


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute of a record.

    Attributes:
        kind: ``text``, ``number``, ``boolean`` or ``json`` (blocks and lists).
        text: Its value as the form shows it.
        example: What a value looks like.
    """

    name: str
    kind: str
    text: str
    example: str

    @property
    def input(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def is_long(self) -> bool:
        return self.kind == "json" or "\n" in self.text or len(self.text) > 80


def fields_of(record: Mapping[str, Any], example: Mapping[str, Any]) -> list[Field]:
    """Return the fields of a record: its attributes, and those that the resource's example has beside."""
    names = dict.fromkeys([*record, *example])
    fields = [
        Field(name, _kind(record.get(name), example.get(name)), _shown(record.get(name)), _shown(example.get(name)))
        for name in names
        if name not in READ_ONLY
    ]
    return sorted(fields, key=lambda field: LAST[field.kind])


def changes_of(form: Mapping[str, str], record: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that a person changed, as they were shown to that person and not as they are now.

    Args:
        form: ``field:<name>`` for each attribute, ``was:<name>`` for what was shown, and ``raw``: more as JSON.

    Raises:
        ValueError: A number or JSON cannot be read; names the attribute.
    """
    changes: dict[str, Any] = {}
    for key, text in form.items():
        if not key.startswith(PREFIX):
            continue
        name = key.removeprefix(PREFIX)
        if name in READ_ONLY or text == form.get(f"was:{name}", ""):
            continue
        changes[name] = _read(name, _kind(record.get(name), example.get(name)), text)
    raw = form.get("raw", "").strip()
    if raw:
        more = _json("raw", raw)
        if not isinstance(more, dict):
            raise ValueError(_("The further attributes must be a JSON object."))
        changes |= more
    return changes


def _kind(value: Any, example: Any) -> str:
    known = example if value is None else value
    if isinstance(known, bool):
        return "boolean"
    if isinstance(known, (int, float)):
        return "number"
    return "json" if isinstance(known, (dict, list)) else "text"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    return json.dumps(value, indent=2, ensure_ascii=False)


def _read(name: str, kind: str, text: str) -> Any:
    if not text.strip():
        return None
    if kind == "text":
        return text
    if kind == "number":
        if not re.fullmatch(r"-?\d{1,30}(\.\d{1,30})?", text.strip()):
            raise ValueError(_("%(name)s must be a number.") % {"name": name})
        return float(text) if "." in text else int(text)
    if kind == "boolean":
        return text == "true"
    return _json(name, text)


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(_("%(name)s is not JSON.") % {"name": name}) from None
