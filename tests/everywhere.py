"""Run the tests on every database that is here, in processes side by side: ``python -m tests.everywhere``."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.services import found

#: Paths whose tests touch no database, or only as a place to keep things; once is enough. What stands together takes
#: about as long as the rest on one database.
ONCE = {
    "the hub and sign-on": (
        "tests/checks",
        "tests/client",
        "tests/dashboard/test_browser.py",
        "tests/mapping",
        "tests/sandbox",
        "tests/sso/test_attacks.py",
        "tests/sso/test_browser.py",
        "tests/sso/test_checks.py",
        "tests/sso/test_mutations.py",
    ),
    "examples and tools": ("tests/docs", "tests/example", "tests/testing_kit"),
}


def main() -> int:
    here = found()
    everything_else = [f"--ignore={path}" for paths in ONCE.values() for path in paths]
    runs = [("sqlite", "sqlite", everything_else)]
    runs += [(f"sqlite: {title}", "sqlite", list(paths)) for title, paths in ONCE.items()]
    runs += [(name, name, everything_else) for name in ("postgres", "mariadb") if here[name]]
    running = [(title, _start(database, arguments)) for title, database, arguments in runs]
    failed = False
    for title, process in running:
        output, _ = process.communicate()
        print(f"\n=== {title} ===\n{output}", flush=True)
        failed |= process.returncode != 0
    return 1 if failed else 0


def _start(database: str, arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        env={**os.environ, "CONNEC_TEST_DB": database},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == "__main__":
    sys.exit(main())
