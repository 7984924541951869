"""Dotted paths into a record: reading, building and what is left of a block beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django_connec.exceptions import BadValue
from django_connec.mapping.values import MISSING, kind_of

__all__ = ["Path", "make_leftovers", "make_reader", "put"]

Path = tuple[str, ...]
Reader = Callable[[Mapping[str, Any]], Any]


def make_reader(path: Path) -> Reader:
    """Return a function that takes the value at a path out of a record.

    It returns ``MISSING`` where the attribute, or a block on the way, is absent; ``None`` where the value
    or a block on the way is null or an empty block (Connec! API v2, shared blocks: empty blocks come back
    as ``{}``, not null). It raises :class:`BadValue` where a block on the way is no block.
    """
    if len(path) == 1:
        key = path[0]

        def read_attribute(record: Mapping[str, Any]) -> Any:
            value = record.get(key, MISSING)
            return value if value or value != {} else None

        return read_attribute

    *blocks, last = path

    def read_nested(record: Mapping[str, Any]) -> Any:
        block: Any = record
        for key in blocks:
            block = block.get(key, MISSING)
            if block is MISSING:
                return MISSING
            if not block and (block is None or block == {}):
                return None
            # The parser makes plain dictionaries; asking an abstract class about each costs ten times this.
            if type(block) is not dict and not isinstance(block, Mapping):
                raise BadValue(".".join(path), f"a block at {key}", kind_of(block))
        value = block.get(last, MISSING)
        return value if value or value != {} else None

    return read_nested


def put(target: dict[str, Any], path: Path, value: Any) -> None:
    """Set the value at a path in a payload under construction, making the blocks on the way."""
    for key in path[:-1]:
        inner = target.get(key)
        if not isinstance(inner, dict):
            inner = target[key] = {}
        target = inner
    target[path[-1]] = value


def make_leftovers(mapped: Iterable[Path]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return a function that takes a block without the mapped paths (relative to it); inner blocks that end up
    empty are kept as ``{}`` only where they came so."""
    here: dict[str, list[Path]] = {}
    for path in mapped:
        here.setdefault(path[0], []).append(path[1:])
    # None: the whole attribute is mapped, whatever it is.
    deeper = {key: make_leftovers(paths) if all(paths) else None for key, paths in here.items()}

    def leave(block: Mapping[str, Any]) -> dict[str, Any]:
        rest: dict[str, Any] = {}
        for key, value in block.items():
            if key not in deeper:
                rest[key] = value
                continue
            inside = deeper[key]
            if inside is not None and (type(value) is dict or isinstance(value, Mapping)):
                inner = inside(value)
                if inner:
                    rest[key] = inner
        return rest

    return leave
