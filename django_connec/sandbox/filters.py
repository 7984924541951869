"""``$filter`` and ``$orderby`` to SQL over the stored records (Connec! API v2, filter grammar)."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["BadFilter", "order_by", "where"]

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<regex>/(?:[^/\\]|\\.)*/)|(?P<list>\[[^\]]*\])
    |(?P<number>-?\d+(?:\.\d+)?(?![\w-]))|(?P<word>[\w./-]+))""",
    re.VERBOSE,
)
_OPERATORS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_COLUMNS = {"_id": "id", "id": "id", "created_at": "created_at", "updated_at": "updated_at"}
_ATTRIBUTE = re.compile(r"[A-Za-z_]\w*(?:[./][A-Za-z_]\w*)*")


class BadFilter(ValueError):
    """The filter or the order cannot be read; the message says where."""


def where(text: str | None) -> tuple[str, list[Any]]:
    """Translate a ``$filter``.

    ``cond (and cond)*`` with eq, ne, gt, gte, lt, lte, match and in. ``or`` and parentheses were never seen
    and are refused.

    Raises:
        BadFilter: It does not follow the grammar.
    """
    if not text:
        return "1", []
    tokens = _tokens(text)
    parts: list[str] = []
    values: list[Any] = []
    position = 0
    while True:
        if position + 3 > len(tokens):
            raise BadFilter("expected: attribute operator value")
        (kind, attribute), (_, operator), value = tokens[position : position + 3]
        if kind != "word":
            raise BadFilter(f"expected an attribute, found {kind}")
        parts.append(_condition(attribute, operator.lower(), value, values))
        position += 3
        if position == len(tokens):
            return " AND ".join(parts), values
        if tokens[position][1].lower() != "and":
            raise BadFilter('conditions are joined by "and" only')
        position += 1


def order_by(text: str | None) -> str:
    """Translate an ``$orderby``: one attribute and ASC or DESC; the order of creation by default.

    Raises:
        BadFilter: It is something else.
    """
    if not text:
        return "seq"
    words = text.split()
    direction = words[1].upper() if len(words) > 1 else "ASC"
    if len(words) > 2 or direction not in ("ASC", "DESC"):
        raise BadFilter("expected one attribute and ASC or DESC")
    return f"{_column(words[0])} {direction}"


def _condition(attribute: str, operator: str, value: tuple[str, str], values: list[Any]) -> str:
    column = _column(attribute)
    kind, text = value
    if operator == "match":
        if kind != "regex":
            raise BadFilter("match takes a /pattern/")
        values.append(text[1:-1])
        return f"{column} REGEXP ?"
    if operator == "in":
        if kind != "list":
            raise BadFilter("in takes a ['list']")
        items = [_value(token) for token in _tokens(text[1:-1].replace(",", " "))]
        values += items
        return f"{column} IN ({', '.join('?' * len(items))})"
    if operator not in _OPERATORS:
        raise BadFilter("unknown operator")
    if kind == "word" and text.lower() == "null":
        if operator not in ("eq", "ne"):
            raise BadFilter("null goes with eq and ne")
        # Empty blocks count as null: the console asks for missing addresses so.
        empty = f"({column} IS NULL OR {column} IN ('', '{{}}', '[]'))"
        return empty if operator == "eq" else f"NOT {empty}"
    found = _value(value)
    values.append(_moment(found) if attribute in ("created_at", "updated_at") else found)
    if operator == "ne":
        return f"{column} IS NOT ?"
    return f"{column} {_OPERATORS[operator]} ?"


def _column(attribute: str) -> str:
    if not _ATTRIBUTE.fullmatch(attribute):
        raise BadFilter("not an attribute")
    known = _COLUMNS.get(attribute)
    return known or "json_extract(body, '$.{}')".format(attribute.replace("/", "."))


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise BadFilter(f"cannot read it from character {position} on")
        found.append((match.lastgroup, match.group(match.lastgroup)))
        position = match.end()
        while position < len(text) and text[position].isspace():
            position += 1
    return found


def _value(token: tuple[str, str]) -> Any:
    kind, text = token
    if kind == "text":
        return text[1:-1].replace("''", "'")
    if kind == "number":
        return float(text) if "." in text else int(text)
    if kind == "word" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise BadFilter(f"expected a value, found {kind}")


def _moment(value: Any) -> Any:
    """Bring a time to the form that records are stored in, so that text compares as time."""
    import datetime as dt

    try:
        moment = dt.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise BadFilter("expected an ISO 8601 time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
