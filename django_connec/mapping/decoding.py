"""What records say about the mapped fields: of one record, or of a page of them at once.

A page is read field by field, not record by record: what a field's conversion costs is paid once a page, and texts that
repeat from record to record are converted once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django_connec.exceptions import BadValue
from django_connec.mapping.conversions import Take
from django_connec.mapping.fields import BoundField
from django_connec.mapping.nested import BoundNested, RowRecord
from django_connec.mapping.paths import Path, make_leftovers
from django_connec.mapping.values import MISSING, clean_json

__all__ = ["Decoded", "Decoder"]

#: What stands for a field that a record does not mention, in a column of values and digests.
_ABSENT: tuple[Any, Any] = (MISSING, MISSING)
_NOTHING = frozenset({type(None), type(MISSING)})
#: What may stand where a block is expected; anything else is looked at record by record.
_BLOCKS = _NOTHING | {dict}
#: Types of which equal values are one value, among themselves: 1, 1.0 and True are equal, too.
_SIMPLE = frozenset({str, int, bool})

#: Texts that are remembered with what became of them, where records come one by one.
REMEMBERED = 256
REMEMBERED_LENGTH = 40


@dataclass(slots=True)
class Decoded:
    """What a record says about the mapped fields.

    Attributes:
        values: Local value by field name; a field that the record does not mention is absent.
        digests: Short digest of each of these values.
        leftovers: Unmapped parts of the mapped blocks, by top-level attribute; of a row, everything unmapped.
        rows: The mapped rows of each list, by field name.
        others: The rows of each list that its mapper does not take.
    """

    values: dict[str, Any]
    digests: dict[str, str]
    leftovers: dict[str, Any]
    rows: dict[str, list[RowRecord]] = field(default_factory=dict)
    others: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)


class Decoder:
    """Reads the mapped fields of one mapper out of its records.

    Args:
        fields: The compiled fields.
        nested: The compiled lists of rows.
        is_row: The records are rows inside others, which go back to the hub whole.
    """

    def __init__(self, fields: Sequence[BoundField], nested: Sequence[BoundNested], *, is_row: bool) -> None:
        self._fields = fields
        self._nested = nested
        self._is_row = is_row
        self._names = tuple(bound.name for bound in fields)
        plain = [f.kind is None and len(f.path) == 1 for f in fields]
        #: Of each field its name, its attribute if that alone holds it, how it is read and taken.
        self._steps = [
            (f.name, f.top if p else None, f.read, _remembering(f.take) if f.is_fixed else f.take)
            for f, p in zip(fields, plain, strict=True)
        ]
        blocks: dict[str, list[Path]] = {}
        for bound in fields:
            if len(bound.path) > 1:
                blocks.setdefault(bound.top, []).append(bound.path[1:])
        self._leftovers = [(top, make_leftovers(paths)) for top, paths in blocks.items()]
        whole = {("id",), *(f.path for f in fields), *(f.kind[0] for f in fields if f.kind is not None)}
        self._row_leftovers = make_leftovers(sorted(whole))

    def decode(self, record: Mapping[str, Any]) -> Decoded:
        """Read every mapped field out of a record.

        Raises:
            BadValue: A value cannot be taken; names the path, what was expected and the kind that was found.
        """
        values: dict[str, Any] = {}
        digests: dict[str, str] = {}
        for name, top, read, take in self._steps:
            # An attribute with a value needs no call to be read; what is empty is read with care.
            raw = read(record) if top is None else record.get(top, MISSING) or read(record)
            if raw is not MISSING:
                values[name], digests[name] = take(raw)
        decoded = Decoded(values, digests, self._rest(record))
        for path, rest in {"": decoded.leftovers}.items() if self._is_row else decoded.leftovers.items():
            self._check(path, rest)
        self._add_rows(decoded, record)
        return decoded

    def decode_all(self, records: Sequence[Mapping[str, Any]]) -> list[Decoded]:
        """Read every mapped field out of many records, as :meth:`decode` does out of each.

        Raises:
            Exception: One of them cannot be taken, or not together with the others; which, and why, is for
                :meth:`decode` to say.
        """
        columns = _Columns(records)
        values: list[Sequence[Any]] = []
        digests: list[Sequence[Any]] = []
        has_gaps = False
        for bound in self._fields:
            raws = columns.at(bound.path) if bound.kind is None else list(map(bound.read, records))
            kinds = set(map(type, raws))
            has_gaps = has_gaps or type(MISSING) in kinds
            taken, converted = zip(*_take_all(bound, raws, kinds), strict=True)
            values.append(taken)
            digests.append(converted)
        rest = [self._rest(record) for record in records]
        self._check("", rest)
        by_name = zip(self._by_name(values, has_gaps), self._by_name(digests, has_gaps), rest, strict=True)
        decoded = [Decoded(*parts) for parts in by_name]
        if self._nested:
            for item, record in zip(decoded, records, strict=True):
                self._add_rows(item, record)
        return decoded

    def _by_name(self, columns: Sequence[Sequence[Any]], has_gaps: bool) -> Iterator[dict[str, Any]]:
        names = self._names
        if has_gaps:
            return (
                {name: value for name, value in zip(names, line, strict=True) if value is not MISSING}
                for line in zip(*columns, strict=True)
            )
        return (dict(zip(names, line, strict=True)) for line in zip(*columns, strict=True))

    def _rest(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return what no field maps: of a row all of it, as it goes back whole, of a record that of mapped blocks."""
        if self._is_row:
            return self._row_leftovers(record)
        leftovers: dict[str, Any] = {}
        for top, leave in self._leftovers:
            block = record.get(top)
            if type(block) is dict or isinstance(block, Mapping):
                rest = leave(block)
                if rest:
                    leftovers[top] = rest
        return leftovers

    def _check(self, path: str, rest: Any) -> None:
        reason = clean_json(rest)
        if reason:
            raise BadValue(path, "values that a database can hold", reason)

    def _add_rows(self, decoded: Decoded, record: Mapping[str, Any]) -> None:
        for nested in self._nested:
            if nested.path in record:
                rows, others, decoded.digests[nested.name] = nested.decode(record[nested.path])
                decoded.rows[nested.name], decoded.others[nested.name] = rows, others


class _Columns:
    """The values at paths in many records; each block on the way is looked up once.

    Args:
        records: Plain dictionaries.

    Raises:
        BadValue: One is none, or something in it that is no block stands where one is expected.
    """

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._blocks: dict[Path, Sequence[Any]] = {(): self._checked((), records)}

    def at(self, path: Path) -> list[Any]:
        """Return what :func:`~django_connec.mapping.paths.make_reader` finds at a path, record by record."""
        around, key = path[:-1], path[-1]
        if around not in self._blocks:
            self._blocks[around] = self._checked(around, self.at(around))
        # What is in a block that is null, or is not there, is null or not there itself.
        found = [block.get(key, MISSING) if type(block) is dict else block for block in self._blocks[around]]
        return [value if value or value != {} else None for value in found]

    def _checked(self, path: Path, blocks: Sequence[Any]) -> Sequence[Any]:
        if not _BLOCKS.issuperset(map(type, blocks)):
            raise BadValue(".".join(path), "a block", "something else")
        return blocks


def _take_all(bound: BoundField, raws: Sequence[Any], kinds: set[type]) -> list[tuple[Any, Any]]:
    """Return the value and the digest of each raw value; one that occurs several times is converted once."""
    take = bound.take
    simple = kinds - _NOTHING
    if bound.is_fixed and len(simple) <= 1 and simple <= _SIMPLE:
        known = {raw: _ABSENT if raw is MISSING else take(raw) for raw in set(raws)}
        return [known[raw] for raw in raws]
    return [_ABSENT if raw is MISSING else take(raw) for raw in raws]


def _remembering(take: Take) -> Take:
    remember = lru_cache(REMEMBERED)(take)

    def take_text(raw: Any) -> tuple[Any, str]:
        # Texts only: 1, 1.0 and True are one key, and not one value.
        return remember(raw) if type(raw) is str and len(raw) <= REMEMBERED_LENGTH else take(raw)

    return take_text
