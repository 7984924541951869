"""Bulk writes that do not grow in statements with the rows.

Django splits its own bulk statements by the database's cap on parameters (999 on SQLite up to 5.2), and its
``bulk_update`` builds a CASE a row. Here one prepared statement is executed for all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections, models

__all__ = ["RowChanged", "insert_rows", "update_rows"]

#: Exact types: a host's subclass may prepare its values.
_PLAIN_COLUMNS = frozenset(
    {
        models.BigIntegerField,
        models.BooleanField,
        models.CharField,
        models.EmailField,
        models.ForeignKey,
        models.IntegerField,
        models.SlugField,
        models.TextField,
        models.URLField,
    }
)
_PLAIN_VALUES = frozenset({str, int, bool, type(None)})
_SAME = {"sqlite": "IS", "mysql": "<=>"}


class RowChanged(Exception):
    """A row was saved by somebody else between reading and writing it."""


def insert_rows(
    model: type[models.Model], rows: Sequence[models.Model], *, using: str, find: str | None = None
) -> None:
    """Insert rows and give each its primary key.

    No signals are sent and no manager of the host's is asked.

    Args:
        model: Their model; a single table.
        rows: Unsaved instances.
        using: Alias of the database.
        find: Attribute by which the rows are found again where the database returns no keys for many rows at
            once; unique with ``connec_group_id`` among them. ``None``: nobody needs the keys.

    Raises:
        django.db.Error: The database refused one of them; none is inserted then, inside a transaction.
    """
    if not rows:
        return
    connection = connections[using]
    if connection.vendor != "sqlite":
        model._base_manager.using(using).bulk_create(rows)
        return
    pk: Any = model._meta.pk
    automatic = pk.get_internal_type() in ("AutoField", "BigAutoField", "SmallAutoField")
    columns = [c for c in model._meta.concrete_fields if not (automatic and c is pk)]
    quote: Callable[[Any], str] = connection.ops.quote_name
    # Column and table names come from the model, values are parameters.
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(quote(c.column) for c in columns)}) "  # noqa: S608
        f"VALUES ({', '.join(['%s'] * len(columns))})"
    )
    plan = [(c, str(c.attname), type(c) in _PLAIN_COLUMNS) for c in columns]
    with connection.cursor() as cursor:
        cursor.executemany(statement, [_line(row, plan, connection) for row in rows])
    if automatic and find is not None:
        _find_keys(model, rows, using, find)
    for row in rows:
        row._state.adding = False
        row._state.db = using


def insert_values(
    model: type[models.Model], names: Sequence[str], lines: Sequence[Sequence[Any]], *, using: str
) -> None:
    """Insert rows that nobody needs as instances.

    Args:
        model: Their model; columns that are not named stay NULL.
        names: Attribute names of the columns.
        lines: The values of each row, of types that the driver takes as they are.
        using: Alias of the database.
    """
    if not lines:
        return
    connection = connections[using]
    quote: Callable[[Any], str] = connection.ops.quote_name
    by_name: dict[str, Any] = {str(c.attname): c for c in model._meta.concrete_fields}
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} "  # noqa: S608 - names of the model's
        f"({', '.join(quote(by_name[name].column) for name in names)}) VALUES ({', '.join(['%s'] * len(names))})"
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, lines)


def update_rows(
    model: type[models.Model],
    rows: Sequence[models.Model],
    names: Sequence[str],
    *,
    using: str,
    unchanged: str | None = None,
    expected: Sequence[Any] = (),
    strict: bool = True,
) -> None:
    """Write some columns of many rows, one statement for all (one a row where the model has several tables).

    Args:
        model: Their model.
        rows: Instances with the new values.
        names: Attribute names of the columns to write.
        using: Alias of the database.
        unchanged: Attribute name of a column that must still be as ``expected``, row by row.
        expected: Its values, in the order of the rows.
        strict: Fail where a row is not as expected; otherwise it is left as it is.

    Raises:
        RowChanged: At least one row is not as expected any more; the caller's transaction must roll back.
    """
    if not rows or not names:
        return
    if model._meta.parents:
        written = _update_one_by_one(model, rows, names, using, unchanged, expected)
    else:
        written = _update_together(model, rows, names, using, unchanged, expected)
    if strict and unchanged is not None and written != len(rows):
        raise RowChanged(model._meta.label)


def _update_together(
    model: type[models.Model],
    rows: Sequence[models.Model],
    names: Sequence[str],
    using: str,
    unchanged: str | None,
    expected: Sequence[Any],
) -> int:
    connection = connections[using]
    quote: Callable[[Any], str] = connection.ops.quote_name
    by_name: dict[str, Any] = {str(c.attname): c for c in model._meta.concrete_fields}
    columns = [by_name[name] for name in names]
    pk: Any = model._meta.pk
    where = f"{quote(pk.column)} = %s"
    guard = by_name[unchanged] if unchanged else None
    if guard is not None:
        where += f" AND {quote(guard.column)} {_SAME.get(connection.vendor, 'IS NOT DISTINCT FROM')} %s"
    assignments = ", ".join(f"{quote(c.column)} = %s" for c in columns)
    # Names come from the model, values are parameters.
    statement = f"UPDATE {quote(model._meta.db_table)} SET {assignments} WHERE {where}"  # noqa: S608
    values = []
    for index, row in enumerate(rows):
        line = [c.get_db_prep_save(getattr(row, c.attname), connection) for c in columns]
        line.append(pk.get_db_prep_value(row.pk, connection))
        if guard is not None:
            line.append(guard.get_db_prep_save(expected[index], connection))
        values.append(tuple(line))
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)
        return int(cursor.rowcount)


def _update_one_by_one(
    model: type[models.Model],
    rows: Sequence[models.Model],
    names: Sequence[str],
    using: str,
    unchanged: str | None,
    expected: Sequence[Any],
) -> int:
    written = 0
    for index, row in enumerate(rows):
        found = model._base_manager.using(using).filter(pk=row.pk)
        if unchanged is not None:
            value = expected[index]
            found = found.filter(**({f"{unchanged}__isnull": True} if value is None else {unchanged: value}))
        written += found.update(**{name: getattr(row, name) for name in names})
    return written


def _line(row: models.Model, plan: Sequence[tuple[Any, str, bool]], connection: Any) -> tuple[Any, ...]:
    """Return a row's parameters. Values that every driver takes as they are skip Django's preparation, which
    costs more than the statement itself."""
    held = row.__dict__
    line = []
    for column, attname, is_plain in plan:
        value = held.get(attname)
        if not is_plain or type(value) not in _PLAIN_VALUES:
            value = column.get_db_prep_save(column.pre_save(row, True), connection)
        line.append(value)
    return tuple(line)


def _find_keys(model: type[models.Model], rows: Sequence[models.Model], using: str, find: str) -> None:
    wanted: dict[Any, models.Model] = {getattr(row, find): row for row in rows}
    groups = {getattr(row, "connec_group_id", None) for row in rows}
    found = model._base_manager.using(using).filter(**{f"{find}__in": list(wanted), "connec_group_id__in": groups})
    for value, key in found.order_by().values_list(find, "pk"):
        wanted[value].pk = key
