"""``$filter`` and ``$orderby`` to SQL over the stored records (Connec! API v2, filter grammar)."""

from __future__ import annotations

import re
from typing import Any

from django_connec.sandbox.times import text_of

__all__ = ["BadFilter", "column", "order_by", "sql_value", "where"]

#: Never given back once matched: what a client sends must not make the reading slow.
_QUOTED = r"'(?:[^']|'')*+'"
_TOKEN = re.compile(
    rf"""\s*(?:(?P<text>{_QUOTED})|(?P<regex>/(?:[^/\\]|\\.)*+/)|(?P<list>\[(?:{_QUOTED}|[^'\]])*+\])
    |(?P<number>-?\d++(?:\.\d++)?(?![\w.-]))|(?P<word>[\w./-]++))""",
    re.VERBOSE | re.ASCII,
)
_ITEM = re.compile(rf"\s*+({_QUOTED}|[^\s'\],]++)\s*+(,|\Z)")
_OPERATORS = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_COLUMNS = {"_id": "id", "id": "id", "created_at": "created_at", "updated_at": "updated_at"}
_TIMES = ("created_at", "updated_at")
_ATTRIBUTE = re.compile(r"[A-Za-z_]\w*(?:[./][A-Za-z_]\w*)*", re.ASCII)
#: Patterns are run over every record while the store is held.
_LONGEST_PATTERN = 200
_LARGEST = 2**63 - 1


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
    words = (text or "").split()
    if not words:
        return "seq"
    direction = words[1].upper() if len(words) > 1 else "ASC"
    if len(words) > 2 or direction not in ("ASC", "DESC"):
        raise BadFilter("expected one attribute and ASC or DESC")
    return f"{column(words[0])} {direction}"


def column(attribute: str) -> str:
    """Return the SQL expression for an attribute; nothing but names and dots ever gets into it.

    Raises:
        BadFilter: It is no attribute's name.
    """
    if not _ATTRIBUTE.fullmatch(attribute):
        raise BadFilter("not an attribute")
    known = _COLUMNS.get(attribute)
    return known or "json_extract(body, '$.{}')".format(attribute.replace("/", "."))


def sql_value(value: Any) -> Any:
    """Return a value that SQLite takes: its whole numbers end at 64 bits."""
    if isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
        try:
            return float(value)
        except OverflowError:
            raise BadFilter("a number is too large") from None
    return value


def _condition(attribute: str, operator: str, value: tuple[str, str], values: list[Any]) -> str:
    expression = column(attribute)
    kind, text = value
    if operator == "match":
        if kind != "regex":
            raise BadFilter("match takes a /pattern/")
        values.append(_pattern(text[1:-1]))
        return f"{expression} REGEXP ?"
    if operator == "in":
        if kind != "list":
            raise BadFilter("in takes a ['list']")
        items = [_moment(item, up=False) if attribute in _TIMES else item for item in _items(text)]
        values += items
        return f"{expression} IN ({', '.join('?' * len(items))})"
    if operator not in _OPERATORS:
        raise BadFilter("unknown operator")
    if kind == "word" and text.lower() == "null":
        if operator not in ("eq", "ne"):
            raise BadFilter("null goes with eq and ne")
        # Empty blocks count as null: the console asks for missing addresses so.
        empty = f"({expression} IS NULL OR {expression} IN ('', '{{}}', '[]'))"
        return empty if operator == "eq" else f"NOT {empty}"
    found = _value(value)
    # Records hold whole seconds: a part of one counts upwards for "from" and "before", downwards for the others.
    values.append(_moment(found, up=operator in ("gte", "lt")) if attribute in _TIMES else found)
    if operator == "ne":
        return f"{expression} IS NOT ?"
    return f"{expression} {_OPERATORS[operator]} ?"


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
        if position < len(text) and not text[position].isspace():
            raise BadFilter(f"expected a space at character {position}")
    return found


def _items(text: str) -> list[Any]:
    """Read ``['a','b']``; commas and brackets inside quotes belong to the value."""
    inner = text[1:-1].strip()
    found: list[Any] = []
    position = 0
    while inner:
        match = _ITEM.match(inner, position)
        tokens = _tokens(match.group(1)) if match is not None else []
        if match is None or len(tokens) != 1:
            raise BadFilter("expected values with commas between them")
        found.append(_value(tokens[0]))
        position = match.end()
        if not match.group(2):
            break
    return found


def _pattern(text: str) -> str:
    if len(text) > _LONGEST_PATTERN:
        raise BadFilter("the pattern is too long")
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        raise BadFilter("the pattern cannot be read") from None
    return text


def _value(token: tuple[str, str]) -> Any:
    kind, text = token
    if kind == "text":
        return text[1:-1].replace("''", "'")
    if kind == "number":
        if len(text) > 300:
            raise BadFilter("a number is too large")
        return float(text) if "." in text else sql_value(int(text))
    if kind == "word" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise BadFilter(f"expected a value, found {kind}")


def _moment(value: Any, *, up: bool) -> str:
    """Bring a time to the form that records are stored in, so that text compares as time."""
    try:
        return text_of(str(value), up=up)
    except ValueError:
        raise BadFilter("expected an ISO 8601 time") from None
