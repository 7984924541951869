"""The sandbox hub over a million records: ``python -m benchmarks.hub [RECORDS]``. It has no database but its own."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from benchmarks.measure import say
from django_connec.sandbox import SandboxHub
from django_connec.sandbox.api import Request

#: What the references of the records lead to.
OTHERS = {"organizations": 1000, "people": 1000, "accounts": 50, "tax_codes": 5}
RECORDS = 1_000_000 - sum(OTHERS.values())
AUTHORIZATION = "Basic YXBwOmtleQ=="
GOAL = "< 50 ms"


def median(ask: Callable[[int], object], rounds: int = 25) -> str:
    """Return the median of some calls, in milliseconds, and that of the processor's time; each is told which one it is.

    On a machine that has other work to do the first says more about that work than about the hub.
    """
    ask(0)
    waited, worked = [], []
    for number in range(1, rounds + 1):
        started, busy = time.perf_counter(), time.thread_time()
        ask(number)
        waited.append((time.perf_counter() - started) * 1000)
        worked.append((time.thread_time() - busy) * 1000)
    return f"{statistics.median(waited):,.1f} ms (processor {statistics.median(worked):,.1f})"


def measure(folder: Path, records: int) -> None:
    hub = SandboxHub(str(folder / "hub.sqlite3"))
    hub.add_application("app", "key")
    hub.add_group("cld-1", api_id="app", org="org-1")
    started, busy = time.perf_counter(), time.process_time()
    count = sum(hub.seed("org-1", {"items": records, **OTHERS}).values())
    seconds, worked = time.perf_counter() - started, time.process_time() - busy
    say(f"sandbox: fill in {count:,} records", f"{count / seconds:,.0f}/s (processor {count / worked:,.0f}/s)", "-")

    def get(path: str, **headers: str) -> None:
        answer = hub.api.handle(Request("GET", f"/api/v2/cld-1/{path}", {"authorization": AUTHORIZATION, **headers}))
        assert answer.status == 200, answer.body

    newest = quote("updated_at gt '2019-09-25T00:00:00Z'")
    half = quote("updated_at gt '2018-05-15T00:00:00Z'")
    services = quote("type eq 'SERVICE'")
    external = {"connec-external-ids": "true"}
    for what, ask, goal in (
        ("list of 100", lambda n: get(f"items?$skip={n * 100}"), GOAL),
        ("list of 100, external ids", lambda n: get(f"items?$skip={n * 100}", **external), GOAL),
        ("by updated_at", lambda n: get(f"items?$orderby=updated_at%20ASC&$skip={n * 100}"), GOAL),
        ("changed since: few", lambda n: get(f"items?$filter={newest}"), GOAL),
        ("changed since: half of them", lambda n: get(f"items?$filter={half}&$orderby=updated_at%20ASC"), "-"),
        ("$skip of 90 in 100", lambda n: get(f"items?$skip={records * 9 // 10 + n}"), "-"),
        (
            "$skip of 90 in 100, by updated_at",
            lambda n: get(f"items?$orderby=updated_at%20ASC&$skip={records * 9 // 10 + n}"),
            "-",
        ),
    ):
        say(f"sandbox: {what}", median(ask), goal)
    for what, path in (
        ("$filter on an attribute, no index", f"items?$filter={services}"),
        ("$search", "items?$search=walnut"),
    ):
        say(f"sandbox: {what}", median(lambda n, path=path: get(path), rounds=3), "-")
    hub.close()


def main() -> int:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), records)
    return 0


if __name__ == "__main__":
    sys.exit(main())
