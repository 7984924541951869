"""The declaration of one mapped attribute, and what it is compiled to.

A declaration (:class:`Field` and its subclasses) is written once in a mapper and used in both directions.
Binding it to a model yields a :class:`BoundField`: plain functions that read, decode, encode and compare,
so that no record costs any reflection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import models

from django_connec.mapping.conversions import (
    Convert,
    Take,
    clearing,
    decoder_for,
    encode_as_text,
    file_name,
    guarded,
    same,
    taker,
    text_taker,
)
from django_connec.mapping.paths import Path, make_reader
from django_connec.mapping.values import MISSING, digest

__all__ = ["BoundField", "Direction", "Field", "FieldProblem", "check_options", "related_row"]

Direction = Literal["both", "pull", "push"]
ConflictPolicy = Literal["newest", "connec", "local", "manual"]

DIRECTIONS = ("both", "pull", "push")
CONFLICT_POLICIES = ("newest", "connec", "local", "manual")
NO_DEFAULT = MISSING

#: Model fields whose values are JSON values as they are.
JSON_COLUMNS = (
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.FloatField,
    models.BooleanField,
    models.JSONField,
)


class FieldProblem(Exception):
    """A declaration does not fit its model; becomes a system check error.

    Args:
        code: Suffix of the check's id.
        message: What is wrong.
        hint: The cure.
    """

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


@dataclass(slots=True)
class BoundField:
    """One field of one mapper, compiled.

    Attributes:
        name: Its name in the mapper; the key of its digests in ``connec_state``.
        path: Where the value is in the record.
        attname: Attribute and column of the model that holds it (``employer_id`` for a foreign key).
        column: The model's field.
        read: Takes the raw value out of a record (see :func:`~django_connec.mapping.paths.make_reader`).
        decode: Raw value to local value; never gets ``MISSING``. Raises :class:`BadValue`.
        encode: Local value to JSON value.
        compare: Local value to the form that is digested, the same however the value was come by.
        take: Raw value to local value and its digest: ``decode`` and ``digest`` in one call.
        is_fixed: What becomes of a raw value depends on nothing else, so that it may be remembered.
        pull: The hub's value is written here.
        push: Our value is sent.
        create_only: Set when the other side's record is made, never after.
        default: For a new row whose record has no value; ``MISSING`` for none.
        conflict: Policy when both sides changed it; ``None`` for the mapper's.
        reference: Model that a foreign key leads to; ``None`` for plain values.
        kind: Where the record says what kind of record the reference leads to, and the word for this one;
            ``None`` where it always leads to the same kind.
        via: Accessor of the one-to-one relation whose row holds the column; ``None`` for a column of the model's own.
    """

    name: str
    path: Path
    attname: str
    column: models.Field[Any, Any]
    read: Callable[[Mapping[str, Any]], Any]
    decode: Convert
    encode: Convert
    compare: Convert
    take: Take
    is_fixed: bool
    pull: bool
    push: bool
    create_only: bool
    default: Any
    conflict: ConflictPolicy | None
    reference: type[models.Model] | None = None
    kind: tuple[Path, str] | None = None
    via: str | None = None

    @property
    def lookup(self) -> str:
        """How a query names the column."""
        return self.attname if self.via is None else f"{self.via}__{self.attname}"

    def get(self, row: Any) -> Any:
        """Return the value that a row holds, of its own or over a one-to-one relation; ``None`` where that leads
        nowhere."""
        if self.via is None:
            return getattr(row, self.attname)
        related = related_row(row, self.via)
        return None if related is None else getattr(related, self.attname)

    @property
    def top(self) -> str:
        """The top-level attribute of the record; what an update sends is decided by these."""
        return self.path[0]

    def digest(self, value: Any) -> str:
        """Return the short digest of a local value of this field."""
        return digest(self.compare(value))


class Field:
    """Map one attribute of the hub's record to one field of the model.

    The value is converted by the model field's own type: text, whole numbers, floats, booleans, JSON and
    UUIDs. Dates, amounts and choices have fields of their own.

    Args:
        path: Dotted path in the record, for example ``"email.address"``; the field's own name by default.
        source: Attribute of the model; the field's own name by default. ``"profile.phone"`` is the field ``phone`` of
            the row behind the one-to-one relation ``profile``, which is made where a value needs it.
        direction: ``"both"``, ``"pull"`` (the hub's value is written here, ours is not sent) or ``"push"``.
        create_only: Set when the other side's record is made, never after.
        default: Value of a new row whose record has none.
        decode: One raw JSON value in, one local value out. Not called for null, which clears. It replaces
            the conversion by type.
        encode: One local value in, one JSON value out.
        conflict: Who wins when both sides changed it: ``"newest"``, ``"connec"``, ``"local"`` or
            ``"manual"``; the mapper's ``Meta.conflict`` by default.
    """

    #: Model fields that this declaration can fill; ``None`` for "decided by conversion".
    columns: tuple[type[models.Field[Any, Any]], ...] | None = None
    #: Whether this declaration fills foreign keys.
    fills_relations = False
    #: Whether the conversion of a text depends on the text alone, so that it may be remembered.
    is_fixed = False

    def __init__(
        self,
        path: str | None = None,
        *,
        source: str | None = None,
        direction: Direction = "both",
        create_only: bool = False,
        default: Any = NO_DEFAULT,
        decode: Convert | None = None,
        encode: Convert | None = None,
        conflict: ConflictPolicy | None = None,
    ) -> None:
        self.path = path
        self.source = source
        self.direction = direction
        self.create_only = create_only
        self.default = default
        self.custom_decode = decode
        self.custom_encode = encode
        self.conflict = conflict

    def bind(self, name: str, model: type[models.Model]) -> BoundField:
        """Compile this declaration for a model.

        Raises:
            FieldProblem: It does not fit: unknown field, unusable type, unknown option.
        """
        via, holder, source = self._holder(name, model)
        column = self._column(source, holder)
        path = tuple((self.path or name).split(".")) if isinstance(self.path or name, str) else ()
        if not path or not all(path):
            raise FieldProblem(
                "E104", f'the path "{self.path}" is not a dotted path.', 'Write it like "email.address".'
            )
        check_options(self.direction, self.conflict)
        decode = self.decoder(column, path)
        if self.custom_decode is not None:
            decode = guarded(self.custom_decode, path, column)
        decode, compare = clearing(decode, column, path), self.comparer(column)
        take = taker(decode, compare)
        is_fixed = self._is_fixed(column)
        if is_fixed and type(self) is Field:
            take = text_taker(take, column.max_length)
        return BoundField(
            name=name,
            path=path,
            attname=column.attname,
            column=column,
            read=self.reader(path),
            decode=decode,
            encode=self.custom_encode or self.encoder(column),
            compare=compare,
            take=take,
            is_fixed=is_fixed,
            pull=self.direction != "push",
            push=self.direction != "pull",
            create_only=self.create_only,
            default=self.default,
            conflict=self.conflict,
            reference=self.reference(column),
            kind=self.kind(column),
            via=via,
        )

    def reader(self, path: Path) -> Callable[[Mapping[str, Any]], Any]:
        """Return the function that takes the raw value out of a record."""
        return make_reader(path)

    def kind(self, column: models.Field[Any, Any]) -> tuple[Path, str] | None:
        """Return where the record says what the reference leads to, and the word for this field's model."""
        return None

    def decoder(self, column: models.Field[Any, Any], path: Path) -> Convert:
        """Return the function from a raw value (never null) to a local one."""
        return decoder_for(column, path)

    def encoder(self, column: models.Field[Any, Any]) -> Convert:
        """Return the function from a local value to a JSON value."""
        return same if isinstance(column, JSON_COLUMNS) else encode_as_text

    def comparer(self, column: models.Field[Any, Any]) -> Convert:
        """Return the function from a local value to the form that is digested."""
        return file_name if isinstance(column, models.FileField) else same

    def reference(self, column: models.Field[Any, Any]) -> type[models.Model] | None:
        """Return the model that this field refers to, if it is a reference."""
        return None

    def _is_fixed(self, column: models.Field[Any, Any]) -> bool:
        """Tell whether a text always becomes the same value: only our own conversions are known to be so."""
        if self.custom_decode is not None:
            return False
        if type(self) is Field:
            return isinstance(column, (models.CharField, models.TextField))
        return bool(vars(type(self)).get("is_fixed"))

    def _holder(self, name: str, model: type[models.Model]) -> tuple[str | None, type[models.Model], str]:
        """Return the one-to-one relation that the source goes over, the model that holds the column, its name."""
        source = self.source or name
        via, dot, last = source.partition(".")
        if not dot:
            return None, model, source
        try:
            step = model._meta.get_field(via)
        except FieldDoesNotExist:
            step = None
        holder = step.related_model if isinstance(step, (models.OneToOneField, models.OneToOneRel)) else None
        if not isinstance(holder, type) or "." in last:
            raise FieldProblem(
                "E101",
                f'{model.__name__} has no one-to-one relation "{via}" that leads to "{last}".',
                'Write source="profile.phone" for the field phone of the row behind a one-to-one relation.',
            )
        return via, holder, last

    def _column(self, source: str, model: type[models.Model]) -> models.Field[Any, Any]:
        try:
            column = model._meta.get_field(source)
        except FieldDoesNotExist:
            known = ", ".join(f.name for f in model._meta.concrete_fields if not f.name.startswith("connec_"))
            raise FieldProblem(
                "E101", f'{model.__name__} has no field "{source}".', f"Name one of: {known}; or set source=…"
            ) from None
        if not isinstance(column, models.Field) or not column.concrete or column.many_to_many:
            raise FieldProblem(
                "E102",
                f'"{source}" is not a column of {model.__name__}.',
                "Map a field that the model's own table holds.",
            )
        if column.name.startswith("connec_") or column.primary_key:
            raise FieldProblem("E102", f'"{source}" belongs to the synchronisation itself.', "Map another field.")
        if column.is_relation and not self.fills_relations:
            raise FieldProblem(
                "E103",
                f'{type(self).__name__} cannot fill "{source}", a {type(column).__name__}.',
                "Use Reference in the mapper.",
            )
        if self.columns is not None and not isinstance(column, self.columns):
            wanted = " or ".join(c.__name__ for c in self.columns)
            raise FieldProblem(
                "E103",
                f'{type(self).__name__} cannot fill "{source}", a {type(column).__name__}.',
                f"Use a {wanted} in the model, or {suited_field(column)} in the mapper.",
            )
        if type(self) is Field and self.custom_decode is None and suited_field(column) != "Field":
            raise FieldProblem(
                "E103",
                f'Field cannot fill "{source}", a {type(column).__name__}.',
                f"Use {suited_field(column)} in the mapper.",
            )
        return column


def check_options(direction: Any, conflict: Any) -> None:
    """Check the options that fields and lists of rows share.

    Raises:
        FieldProblem: One of them is unknown.
    """
    if direction not in DIRECTIONS:
        raise FieldProblem("E105", f'unknown direction "{direction}".', f"Use one of: {', '.join(DIRECTIONS)}.")
    if conflict is not None and conflict not in CONFLICT_POLICIES:
        raise FieldProblem(
            "E105", f'unknown conflict policy "{conflict}".', f"Use one of: {', '.join(CONFLICT_POLICIES)}."
        )


def related_row(row: Any, via: str) -> Any | None:
    """Return the row at the other end of a one-to-one relation; ``None`` where there is none."""
    try:
        return getattr(row, via)
    except ObjectDoesNotExist:
        return None


def suited_field(column: models.Field[Any, Any]) -> str:
    """Return the name of the declaration that suits a model field."""
    if column.is_relation:
        return "Reference"
    for kind, name in (
        (models.DateTimeField, "DateTimeField"),
        (models.DateField, "DateField"),
        (models.DecimalField, "DecimalField"),
        (models.BinaryField, "Field(decode=…, encode=…)"),
    ):
        if isinstance(column, kind):
            return name
    return "Field"
