"""Identifiers of records, in both of the hub's forms, and the field that maps a foreign key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.db import models

from django_connec.exceptions import BadValue
from django_connec.mapping.conversions import Convert
from django_connec.mapping.fields import Field, FieldProblem
from django_connec.mapping.paths import Path, make_reader
from django_connec.mapping.values import MISSING, clean_text, kind_of

__all__ = ["MAX_ID_LENGTH", "Reference", "RemoteId", "external_id", "parse_remote_id"]

# The hub's ids are UUIDs of 36 characters; the column leaves room for what has not been seen.
MAX_ID_LENGTH = 64
#: What other applications call the record; only compared, never stored in a column.
MAX_FOREIGN_LENGTH = 512
HUB_PROVIDER = "connec"


class RemoteId(NamedTuple):
    """The identity of a record as the hub gives it.

    Attributes:
        connec_id: The hub's own id; ``None`` where a list of ids has no entry of the hub's.
        others: ``(provider, realm, id)`` of every other application that knows the record; empty in the
            plain form.
        plain: The id came as a bare value, so that ``others`` says nothing about who knows it.
    """

    connec_id: str | None
    others: tuple[tuple[str, str, str], ...] = ()
    plain: bool = False

    def own(self, provider: str, realm: str) -> str | None:
        """Return the id that this application gave the record, if the hub knows one."""
        for entry in self.others:
            if entry[0] == provider and entry[1] == realm:
                return entry[2]
        return None


def parse_remote_id(value: Any, path: str = "id") -> RemoteId | None:
    """Read an ``id`` or a reference: text, a number, or a list of ``{provider, realm, id}``.

    Ids may arrive as numbers and are compared as text (Connec! API v2, external-id mode).

    Returns:
        ``None`` when there is none: absent, null, empty text, an empty list.

    Raises:
        BadValue: It is none of the known forms.
    """
    if value is None or value == "" or value == [] or value == {}:
        return None
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return RemoteId(_text(value, path), plain=True)
    if not isinstance(value, list) and isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list) or len(value) > 200:
        raise BadValue(path, "an id or a list of ids", kind_of(value))
    connec_id: str | None = None
    others: list[tuple[str, str, str]] = []
    for entry in value:
        # The parser makes plain dictionaries; an abstract class is asked about the others only.
        is_block = type(entry) is dict or isinstance(entry, Mapping)
        found = entry.get("id") if is_block else None
        if not isinstance(found, (str, int)) or isinstance(found, bool):
            raise BadValue(path, "entries with provider, realm and id", kind_of(entry))
        provider = entry.get("provider")
        if provider == HUB_PROVIDER:
            connec_id = connec_id or _text(found, path) or None
        elif isinstance(provider, str):
            realm = entry.get("realm")
            others.append(
                (
                    _text(provider, path, MAX_FOREIGN_LENGTH),
                    _text(realm, path, MAX_FOREIGN_LENGTH) if isinstance(realm, str) else "",
                    _text(found, path, MAX_FOREIGN_LENGTH),
                )
            )
    return RemoteId(connec_id, tuple(others)) if connec_id or others else None


def external_id(identifier: str, provider: str, realm: str) -> list[dict[str, str]]:
    """Return the list form with one application's own entry, the only one it may send."""
    return [{"id": identifier, "provider": provider, "realm": realm}]


def _text(value: str | int, path: str, limit: int = MAX_ID_LENGTH) -> str:
    # Python refuses to write whole numbers of thousands of digits.
    text = str(value) if isinstance(value, str) or value.bit_length() < 4 * limit else ""
    if len(text) > limit or clean_text(text) or (text == "" and value != ""):
        raise BadValue(path, f"an id of at most {limit} characters", kind_of(value))
    return text


class Reference(Field):
    """Map a foreign key to another mapped model.

    The hub's value is the referenced record's id, in either form. It is resolved to the row that holds this
    id in the same group, one query a model for a whole page; a record that refers to an unknown one is
    fetched or parked, never dropped.

    Args:
        kind: For a link that may lead to records of several kinds: the path of the attribute that says which, and
            the word for this one, for example ``("assignee_type", "AppUser")``. Map one nullable foreign key a kind,
            all with the same path. The word is also read with ``Entity::`` before it (Connec! API v2, polymorphic
            links).
    """

    columns = (models.ForeignKey,)
    fills_relations = True

    def __init__(self, path: str | None = None, *, kind: tuple[str, str] | None = None, **options: Any) -> None:
        super().__init__(path, **options)
        self.kind_path: Path | None = None if kind is None else tuple(kind[0].split("."))
        self.kind_word = "" if kind is None else kind[1]

    def reader(self, path: Path) -> Callable[[Mapping[str, Any]], Any]:
        read = make_reader(path)
        if self.kind_path is None:
            return read
        read_kind, word = make_reader(self.kind_path), self.kind_word

        def read_of_kind(record: Mapping[str, Any]) -> Any:
            value = read(record)
            if value is MISSING or value is None:
                return value
            kind = read_kind(record)
            if kind is MISSING:
                return MISSING
            return value if isinstance(kind, str) and kind.removeprefix("Entity::") == word else None

        return read_of_kind

    def kind(self, column: models.Field[Any, Any]) -> tuple[Path, str] | None:
        if self.kind_path is None:
            return None
        if not column.null:
            raise FieldProblem(
                "E103", f'"{column.name}" cannot be empty.', "Let it be null: the link may lead to another kind."
            )
        return self.kind_path, self.kind_word

    def decoder(self, column: models.Field[Any, Any], path: Path) -> Convert:
        where = ".".join(path)

        def decode(value: Any) -> RemoteId | None:
            found = parse_remote_id(value, where)
            if found is None and not column.null:
                raise BadValue(where, "an id, as the column cannot be empty", kind_of(value))
            return found

        return decode

    def encoder(self, column: models.Field[Any, Any]) -> Convert:
        return lambda value: None if value is None else value.connec_id

    def comparer(self, column: models.Field[Any, Any]) -> Convert:
        def compare(value: RemoteId | None) -> str | None:
            if value is None:
                return None
            return value.connec_id or "|".join(sorted("/".join(entry) for entry in value.others))

        return compare

    def reference(self, column: models.Field[Any, Any]) -> type[models.Model] | None:
        target = column.remote_field.model if column.remote_field else None
        return target if isinstance(target, type) else None
