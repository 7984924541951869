"""Bulk statements that do not grow in number with the rows, and cost less to make than to run.

Django splits its own bulk statements by the database's cap on parameters (999 on SQLite up to 5.2), and its
``bulk_update`` builds a CASE a row. Here one prepared statement is executed for all rows. Building a query set and
compiling it costs more than many of these statements take, so the few plain shapes that every page needs are
written out.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connections, models, transaction
from django.db.models.signals import post_delete, pre_delete

__all__ = ["RowChanged", "delete_rows", "insert_rows", "insert_values", "read_rows", "standing_still", "update_rows"]

_TEXT: frozenset[type] = frozenset({str, type(None)})
_WHOLE: frozenset[type] = frozenset({int, type(None)})
#: Which values of which columns every driver takes as they are. Exact types: a host's subclass may prepare its values.
_PLAIN: Mapping[type, frozenset[type]] = {
    models.BigIntegerField: _WHOLE,
    models.BooleanField: frozenset({bool, type(None)}),
    models.CharField: _TEXT,
    models.EmailField: _TEXT,
    models.ForeignKey: _WHOLE,
    models.IntegerField: _WHOLE,
    models.PositiveIntegerField: _WHOLE,
    models.SlugField: _TEXT,
    models.SmallIntegerField: _WHOLE,
    models.TextField: _TEXT,
    models.URLField: _TEXT,
}
#: Other columns whose prepared values COPY takes like an INSERT; exact types too.
_COPIED_COLUMNS = frozenset(
    {
        models.DateField,
        models.DateTimeField,
        models.DecimalField,
        models.FloatField,
        models.JSONField,
        models.UUIDField,
    }
)
_AUTOMATIC = frozenset({"AutoField", "BigAutoField", "SmallAutoField"})
_NOTHING: frozenset[type] = frozenset()
_MOMENTS = frozenset({dt.date, dt.datetime, type(None)})
#: One for all: ``json.dumps`` makes an encoder a call as soon as anything is not its default.
_JSON = json.JSONEncoder(separators=(",", ":"))
#: Fewer values than these are simply asked for.
FEW = 100
_SAME = {"sqlite": "IS", "mysql": "<=>"}


class RowChanged(Exception):
    """A row was saved by somebody else between reading and writing it, or is being saved."""


#: How often work is done again because one of its rows would not stand still, and how long it waits for one
#: that is being written, doubled each time.
TRIES = 3
BUSY_TRIES = 6
BUSY_PAUSE = 0.05

R = TypeVar("R")


def standing_still(work: Callable[[], R], using: str) -> R:
    """Do some work in a transaction of its own, and once more where a row has changed meanwhile.

    Raises:
        RowChanged: The rows would not stand still.
        django.db.OperationalError: Somebody holds one of them for too long.
    """
    for attempt in range(BUSY_TRIES):
        try:
            with transaction.atomic(using=using):
                return work()
        except RowChanged as error:
            busy = error.__cause__
            if busy is None and attempt >= TRIES - 1:
                raise
            if busy is not None:
                if attempt == BUSY_TRIES - 1:
                    raise busy from None
                time.sleep(BUSY_PAUSE * 2**attempt)
    raise AssertionError("unreachable")


class _NeedsCompiler(Exception):
    """A value is an SQL expression, such as a default that the database makes."""


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
    pk: Any = model._meta.pk
    automatic = pk.get_internal_type() in _AUTOMATIC
    columns = [c for c in model._meta.concrete_fields if not (automatic and c is pk)]
    try:
        inserted = _insert(model, rows, columns, connection)
    except _NeedsCompiler:
        inserted = False
    if not inserted:
        model._base_manager.using(using).bulk_create(rows)
        return
    if automatic and find is not None and connection.vendor == "sqlite":
        _find_keys(model, rows, using, find)
    for row in rows:
        row._state.adding = False
        row._state.db = using


def _insert(model: type[models.Model], rows: Sequence[models.Model], columns: Sequence[Any], connection: Any) -> bool:
    """Insert rows by the database's fastest way; returns whether there is one."""
    if any(getattr(column, "generated", False) for column in columns):
        return False
    if connection.vendor == "postgresql":
        return _copy(model, rows, columns, connection)
    if connection.vendor != "sqlite":
        return False
    quote: Callable[[Any], str] = connection.ops.quote_name
    # Column and table names come from the model, values are parameters.
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(quote(c.column) for c in columns)}) "  # noqa: S608
        f"VALUES ({', '.join(['%s'] * len(columns))})"
    )
    plan = _plan(columns, connection)
    with connection.cursor() as cursor:
        cursor.executemany(statement, _lines(rows, plan))
    return True


def _copy(model: type[models.Model], rows: Sequence[models.Model], columns: Sequence[Any], connection: Any) -> bool:
    """Insert rows by COPY, with keys taken from the table's sequence beforehand, as COPY returns none.

    Only columns of types whose values COPY reads as an INSERT would.
    """
    pk: Any = model._meta.pk
    is_plain = all(type(c) in _PLAIN or type(c) in _COPIED_COLUMNS for c in columns)
    if pk in columns or not is_plain or any(row.pk is not None for row in rows):
        return False
    table = connection.ops.quote_name(model._meta.db_table)
    plan = _plan(columns, connection)
    lines = _lines(rows, plan)
    with connection.cursor() as cursor:
        if not hasattr(cursor, "copy"):
            return False
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", (table, pk.column, len(rows))
        )
        keys = [key for (key,) in cursor.fetchall()]
        if None in keys:
            return False
        _copy_lines(cursor, model, (pk, *columns), [(key, *line) for key, line in zip(keys, lines, strict=True)])
    for key, row in zip(keys, rows, strict=True):
        row.pk = key
    return True


def _copy_lines(cursor: Any, model: type[models.Model], columns: Sequence[Any], lines: Iterable[Sequence[Any]]) -> None:
    quote: Callable[[Any], str] = cursor.db.ops.quote_name
    names = ", ".join(quote(column.column) for column in columns)
    statement = f"COPY {quote(model._meta.db_table)} ({names}) FROM STDIN"
    # Django's cursor passes this call on as it is, so the driver's errors are made Django's here.
    with cursor.db.wrap_database_errors, cursor.copy(statement) as copy:
        for line in lines:
            copy.write_row(line)


def read_rows(
    model: type[models.Model],
    names: Sequence[str],
    *,
    using: str,
    among: tuple[str, Collection[Any]],
    equal: Mapping[str, Any],
    limit: int | None = None,
    rare: bool = False,
) -> list[tuple[Any, ...]]:
    """Read some columns of the rows whose one column is among some values, in no order.

    Args:
        model: Their model; ``"pk"`` names its key.
        names: Attribute names of the columns.
        using: Alias of the database.
        among: Attribute name of a column, and the values to look for.
        equal: Attribute names of other columns, each with the one value to look for. All values to look for are
            of types that the driver takes as they are.
        limit: No more rows than these.
        rare: Mostly there are none of them, whatever the one column holds.
    """
    if not among[1] or (rare and not _is_worth_asking(model, using, among[1], equal)):
        return []
    # A base manager that the host has named may hide rows.
    if model._meta.parents or model._base_manager.name != "_base_manager":
        found = model._base_manager.using(using).filter(**{f"{among[0]}__in": list(among[1]), **equal})
        return list(found.order_by().values_list(*names)[:limit])
    connection = connections[using]
    quote: Callable[[Any], str] = connection.ops.quote_name
    columns = [_column(model, name) for name in names]
    where, values = _where(model, among, equal, connection)
    if limit is not None:
        where += f" LIMIT {limit:d}"
    statement = (
        f"SELECT {', '.join(quote(c.column) for c in columns)} "  # noqa: S608 - names of the model's
        f"FROM {quote(model._meta.db_table)} WHERE {where}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        lines = cursor.fetchall()
    return _converted(lines, columns, connection) if lines else []


def delete_rows(
    model: type[models.Model],
    *,
    using: str,
    among: tuple[str, Collection[Any]],
    equal: Mapping[str, Any],
    rare: bool = False,
) -> None:
    """Delete the rows whose one column is among some values, and that no other table refers to.

    Args:
        model: Their model.
        using: Alias of the database.
        among: Attribute name of a column, and the values to look for.
        equal: Attribute names of other columns, each with the one value to look for.
        rare: Mostly there are none of them, whatever the one column holds.
    """
    if not among[1] or (rare and not _is_worth_asking(model, using, among[1], equal)):
        return
    if pre_delete.has_listeners(model) or post_delete.has_listeners(model):
        model._base_manager.using(using).filter(**{f"{among[0]}__in": list(among[1]), **equal}).delete()
        return
    connection = connections[using]
    where, values = _where(model, among, equal, connection)
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(model._meta.db_table)
        cursor.execute(f"DELETE FROM {table} WHERE {where}", values)  # noqa: S608 - names of the model's


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
    columns = [_column(model, name) for name in names]
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} "  # noqa: S608 - names of the model's
        f"({', '.join(quote(column.column) for column in columns)}) VALUES ({', '.join(['%s'] * len(names))})"
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and hasattr(cursor, "copy"):
            # psycopg sends a statement a row otherwise.
            _copy_lines(cursor, model, columns, lines)
        else:
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
    prepared = [(c.attname, _PLAIN.get(type(c), _NOTHING), _preparation(c, connection)) for c in columns]
    for index, row in enumerate(rows):
        line: list[Any] = []
        for attname, plain, prepare in prepared:
            value = getattr(row, attname)
            line.append(value if type(value) in plain else prepare(value))
        line.append(pk.get_db_prep_value(row.pk, connection))
        if guard is not None:
            line.append(guard.get_db_prep_save(expected[index], connection))
        values.append(tuple(line))
    # Outside a transaction each row would be committed by itself, and cost a write to the disk.
    with transaction.atomic(using=using, savepoint=False), connection.cursor() as cursor:
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


#: For each column its attribute, the types that need no preparation, whether ``pre_save`` may change the value, and
#: the preparation.
_Plan = Sequence[tuple[Any, str, frozenset[type], bool, Callable[[Any], Any]]]


def _plan(columns: Sequence[Any], connection: Any) -> _Plan:
    return [
        (c, str(c.attname), _PLAIN.get(type(c), _NOTHING), _changes_itself(c), _preparation(c, connection))
        for c in columns
    ]


def _lines(rows: Sequence[models.Model], plan: _Plan) -> list[tuple[Any, ...]]:
    """Return the parameters of new rows. Column by column: where all values of one are of types that every driver takes
    as they are, Django's preparation, which costs more than the statement itself, is skipped for all rows at once."""
    held = [row.__dict__ for row in rows]
    columns = []
    for column, attname, plain, changes_itself, prepare in plan:
        values = [row.get(attname) for row in held]
        if not plain.issuperset(map(type, values)):
            if changes_itself:
                values = [column.pre_save(row, True) for row in rows]
            values = list(map(prepare, values))
            if any(hasattr(value, "resolve_expression") for value in values):
                raise _NeedsCompiler
        columns.append(values)
    return list(zip(*columns, strict=True))


def _changes_itself(column: Any) -> bool:
    known = type(column) in (models.JSONField, models.DateField, models.DateTimeField)
    return not known or bool(getattr(column, "auto_now", False) or getattr(column, "auto_now_add", False))


def _preparation(column: Any, connection: Any) -> Callable[[Any], Any]:
    """Return the function from a column's value to what the driver gets: Django's own, without doing the same
    work for every row."""
    if type(column) is models.JSONField and column.encoder is None and connection.vendor in ("sqlite", "mysql"):
        encode = _JSON.encode

        def prepare_json(value: Any) -> Any:
            return encode(value) if type(value) is dict else column.get_db_prep_save(value, connection)

        return prepare_json
    if type(column) not in (models.DateField, models.DateTimeField):
        return lambda value: column.get_db_prep_save(value, connection)
    # The records of a page share their days and moments.
    known: dict[Any, Any] = {None: None}

    def prepare_moment(value: Any) -> Any:
        if type(value) not in _MOMENTS:
            return column.get_db_prep_save(value, connection)
        if value not in known:
            known[value] = column.get_db_prep_save(value, connection)
        return known[value]

    return prepare_moment


def _find_keys(model: type[models.Model], rows: Sequence[models.Model], using: str, find: str) -> None:
    wanted: dict[Any, models.Model] = {getattr(row, find): row for row in rows}
    for group in {getattr(row, "connec_group_id", None) for row in rows}:
        equal = {"connec_group_id": group}
        for value, key in read_rows(model, (find, "pk"), using=using, among=(find, wanted), equal=equal):
            wanted[value].pk = key


def _column(model: type[models.Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)


def _is_worth_asking(model: type[models.Model], using: str, among: Collection[Any], equal: Mapping[str, Any]) -> bool:
    """Tell whether there is any such row, where to name hundreds of values would cost more than this question."""
    return len(among) < FEW or model._base_manager.using(using).filter(**equal).exists()


def _where(
    model: type[models.Model], among: tuple[str, Collection[Any]], equal: Mapping[str, Any], connection: Any
) -> tuple[str, list[Any]]:
    quote: Callable[[Any], str] = connection.ops.quote_name
    conditions = [f"{quote(_column(model, name).column)} = %s" for name in equal]
    column = quote(_column(model, among[0]).column)
    if connection.vendor == "postgresql":
        # One parameter: the driver takes longer over a hundred of them than the server over the query.
        conditions.append(f"{column} = ANY(%s)")
        return " AND ".join(conditions), [*equal.values(), list(among[1])]
    conditions.append(f"{column} IN ({', '.join(['%s'] * len(among[1]))})")
    return " AND ".join(conditions), [*equal.values(), *among[1]]


def _converted(lines: Sequence[Any], columns: Sequence[Any], connection: Any) -> list[tuple[Any, ...]]:
    """Turn what the driver gives into what the model's fields give, as Django's compiler does."""
    plan = []
    for index, column in enumerate(columns):
        expression = column.cached_col
        steps = connection.ops.get_db_converters(expression) + expression.get_db_converters(connection)
        if steps:
            plan.append((index, expression, steps))
    if not plan:
        return [tuple(line) for line in lines]
    result = []
    for line in lines:
        values = list(line)
        for index, expression, steps in plan:
            for step in steps:
                values[index] = step(values[index], expression, connection)
        result.append(tuple(values))
    return result
