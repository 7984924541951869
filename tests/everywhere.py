"""Run the tests on every database that is here, side by side: ``python -m tests.everywhere``."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.services import found

#: Paths whose tests touch no database, or only as a place to keep things; once is enough.
ONCE = (
    "tests/client",
    "tests/dashboard/test_browser.py",
    "tests/docs",
    "tests/example",
    "tests/sandbox",
    "tests/sso/test_attacks.py",
    "tests/sso/test_mutations.py",
    "tests/testing_kit",
)


def main() -> int:
    here = found()
    databases = ["sqlite", *(name for name in ("postgres", "mariadb") if here[name])]
    running = []
    for name in databases:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        if name != "sqlite":
            command += [f"--ignore={path}" for path in ONCE]
        environment = {**os.environ, "CONNEC_TEST_DB": name}
        running.append(
            (
                name,
                subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True),
            )
        )
    failed = False
    for name, process in running:
        output, _ = process.communicate()
        print(f"\n=== {name} ===\n{output}", flush=True)
        failed |= process.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
