"""Push: beside one POST a save, against a hub that takes 20 ms to answer; and what a delivery costs.

Measured is the sending, on both sides: the rows are saved before. The hub has a process of its own, as it has in life.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

ROWS = 200


def measure(say: Callable[[str, str, str], None]) -> None:
    from benchmarks.app.models import Company, Person
    from benchmarks.importing import record
    from benchmarks.measure import ratio
    from benchmarks.slow import slow_hub
    from django_connec.client import client_for, reset_clients
    from django_connec.conf import get_marketplace
    from django_connec.inbound import apply_records
    from django_connec.models import ConnecGroup
    from django_connec.work import work_group

    group = ConnecGroup.objects.create(uid="cld-push")
    company = Company.objects.create(connec_group=group)
    with slow_hub() as url:
        marketplace = {"API_ID": "app-1a2b", "API_KEY": "key", "CONNEC_HOST": url}
        with override_settings(CONNEC={"PROVIDER": "bench", "MARKETPLACES": {"default": marketplace}}):
            client = client_for(get_marketplace("default"))

            def save() -> None:
                Person.objects.bulk_create([Person(company=company, first_name=f"First {n}") for n in range(ROWS)])

            def ours() -> None:
                report = work_group(group, force=True)
                assert report is not None
                assert report.drained.pushed == ROWS, report

            def one_by_one() -> None:
                for n in range(ROWS):
                    client.create(group.uid, "people", {"first_name": f"First {n}"})

            faster, seconds, _ = ratio(ours, one_by_one, rounds=3, before=save)
            reset_clients()
    say("push: times one POST a save", f"{faster:.1f}x", "20x")
    say("push: rows a second (this machine, now)", f"{ROWS / seconds:,.0f}", "-")
    page = [record(n) for n in range(500)]
    for item in page:
        item.pop("organization_id")
    with CaptureQueriesContext(connection) as captured:
        apply_records(group, "people", page, source="webhook")
    statements = [q for q in captured if not q["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))]
    say("webhook: queries to apply 500 records", str(len(statements)), "< 15")
