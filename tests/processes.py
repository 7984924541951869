"""Other processes that work on the very database and hub of a test."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.db import connection

__all__ = ["LiveDatabase", "kill_group", "start_python", "wait_until"]


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition; fails when it does not come true in time."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.03)


class LiveDatabase:
    """The test's database as another process sees it.

    The tests' SQLite is in memory, where nobody else sees it: there it is copied to a file as it is now. What the
    other process does is then read with :meth:`rows`, never through the models.
    """

    def __init__(self, folder: Path) -> None:
        self.name = str(connection.settings_dict["NAME"])
        self._is_file = connection.vendor == "sqlite"
        if self._is_file:
            self.name = str(folder / "live.sqlite3")
            connection.ensure_connection()
            with sqlite3.connect(self.name) as copy:
                connection.connection.backup(copy)
            copy.close()

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement (with ``%s``) and return its rows, if it has any."""
        if self._is_file:
            copy = sqlite3.connect(self.name, timeout=20)
            try:
                with copy:
                    return copy.execute(statement.replace("%s", "?"), parameters).fetchall()
            finally:
                copy.close()
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall()) if cursor.description else []


def start_python(
    database: LiveDatabase, hub_url: str, arguments: Sequence[str], *, quiet: bool = False, **environment: str
) -> subprocess.Popen[str]:
    """Start Python with the tests' settings, in a process group of its own.

    Args:
        quiet: Nobody will read what it prints; a pipe that fills up would stop it.
    """
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "CONNEC_TEST_LIVE_DB": database.name,
            "CONNEC_TEST_HUB": hub_url,
            **environment,
        },
        start_new_session=True,
        stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def kill_group(process: subprocess.Popen[str]) -> None:
    """End a process and all that it has started, at once, as a machine that loses its power does."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
