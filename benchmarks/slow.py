"""A sandbox hub that takes 20 ms to answer, in a process of its own: ``python -m benchmarks.slow``.

It prints its address and goes on until its standard input ends.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LATENCY = 0.02


def main() -> int:
    from django_connec.sandbox import Fault, SandboxHub

    hub = SandboxHub()
    hub.add_application("app-1a2b", "key")
    hub.add_group("cld-push", api_id="app-1a2b", org="org-1")
    hub.faults.add(Fault("slow", times=-1, seconds=LATENCY))
    with hub.serve() as url:
        print(url, flush=True)
        sys.stdin.read()
    hub.close()
    return 0


@contextmanager
def slow_hub() -> Iterator[str]:
    """Run the hub for the block; yields its address."""
    command = [sys.executable, "-m", "benchmarks.slow"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


if __name__ == "__main__":
    sys.exit(main())
