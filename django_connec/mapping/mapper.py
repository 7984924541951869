"""``Mapper``: the declaration that ties one model to one resource of the hub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from django.db import models

from django_connec.exceptions import BadValue, MapperError
from django_connec.mapping.declaration import group_problems, meta_problems, overlaps
from django_connec.mapping.decoding import Decoded, Decoder
from django_connec.mapping.fields import BoundField, Field, FieldProblem
from django_connec.mapping.nested import BoundNested, Nested, RowProblems
from django_connec.mapping.paths import Path, make_reader, put
from django_connec.mapping.resources import is_singular
from django_connec.mapping.values import MISSING, clean_text, is_blank

__all__ = ["Mapper", "MapperOptions", "put_value"]

META_KINDS: tuple[tuple[str, Any, str], ...] = (
    ("group", str, 'a path of foreign keys, for example "company__connec_group"'),
    ("match_on", (list, tuple), "a list of paths, or a list of such lists"),
    ("when", Mapping, "a dictionary of paths and values"),
    ("delete_status", (str, type(None)), "a word of the hub's, or None"),
    ("id_prefix", str, "a string"),
    ("created_field", (str, type(None)), "the name of a DateTimeField, or None"),
)
INACTIVE_WORDS = frozenset({"INACTIVE", "ARCHIVED"})


@dataclass(frozen=True, slots=True)
class MapperOptions:
    """``Mapper.Meta``, typed. Every attribute is documented on :class:`Mapper`."""

    resource: str
    group: str = "connec_group"
    match_on: tuple[tuple[str, ...], ...] = ()
    when: Mapping[str, Any] = field(default_factory=dict)
    delete_status: str | None = "INACTIVE"
    on_inactive: str = "apply"
    conflict: str = "newest"
    id_prefix: str = ""
    created_field: str | None = None


class Mapper:
    """One declaration of how a model and a resource of the hub correspond, used in both directions.

    Subclass it, declare :class:`Field` attributes, and register it for a model in ``connec.py``.

    ``Meta`` takes:

    * ``resource``: the hub's name, for example ``"people"``; singular ones such as ``"company"`` too.
    * ``group``: how a row finds its group, a path of foreign keys such as ``"company__connec_group"``.
    * ``match_on``: paths that identify a record at first contact, all of them equal; a list of lists:
      alternatives.
    * ``when``: ``{path: value}``, which records of the resource are this model's; also sent on create.
    * ``delete_status``: the status sent when a row is deleted; ``None``: nothing is sent.
    * ``on_inactive``: what an inactive or archived record does: ``"apply"``, ``"delete"`` or ``"ignore"``.
    * ``conflict``: who wins a field changed on both sides: ``"newest"``, ``"connec"``, ``"local"``,
      ``"manual"``.
    * ``id_prefix``: prefix of this model's external ids; must differ between models of one resource.
    * ``created_field``: when a row was made, for groups without historical data.

    Attributes:
        model: The model it is registered for.
        meta: Its options.
        is_row: It maps the rows of a :class:`Nested` list, and is not registered itself.
    """

    declared: ClassVar[dict[str, Field | Nested]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared: dict[str, Field | Nested] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if isinstance(value, (Field, Nested)):
                    declared[name] = value
                elif name in declared:
                    # As in Django's forms: a subclass drops an inherited field by naming something else so.
                    del declared[name]
        cls.declared = declared

    def __init__(self, model: type[models.Model], *, is_row: bool = False) -> None:
        self.model = model
        self.is_row = is_row
        #: What ``Meta`` says itself, without the defaults.
        self.declared_meta: dict[str, Any] = {}
        self._problems: list[FieldProblem] = []
        self.meta = self._read_meta()
        self.read_when = tuple((make_reader(tuple(p.split("."))), v) for p, v in self.meta.when.items())

    # What a host may override ---------------------------------------------------------------------------

    def accepts(self, record: Mapping[str, Any]) -> bool:
        """Say whether a record of the resource, already matched by ``Meta.when``, is this model's."""
        return True

    def should_push(self, instance: Any) -> bool:
        """Say whether a changed row is to be sent. A row that is not stays marked as changed only until the
        next drain looks at it."""
        return True

    def before_apply(self, instance: Any, record: Mapping[str, Any]) -> None:
        """Complete or correct a row before it is written; called with the mapped fields already set."""

    def after_apply(self, instances: Sequence[Any]) -> None:
        """Act on the rows of one page, after they were written and inside the same transaction."""

    def before_push(self, payload: dict[str, Any], instance: Any) -> None:
        """Complete or correct what is about to be sent."""

    # What the engine uses -------------------------------------------------------------------------------

    @property
    def label(self) -> str:
        """``app_label.model_name``: how stored bookkeeping names the model."""
        return self.model._meta.label_lower

    @property
    def is_singular(self) -> bool:
        """The resource is a group's one record, addressed without an id (Connec! API v2, URL shape)."""
        return is_singular(self.meta.resource)

    @cached_property
    def fields(self) -> tuple[BoundField, ...]:
        """The compiled fields.

        Raises:
            MapperError: A declaration does not fit the model; ``manage.py check`` says which and why.
        """
        return self._bound[0]

    @cached_property
    def nested(self) -> tuple[BoundNested, ...]:
        """The compiled lists of rows.

        Raises:
            MapperError: As :attr:`fields`.
        """
        return self._bound[1]

    @cached_property
    def _bound(self) -> tuple[tuple[BoundField, ...], tuple[BoundNested, ...]]:
        fields, nested, problems = self._bind()
        if problems:
            raise MapperError(f"{self}: {problems[0].message} {problems[0].hint}")
        return fields, nested

    @cached_property
    def references(self) -> tuple[BoundField, ...]:
        """The compiled fields that are foreign keys to other mapped models."""
        return tuple(f for f in self.fields if f.reference is not None)

    @cached_property
    def pulled(self) -> tuple[BoundField, ...]:
        """The compiled fields whose values are written here."""
        return tuple(f for f in self.fields if f.pull)

    @cached_property
    def filling(self) -> tuple[tuple[tuple[str, str], ...], tuple[BoundField, ...]]:
        """How a new row is filled: fields whose value is the column's, with its attribute, and those that need more."""
        plain = [f for f in self.pulled if f.via is None and f.reference is None and f.default is MISSING]
        return tuple((f.name, f.attname) for f in plain), tuple(f for f in self.pulled if f not in plain)

    @cached_property
    def compared(self) -> tuple[BoundField | BoundNested, ...]:
        """All that has a digest in ``connec_state``: the fields and the lists of rows."""
        return (*self.fields, *self.nested)

    def row_keys(self) -> Iterator[models.ForeignKey[Any, Any]]:
        """Yield the foreign keys that its lists of rows read backwards, as far as they can be told."""
        for name, declaration in self.declared.items():
            if isinstance(declaration, Nested):
                relation = declaration.relation(name, self.model)
                if relation is not None:
                    yield relation.field

    def bound_fields(self) -> tuple[BoundField, ...]:
        """Return the fields as far as they fit the model, without raising; for the checks."""
        return self._bind()[0]

    def all_references(self) -> Iterator[tuple[str, BoundField]]:
        """Yield every reference, those of rows too, as far as the declaration fits its model; for the checks."""
        fields, nested, _ = self._bind()
        yield from ((f.name, f) for f in fields if f.reference is not None)
        for rows in nested:
            yield from ((f"{rows.name}.{f.name}", f) for f in rows.rows.references)

    @cached_property
    def targets(self) -> frozenset[type[models.Model]]:
        """The models that its records and their rows refer to."""
        bound = [*self.references, *(reference for nested in self.nested for reference in nested.rows.references)]
        found = {f.reference._meta.concrete_model or f.reference for f in bound if f.reference is not None}
        return frozenset(found)

    @cached_property
    def blocks(self) -> dict[str, tuple[Path, ...]]:
        """Top-level attributes of which inner parts are mapped, each with the paths inside it."""
        inner: dict[str, list[Path]] = {}
        for bound in self.fields:
            if len(bound.path) > 1:
                inner.setdefault(bound.top, []).append(bound.path[1:])
        return {top: tuple(paths) for top, paths in inner.items()}

    @cached_property
    def decoder(self) -> Decoder:
        """What reads its fields out of records.

        Raises:
            MapperError: As :attr:`fields`.
        """
        return Decoder(self.fields, self.nested, is_row=self.is_row)

    @cached_property
    def related(self) -> tuple[str, ...]:
        """Accessors of the one-to-one relations that fields go over."""
        return tuple(dict.fromkeys(f.via for f in self.fields if f.via is not None))

    @cached_property
    def version(self) -> str:
        """Changes when a field is added, removed or moved: ``connec_status`` then says that a full read is due."""
        from django_connec.mapping.values import short_hash

        mapped = [(f.name, f.path) for f in self.fields if f.pull]
        mapped += [(n.name, (n.path, n.rows.version)) for n in self.nested if n.pull]
        return short_hash(repr(sorted(mapped)).encode())

    @cached_property
    def customises(self) -> frozenset[str]:
        """Names of the hooks that the host has overridden; the others are not called at all."""
        names = ("accepts", "should_push", "before_apply", "after_apply", "before_push")
        return frozenset(n for n in names if getattr(type(self), n) is not getattr(Mapper, n))

    def takes(self, record: Mapping[str, Any]) -> bool:
        """Say whether a record of the resource belongs to this mapper (``when``, then ``accepts``)."""
        for read, wanted in self.read_when:
            try:
                found = read(record)
            except BadValue:
                return False
            if found != wanted and not (found is MISSING and wanted is None):
                return False
        return "accepts" not in self.customises or self.accepts(record)

    def decode(self, record: Mapping[str, Any]) -> Decoded:
        """Read every mapped field out of a record.

        Raises:
            BadValue: A value cannot be taken; names the path, what was expected and the kind that was found.
        """
        return self.decoder.decode(record)

    def payload(
        self, values: Mapping[str, Any], names: Iterable[str], leftovers: Mapping[str, Any], *, skip_blank: bool = False
    ) -> dict[str, Any]:
        """Build what is sent for the named fields.

        A top-level block of which a named field maps a part is sent whole: its mapped parts from the row, the
        others as last seen.

        Args:
            values: Local value of every pushed field by name; references as :class:`RemoteId` or wire form.
            names: The fields that changed.
            leftovers: Unmapped parts of blocks, as last seen.
            skip_blank: Leave empty values out, as on create.
        """
        wanted = set(names)
        tops = {f.top for f in self.fields if f.name in wanted}
        result: dict[str, Any] = {}
        for top in tops:
            if top in self.blocks and isinstance(leftovers.get(top), Mapping):
                result[top] = _copy(leftovers[top])
        for bound in self.fields:
            if bound.top not in tops or bound.name not in values or not (bound.push or bound.top in self.blocks):
                continue
            # A blank beside a change says nothing; where it is the change itself, it clears.
            put_value(result, bound, values[bound.name], clears=not skip_blank and bound.name in wanted)
        return result

    def identifier(self, pk: Any) -> str:
        """Return our external id of a row: the prefix and its primary key."""
        return f"{self.meta.id_prefix}{pk}"

    def pk_from(self, identifier: str) -> Any | None:
        """Return the primary key in one of our external ids; ``None`` when it is not one of this model's.

        The text is converted and compared back: ``"41abc"``, ``""`` and 23 digits are no keys.
        """
        prefix = self.meta.id_prefix
        if not identifier.startswith(prefix):
            return None
        text = identifier[len(prefix) :]
        if not text or clean_text(text):
            return None
        field_ = self.model._meta.pk
        try:
            pk = field_.to_python(text)
            if isinstance(pk, int) and not -(2**63) <= pk < 2**63:
                return None
        except Exception:
            return None
        return pk if pk is not None and str(pk) == text else None

    def is_inactive(self, record: Mapping[str, Any]) -> bool:
        """Tell whether the hub shows a record as no longer active (Connec! API v2, delete and archive)."""
        return record.get("status") in INACTIVE_WORDS

    def __str__(self) -> str:
        return f"{type(self).__module__}.{type(self).__qualname__}"

    # Declaration problems, for the system checks ---------------------------------------------------------

    def problems(self) -> Iterator[FieldProblem]:
        """Yield everything wrong with this declaration, without raising."""
        yield from self._problems
        yield from self._bind()[2]
        if not self.is_row:
            yield from group_problems(self)
        yield from meta_problems(self)

    def _bind(self) -> tuple[tuple[BoundField, ...], tuple[BoundNested, ...], list[FieldProblem]]:
        bound: list[BoundField] = []
        nested: list[BoundNested] = []
        problems: list[FieldProblem] = []
        for name, declaration in self.declared.items():
            try:
                if isinstance(declaration, Nested):
                    nested.append(declaration.bind(name, self))
                else:
                    bound.append(declaration.bind(name, self.model))
            except (FieldProblem, RowProblems) as error:
                found = [error] if isinstance(error, FieldProblem) else error.problems
                problems += [FieldProblem(p.code, f"{name}: {p.message}", p.hint) for p in found]
        problems += overlaps(bound, nested)
        return tuple(bound), tuple(nested), problems

    def _read_meta(self) -> MapperOptions:
        declared: dict[str, Any] = {}
        for base in reversed(type(self).__mro__):
            meta = vars(base).get("Meta")
            if meta is not None:
                declared |= {k: v for k, v in vars(meta).items() if not k.startswith("_")}
        known = set(MapperOptions.__dataclass_fields__)
        for name in sorted(set(declared) - known):
            self._problems.append(
                FieldProblem("E107", f'Meta has an unknown option "{name}".', f"Known are: {', '.join(sorted(known))}.")
            )
        declared = {k: v for k, v in declared.items() if k in known}
        self.declared_meta = dict(declared)
        if self.is_row:
            declared["resource"] = ""
        elif not isinstance(declared.get("resource"), str) or not declared["resource"]:
            self._problems.append(
                FieldProblem(
                    "E107", "Meta names no resource.", 'Add resource = "people" (or another of the hub\'s names).'
                )
            )
            declared["resource"] = ""
        for name, kind, wanted in META_KINDS:
            if name in declared and not isinstance(declared[name], kind):
                self._problems.append(
                    FieldProblem("E107", f"Meta.{name} is a {type(declared[name]).__name__}.", f"It must be {wanted}.")
                )
                del declared[name]
        declared["match_on"] = _alternatives(declared.get("match_on") or ())
        return MapperOptions(**declared)


def put_value(target: dict[str, Any], bound: BoundField, value: Any, *, clears: bool) -> None:
    """Set one field in a payload under construction.

    Args:
        target: The payload.
        bound: The field.
        value: Its local value.
        clears: A blank is said, too.
    """
    wire = bound.encode(value)
    blank = is_blank(wire)
    if blank and not clears:
        return
    if bound.kind is None:
        put(target, bound.path, wire)
    elif not blank or is_blank(make_reader(bound.path)(target) or None):
        # Another key of the same link may have set it: a link that has moved to another kind is not cleared.
        put(target, bound.path, wire)
        put(target, bound.kind[0], None if blank else bound.kind[1])


def _alternatives(declared: Sequence[Any]) -> tuple[tuple[str, ...], ...]:
    if not declared:
        return ()
    if all(isinstance(item, str) for item in declared):
        return (tuple(declared),)
    return tuple((item,) if isinstance(item, str) else tuple(item) for item in declared)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value
