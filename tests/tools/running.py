"""Run a command as the tests need it: what it printed, and how it ended."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command


def run(name: str, *arguments: Any, **options: Any) -> tuple[str, int]:
    """Return what a command printed and its exit code; what it complained of is printed too."""
    out = StringIO()
    try:
        call_command(name, *map(str, arguments), stdout=out, **options)
    except CommandError as error:
        return f"{out.getvalue()}{error}", error.returncode
    return out.getvalue(), 0


def run_json(name: str, *arguments: Any) -> tuple[Any, int]:
    """Return the JSON object that a command printed, and its exit code."""
    out = StringIO()
    code = 0
    try:
        call_command(name, *map(str, arguments), "--json", stdout=out)
    except CommandError as error:
        code = error.returncode
    return json.loads(out.getvalue()), code
