"""The measurements on one database."""

from __future__ import annotations

import contextlib
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator

import django
from django.db import connection


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a piece of work takes."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ratio(
    ours: Callable[[], object],
    theirs: Callable[[], object],
    rounds: int = 5,
    before: Callable[[], object] = lambda: None,
) -> tuple[float, float, float]:
    """Measure two pieces of work in turn; returns the median of theirs over ours, and both medians in seconds.

    Args:
        before: What each round of ours needs, and is not measured.
    """
    pairs = []
    for _ in range(rounds):
        before()
        pairs.append((timed(ours), timed(theirs)))
    return (
        statistics.median(b / a for a, b in pairs),
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
    )


def say(what: str, value: str, goal: str) -> None:
    """Print one line of the report."""
    print(f"  {what:<62} {value:>12}   goal {goal}", flush=True)


@contextlib.contextmanager
def database() -> Iterator[None]:
    """Make the database, and drop it again where it is a server's."""
    from django.core.management import call_command

    name = connection.settings_dict["NAME"]
    if connection.vendor == "postgresql":
        import psycopg

        where = {"host": "127.0.0.1", "user": connection.settings_dict["USER"], "dbname": "postgres"}
        with psycopg.connect(**where, autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}"')
            server.execute(f'CREATE DATABASE "{name}"')
    try:
        call_command("migrate", verbosity=0)
        from benchmarks.app import models

        with connection.schema_editor() as editor:
            for model in (models.Company, models.Organization, models.Person, models.PlainPerson):
                editor.create_model(model)
        yield
    finally:
        connection.close()
        if connection.vendor == "postgresql":
            with psycopg.connect(**where, autocommit=True) as server:
                server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def main() -> int:
    django.setup()
    from benchmarks import importing, pushing, saving, signing

    print(f"{connection.vendor}, Python {sys.version.split()[0]}, Django {django.get_version()}")
    with database():
        importing.measure(say)
        saving.measure(say)
        pushing.measure(say)
        if connection.vendor == "sqlite":
            # It touches no database.
            signing.measure(say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
