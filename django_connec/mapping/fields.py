"""The declaration of one mapped attribute, and what it is compiled to.

A declaration (:class:`Field` and its subclasses) is written once in a mapper and used in both directions.
Binding it to a model yields a :class:`BoundField`: plain functions that read, decode, encode and compare,
so that no record costs any reflection.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any, Literal, cast

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import models
from django.db.backends.base.operations import BaseDatabaseOperations
from django.utils.duration import duration_string

from django_connec.exceptions import BadValue
from django_connec.mapping.paths import Path, make_reader
from django_connec.mapping.values import MAX_BITS, MISSING, clean_json, clean_text, digest, kind_of

__all__ = ["BoundField", "Direction", "Field", "FieldProblem", "related_row"]

Direction = Literal["both", "pull", "push"]
ConflictPolicy = Literal["newest", "connec", "local", "manual"]
Convert = Callable[[Any], Any]

DIRECTIONS = ("both", "pull", "push")
CONFLICT_POLICIES = ("newest", "connec", "local", "manual")
NO_DEFAULT = MISSING
#: Texts that are remembered with what became of them: cities, titles and states repeat from record to record.
REMEMBERED = 256
REMEMBERED_LENGTH = 40

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
    take: Callable[[Any], tuple[Any, str]]
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
        if self.direction not in DIRECTIONS:
            raise FieldProblem(
                "E105", f'unknown direction "{self.direction}".', f"Use one of: {', '.join(DIRECTIONS)}."
            )
        if self.conflict is not None and self.conflict not in CONFLICT_POLICIES:
            raise FieldProblem(
                "E105", f'unknown conflict policy "{self.conflict}".', f"Use one of: {', '.join(CONFLICT_POLICIES)}."
            )
        decode = self.decoder(column, path)
        if self.custom_decode is not None:
            decode = _guarded(self.custom_decode, path, column)
        decode, compare = _clearing(decode, column, path), self.comparer(column)
        return BoundField(
            name=name,
            path=path,
            attname=column.attname,
            column=column,
            read=self.reader(path),
            decode=decode,
            encode=self.custom_encode or self.encoder(column),
            compare=compare,
            take=_taker(decode, compare, is_fixed=self._is_fixed(column)),
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
        return _same if isinstance(column, JSON_COLUMNS) else _encode_as_text

    def comparer(self, column: models.Field[Any, Any]) -> Convert:
        """Return the function from a local value to the form that is digested."""
        return _file_name if isinstance(column, models.FileField) else _same

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


def decoder_for(column: models.Field[Any, Any], path: Path) -> Convert:
    """Return the conversion that a model field's own type calls for."""
    where = ".".join(path)
    if isinstance(column, (models.CharField, models.TextField)):
        return text_decoder(where, column.max_length)
    if isinstance(column, models.IntegerField):
        # Not the connection's: SQLite takes more than the others, and a record must not fail on one alone.
        ranges = BaseDatabaseOperations.integer_field_ranges
        low, high = ranges.get(column.get_internal_type(), ranges["BigIntegerField"])
        return _integer_decoder(where, low, high)
    if isinstance(column, models.FloatField):
        return _float_decoder(where)
    if isinstance(column, models.BooleanField):
        return boolean_decoder(where)
    if isinstance(column, models.JSONField):
        return _json_decoder(where)
    return _by_column(column, where)


def text_decoder(where: str, max_length: int | None) -> Convert:
    """Return a conversion to text; numbers are taken too, as the hub's ids and codes come as either."""

    def decode(value: Any) -> str:
        if not isinstance(value, str):
            if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
                raise BadValue(where, "text", kind_of(value))
            if isinstance(value, int) and value.bit_length() > MAX_BITS:
                raise BadValue(where, "text", "a number with too many digits")
            if not isinstance(value, int) and not isfinite(value):
                raise BadValue(where, "text", "a number that is not finite")
            value = str(value)
        text: str = value
        reason = clean_text(text)
        if reason:
            raise BadValue(where, "text that a database can hold", reason)
        if max_length is not None and len(text) > max_length:
            raise BadValue(where, f"at most {max_length} characters", kind_of(text))
        return text

    return decode


def boolean_decoder(where: str) -> Convert:
    """Return a conversion to ``True``/``False``; the words and 0/1 are taken too."""
    words: dict[Any, bool] = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}

    def decode(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        known = words.get(value.lower() if isinstance(value, str) else value) if isinstance(value, (str, int)) else None
        if known is None:
            raise BadValue(where, "true or false", kind_of(value))
        return known

    return decode


def _integer_decoder(where: str, low: int, high: int) -> Convert:
    def decode(value: Any) -> int:
        number: int | None = None
        if isinstance(value, int) and not isinstance(value, bool):
            number = value
        elif isinstance(value, (float, Decimal)):
            size = float(value)
            number = int(value) if abs(size) < 1e18 and size == int(value) else None
        elif isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,20}", value):
            number = int(value)
        if number is None:
            raise BadValue(where, "a whole number", kind_of(value))
        if not low <= number <= high:
            raise BadValue(where, f"a whole number from {low} to {high}", "a number outside")
        return number

    return decode


def _float_decoder(where: str) -> Convert:
    def decode(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
            raise BadValue(where, "a number", kind_of(value))
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise BadValue(where, "a number", kind_of(value)) from None
        if number != number or number in (float("inf"), float("-inf")):
            raise BadValue(where, "a finite number", kind_of(value))
        return number

    return decode


def _json_decoder(where: str) -> Convert:
    def decode(value: Any) -> Any:
        reason = clean_json(value)
        if reason:
            raise BadValue(where, "JSON that a database can hold", reason)
        return value

    return decode


def _by_column(column: models.Field[Any, Any], where: str) -> Convert:
    expected = f"a {column.get_internal_type()}"

    def decode(value: Any) -> Any:
        if isinstance(value, (Mapping, list, bool)) or (isinstance(value, str) and clean_text(value)):
            raise BadValue(where, expected, kind_of(value))
        try:
            return column.clean(value, None)
        except Exception:  # whatever a host's own field type raises fails this record alone
            raise BadValue(where, expected, kind_of(value)) from None

    return decode


def _clearing(decode: Convert, column: models.Field[Any, Any], path: Path) -> Convert:
    """Wrap a conversion so that null gives what the column holds when it is empty."""
    if column.null:
        return lambda value: None if value is None else decode(value)
    if column.empty_strings_allowed and not column.is_relation:
        return lambda value: "" if value is None else decode(value)
    if column.has_default():
        return lambda value: column.get_default() if value is None else decode(value)

    def refuse_null(value: Any) -> Any:
        if value is None:
            raise BadValue(".".join(path), "a value, as the column cannot be empty", "null")
        return decode(value)

    return refuse_null


def _taker(decode: Convert, compare: Convert, *, is_fixed: bool) -> Callable[[Any], tuple[Any, str]]:
    """Join a conversion with the digest of its result; what became of short texts is remembered."""
    if compare is _same:

        def take(raw: Any) -> tuple[Any, str]:
            value = decode(raw)
            return value, digest(value)
    else:

        def take(raw: Any) -> tuple[Any, str]:
            value = decode(raw)
            return value, digest(compare(value))

    if not is_fixed:
        return take
    remember = lru_cache(REMEMBERED)(take)

    def take_text(raw: Any) -> tuple[Any, str]:
        # Texts only: 1, 1.0 and True are one key, and not one value.
        return remember(raw) if type(raw) is str and len(raw) <= REMEMBERED_LENGTH else take(raw)

    return take_text


def _guarded(custom: Convert, path: Path, column: models.Field[Any, Any]) -> Convert:
    """Wrap a host's ``decode`` so that whatever it raises or returns fails its own record alone."""
    where = ".".join(path)
    limit = cast("int | None", getattr(column, "max_length", None))

    def decode(value: Any) -> Any:
        try:
            result = custom(value)
        except BadValue:
            raise
        except Exception as error:
            raise BadValue(where, f"a value that decode takes ({type(error).__name__})", kind_of(value)) from None
        if isinstance(result, str):
            reason = clean_text(result)
            if reason or (limit is not None and len(result) > limit):
                raise BadValue(where, "text that the column can hold", reason or kind_of(result))
        return result

    return decode


def _same(value: Any) -> Any:
    return value


def _file_name(value: Any) -> str:
    return str(value or "")


def _encode_as_text(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, dict, list)):
        return value
    if isinstance(value, dt.timedelta):
        return duration_string(value)
    if isinstance(value, (dt.time, dt.date)):
        return value.isoformat()
    return str(value)
