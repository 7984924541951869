"""``Nested``: the rows inside a record (an invoice's lines) as the rows of a model of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from django_connec.exceptions import BadValue
from django_connec.mapping.fields import ConflictPolicy, Direction, FieldProblem, check_options
from django_connec.mapping.references import RemoteId, parse_remote_id
from django_connec.mapping.values import BLANK, clean_json, digest, kind_of

if TYPE_CHECKING:
    from django_connec.mapping.decoding import Decoded
    from django_connec.mapping.mapper import Mapper

__all__ = ["BoundNested", "Nested", "RowProblems", "RowRecord"]

#: More rows than these in one record are taken for an attack, or for a list that is none.
MAX_ROWS = 10_000
#: Options of ``Meta`` that mean nothing for rows: these belong to the record.
RECORD_OPTIONS = ("resource", "group", "delete_status", "on_inactive", "created_field")


class RowProblems(Exception):
    """The mapper of the rows does not fit them.

    Args:
        problems: Everything that is wrong with it.
    """

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(problems)
        self.problems = problems


@dataclass(slots=True)
class RowRecord:
    """One row as the hub shows it.

    Attributes:
        record: As it came.
        identity: Who it is; ``None`` where the hub shows no id of rows.
        decoded: Values and digests of the mapped fields; the leftovers are all that no field maps.
        digest: Of all of it, whatever the form of its id.
    """

    record: Mapping[str, Any]
    identity: RemoteId | None
    decoded: Decoded
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        identity = self.identity
        who = "" if identity is None else identity.connec_id or "|".join(sorted("/".join(e) for e in identity.others))
        self.digest = digest({"id": who, "a": self.decoded.digests, "r": self.decoded.leftovers})


@dataclass(slots=True)
class BoundNested:
    """One list of rows of one mapper, compiled.

    Attributes:
        name: Its name in the mapper; the key of its digest in ``connec_state``.
        path: The attribute of the record that holds the list.
        rows: The mapper of the rows.
        key: Attribute of the row model's foreign key to the record, for example ``invoice_id``.
        pull: The hub's rows are written here.
        push: Our rows are sent.
        create_only: Set when the other side's record is made, never after.
        has_ids: The rows have ids of their own; not so where ``id`` is mapped, as the id of what a row links to.
    """

    name: str
    path: str
    rows: Mapper
    key: str
    pull: bool
    push: bool
    create_only: bool
    has_ids: bool

    @property
    def model(self) -> type[models.Model]:
        """The model of the rows."""
        return self.rows.model

    def decode(self, raw: Any) -> tuple[list[RowRecord], list[Mapping[str, Any]], str]:
        """Read the list out of a record.

        Args:
            raw: The attribute's value; null is an empty list.

        Returns:
            The rows that are the mapper's, those that are not, and a digest of them all that depends neither on
            their order nor on the form of their ids.

        Raises:
            BadValue: The list, or a row in it, cannot be taken.
        """
        listed = [] if raw is None else raw
        if not isinstance(listed, list):
            raise BadValue(self.path, "a list of rows", kind_of(raw))
        if len(listed) > MAX_ROWS:
            raise BadValue(self.path, f"at most {MAX_ROWS} rows", kind_of(raw))
        ours: list[RowRecord] = []
        others: list[Mapping[str, Any]] = []
        digests: list[str] = []
        for position, record in enumerate(listed):
            where = f"{self.path}[{position}]"
            if not isinstance(record, Mapping):
                raise BadValue(where, "a block", kind_of(record))
            if not self.rows.takes(record):
                reason = clean_json(record)
                if reason:
                    raise BadValue(where, "a row that a database can hold", reason)
                others.append(record)
                digests.append(digest(record))
                continue
            try:
                identity = parse_remote_id(record.get("id")) if self.has_ids else None
                row = RowRecord(record, identity, self.rows.decode(record))
            except BadValue as error:
                raise BadValue(f"{where}.{error.path}".rstrip("."), error.expected, error.found) from None
            ours.append(row)
            digests.append(row.digest)
        return ours, others, digest(sorted(digests)) if digests else BLANK


class Nested:
    """Map a list of rows inside the record to the rows of a reverse foreign key.

    The row model subclasses :class:`~django_connec.models.ConnecRowMixin`. Rows keep the hub's row id; they are
    matched by it, then by our own id, by the row mapper's ``Meta.match_on`` and by equal content, never by position
    alone. What no field maps goes back to the hub as last seen (Connec! API v2, sales and purchase documents: rows
    whose id does not come back are deleted and made again).

    Args:
        path: The attribute of the record that holds the list, for example ``"lines"``; the field's own name by
            default.
        mapper: The mapper class of the rows; not registered. Its ``Meta`` takes ``when``, ``match_on``,
            ``conflict`` and ``id_prefix``, and may be left out. A row mapper that maps ``"id"`` maps a list of links
            (a team's members): the rows have no ids of their own.
        source: Accessor of the reverse foreign key; the field's own name by default.
        direction: ``"both"``, ``"pull"`` or ``"push"``.
        create_only: Set when the other side's record is made, never after.
        conflict: Who wins when both sides changed a row; by default what the row mapper's ``Meta`` says, else the
            record's.
    """

    def __init__(
        self,
        path: str | None,
        mapper: type[Mapper],
        *,
        source: str | None = None,
        direction: Direction = "both",
        create_only: bool = False,
        conflict: ConflictPolicy | None = None,
    ) -> None:
        self.path = path
        self.mapper = mapper
        self.source = source
        self.direction = direction
        self.create_only = create_only
        self.conflict = conflict

    def bind(self, name: str, owner: Mapper) -> BoundNested:
        """Compile this declaration for the mapper that it stands in.

        Raises:
            FieldProblem: It does not fit.
            RowProblems: The mapper of the rows does not.
        """
        path = self.path or name
        if not isinstance(path, str) or not path or "." in path:
            raise FieldProblem(
                "E104", f'the path "{path}" is no attribute of the record.', 'Name the list, for example "lines".'
            )
        check_options(self.direction, self.conflict)
        key = self._key(name, owner.model)
        rows = self._rows(key.model, owner)
        problems = list(rows.problems())
        if problems:
            raise RowProblems(problems)
        over = next((bound.name for bound in rows.fields if bound.via is not None), None)
        if over is not None:
            raise FieldProblem(
                "E119", f'"{over}" goes over a one-to-one relation.', "Map a field that the row's own table holds."
            )
        pull, push = self.direction != "push", self.direction != "pull"
        for bound in rows.fields:
            bound.pull, bound.push = bound.pull and pull, bound.push and push
        return BoundNested(
            name=name,
            path=path,
            rows=rows,
            key=key.attname,
            pull=pull,
            push=push,
            create_only=self.create_only,
            has_ids=all(bound.top != "id" for bound in rows.fields),
        )

    def relation(self, name: str, model: type[models.Model]) -> models.ManyToOneRel | None:
        """Return the reverse foreign key that this declaration names; ``None`` where there is none."""
        try:
            found = model._meta.get_field(self.source or name)
        except FieldDoesNotExist:
            return None
        if isinstance(found, models.OneToOneRel):
            return None
        return found if isinstance(found, models.ManyToOneRel) else None

    def _rows(self, model: type[models.Model], owner: Mapper) -> Mapper:
        from django_connec.mapping.mapper import Mapper

        if not (isinstance(self.mapper, type) and issubclass(self.mapper, Mapper)):
            raise FieldProblem("E119", "the mapper of its rows is no Mapper.", 'Write Nested("lines", LineMapper).')
        if any(isinstance(declaration, Nested) for declaration in self.mapper.declared.values()):
            raise FieldProblem(
                "E119",
                f"{self.mapper.__name__} has nested rows itself.",
                "Map rows of one level; give the inner list to a Field over a JSONField.",
            )
        rows = self.mapper(model, is_row=True)
        declared = rows.declared_meta
        useless = [option for option in RECORD_OPTIONS if option in declared]
        if useless:
            raise FieldProblem(
                "E119",
                f"Meta.{useless[0]} of {self.mapper.__name__} means nothing for rows.",
                "Set it in the mapper of the record.",
            )
        conflict = self.conflict or declared.get("conflict") or owner.meta.conflict
        rows.meta = replace(rows.meta, resource=owner.meta.resource, conflict=conflict)
        return rows

    def _key(self, name: str, model: type[models.Model]) -> models.ForeignKey[Any, Any]:
        from django_connec.models.mixins import ConnecRowMixin
        from django_connec.tracking.rows import parent_field

        relation = self.relation(name, model)
        if relation is None:
            known = ", ".join(r.name for r in model._meta.related_objects if isinstance(r, models.ManyToOneRel))
            raise FieldProblem(
                "E118",
                f'{model.__name__} has no rows "{self.source or name}".',
                f"Name the reverse of a foreign key ({known or 'there is none'}); or set source=…",
            )
        rows = relation.related_model
        if not issubclass(rows, ConnecRowMixin):
            raise FieldProblem(
                "E118",
                f"{rows.__name__} is no ConnecRowMixin model.",
                "Let it subclass django_connec.models.ConnecRowMixin and make its migration.",
            )
        if rows._meta.parents:
            raise FieldProblem("E118", f"{rows.__name__} has more than one table.", "Map rows of a single table.")
        if parent_field(rows) is not relation.field:
            raise FieldProblem(
                "E118",
                f'changes of {rows.__name__} do not mark "{relation.field.name}".',
                f'Set connec_parent = "{relation.field.name}" on {rows.__name__}.',
            )
        return relation.field
