"""``$filter`` and ``$orderby``, read (Connec! API v2, ``$filter``, ``$orderby``, ``$search``)."""

from __future__ import annotations

import re
from typing import Any

from django_connec.sandbox.query import COLUMNS, LARGEST, All, Compare, Condition, Either, Negation, Order
from django_connec.sandbox.times import text_of

__all__ = ["BadFilter", "attribute_path", "comparable", "order_by", "read_filter"]

#: Never given back once matched: what a client sends must not make the reading slow.
_QUOTED = r"'(?:[^']|'')*+'"
_TOKEN = re.compile(
    rf"""\s*(?:(?P<text>{_QUOTED})|(?P<regex>/(?:[^/\\]|\\.)*+/)|(?P<list>\[(?:{_QUOTED}|[^'\]])*+\])
    |(?P<number>-?\d++(?:\.\d++)?(?![\w.-]))|(?P<word>[\w./-]++)|(?P<bracket>[()]))""",
    re.VERBOSE | re.ASCII,
)
_ITEM = re.compile(rf"\s*+({_QUOTED}|[^\s'\],]++)\s*+(,|\Z)")
_OPERATORS = frozenset({"eq", "ne", "gt", "gte", "lt", "lte"})
_TIMES = ("created_at", "updated_at")
_ATTRIBUTE = re.compile(r"[A-Za-z_]\w*(?:[./][A-Za-z_]\w*)*", re.ASCII)
#: Patterns are run over every record while the store is held.
_LONGEST_PATTERN = 200
#: Brackets in brackets, and conditions in all: storage gives up some levels deeper.
_DEEPEST = 20
_MOST_CONDITIONS = 100

Token = tuple[str, str]


class BadFilter(ValueError):
    """The filter or the order cannot be read; the message says where."""


def read_filter(text: str | None, *, wide: bool = False) -> Condition | None:
    """Read a ``$filter``: ``cond (and cond)*`` with eq, ne, gt, gte, lt, lte, match and in.

    Args:
        wide: Take ``or``, ``not`` and parentheses too, which no client was seen to use; refuse them otherwise.

    Raises:
        BadFilter: It does not follow the grammar.
    """
    if not text:
        return None
    tokens = _tokens(text)
    if not tokens or len(tokens) > 4 * _MOST_CONDITIONS:
        raise BadFilter("expected conditions, a hundred at most")
    return _Reader(tokens, wide).read()


class _Reader:
    def __init__(self, tokens: list[Token], wide: bool) -> None:
        self.tokens = tokens
        self.wide = wide
        self.position = 0

    def read(self) -> Condition:
        found = self._either(0)
        if self.position < len(self.tokens):
            raise BadFilter('conditions are joined by "and" only' if not self.wide else "expected: and, or")
        return found

    def _word(self) -> str:
        if self.position < len(self.tokens):
            kind, text = self.tokens[self.position]
            return text.lower() if kind in ("word", "bracket") else ""
        return ""

    def _either(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise BadFilter("brackets are nested too deep")
        parts = [self._all(depth)]
        while self.wide and self._word() == "or":
            self.position += 1
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self, depth: int) -> Condition:
        parts = [self._one(depth)]
        while self._word() == "and":
            self.position += 1
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Condition:
        if self.wide and self._word() == "not":
            self.position += 1
            if depth > _DEEPEST:
                raise BadFilter("brackets are nested too deep")
            return Negation(self._one(depth + 1))
        if self.wide and self._word() == "(":
            self.position += 1
            found = self._either(depth + 1)
            if self._word() != ")":
                raise BadFilter("a bracket is not closed")
            self.position += 1
            return found
        return self._compare()

    def _compare(self) -> Compare:
        tokens = self.tokens[self.position : self.position + 3]
        if len(tokens) < 3:
            raise BadFilter("expected: attribute operator value")
        (kind, attribute), (_, operator), value = tokens
        if kind != "word":
            raise BadFilter(f"expected an attribute, found {kind}")
        self.position += 3
        return _condition(attribute, operator.lower(), value)


def order_by(text: str | None) -> Order | None:
    """Read an ``$orderby``: one attribute and ASC or DESC.

    Raises:
        BadFilter: It is something else.
    """
    words = (text or "").split()
    if not words:
        return None
    direction = words[1].upper() if len(words) > 1 else "ASC"
    if len(words) > 2 or direction not in ("ASC", "DESC"):
        raise BadFilter("expected one attribute and ASC or DESC")
    return Order(attribute_path(words[0]), direction == "DESC")


def attribute_path(attribute: str) -> tuple[str, ...]:
    """Take an attribute's name apart: ``email.address``, or ``email/address``.

    Raises:
        BadFilter: It is no attribute's name.
    """
    if not _ATTRIBUTE.fullmatch(attribute):
        raise BadFilter("not an attribute")
    path = tuple(attribute.replace("/", ".").split("."))
    return (COLUMNS[attribute],) if attribute in COLUMNS else path


def comparable(value: Any) -> Any:
    """Return a value as it is compared: whole numbers end at 64 bits.

    Raises:
        BadFilter: It is larger than any number that is stored.
    """
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        try:
            return float(value)
        except OverflowError:
            raise BadFilter("a number is too large") from None
    return value


def _condition(attribute: str, operator: str, value: Token) -> Compare:
    path = attribute_path(attribute)
    kind, text = value
    if operator == "match":
        if kind != "regex":
            raise BadFilter("match takes a /pattern/")
        return Compare(path, "match", _pattern(text[1:-1]))
    if operator == "in":
        if kind != "list":
            raise BadFilter("in takes a ['list']")
        items = (_moment(item, up=False) if attribute in _TIMES else _plain(path, item) for item in _items(text))
        return Compare(path, "in", tuple(items))
    if operator not in _OPERATORS:
        raise BadFilter("unknown operator")
    if kind == "word" and text.lower() == "null":
        if operator not in ("eq", "ne"):
            raise BadFilter("null goes with eq and ne")
        # Empty blocks count as null: the console asks for missing addresses so.
        return Compare(path, "empty" if operator == "eq" else "filled")
    found = _value(value)
    if attribute in _TIMES:
        # Records hold whole seconds: a part of one counts upwards for "from" and "before", downwards for the others.
        found = _moment(found, up=operator in ("gte", "lt"))
    return Compare(path, operator, _plain(path, found))  # type: ignore[arg-type]  # one of _OPERATORS


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise BadFilter(f"cannot read it from character {position} on")
        kind = match.lastgroup
        found.append((kind, match.group(kind)))
        position = match.end()
        following = text[position : position + 1]
        if following and not following.isspace() and kind != "bracket" and following != ")":
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
    if len(found) > 10 * _MOST_CONDITIONS:
        raise BadFilter("the list is too long")
    return found


def _pattern(text: str) -> str:
    if len(text) > _LONGEST_PATTERN:
        raise BadFilter("the pattern is too long")
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        raise BadFilter("the pattern cannot be read") from None
    return text


def _value(token: Token) -> Any:
    kind, text = token
    if kind == "text":
        return text[1:-1].replace("''", "'")
    if kind == "number":
        if len(text) > 300:
            raise BadFilter("a number is too large")
        return float(text) if "." in text else comparable(int(text))
    if kind == "word" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    raise BadFilter(f"expected a value, found {kind}")


def _plain(path: tuple[str, ...], value: Any) -> Any:
    """Ids are compared as texts (Connec! API v2, external-id mode)."""
    return str(value) if path == ("id",) else value


def _moment(value: Any, *, up: bool) -> str:
    """Bring a time to the form that records are stored in, so that text compares as time."""
    try:
        return text_of(str(value), up=up)
    except ValueError:
        raise BadFilter("expected an ISO 8601 time") from None
