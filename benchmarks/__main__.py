"""``make bench``: measure on the same data in one run and print ratios.

Machines are noisy: every pair is measured in turn, several times, and the median ratio counts. Nothing here
passes or fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.services import found

DATABASE = "connec_bench"


def main() -> int:
    here = found()
    failed = 0
    for database in ("sqlite", "postgres"):
        if database == "postgres" and not here["postgres"]:
            print("postgres: NOT found, not measured")
            continue
        with tempfile.TemporaryDirectory() as folder:
            environment = {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
                "CONNEC_TEST_DB": database,
                "CONNEC_BENCH_FILE": str(Path(folder) / "bench.sqlite3"),
                "CONNEC_BENCH_DB": DATABASE,
            }
            command = [sys.executable, "-m", "benchmarks.measure", *sys.argv[1:]]
            failed |= subprocess.run(command, env=environment, check=False).returncode
    failed |= subprocess.run([sys.executable, "-m", "benchmarks.hub"], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
