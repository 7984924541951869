"""Import: page JSON to committed rows, beside a loop of ``update_or_create`` and beside the raw limit.

Ours is the import itself, ``import_group``: the pages read ahead by its threads, its place in the collection, its run's
record, its ids to link back. Only HTTP is left out, on all sides alike: the pages' bodies are in memory.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection, transaction

RECORDS = 5_000
#: As many as the hub gives in one page.
PAGE = 100
COLUMNS = (
    "first_name last_name title job_title email phone mobile street city postal_code country born is_customer active "
    "company_id employer_id remote_id"
).split()


def record(n: int) -> dict[str, object]:
    return {
        "id": [{"provider": "connec", "realm": "org-1", "id": f"00000000-0000-4000-8000-{n:012d}"}],
        "first_name": f"First {n}",
        "last_name": f"Last {n}",
        "title": "Ms.",
        "job_title": "Driver",
        "email": {"address": f"p{n}@pelican.example", "address2": ""},
        "phone_work": {"landline": f"07 5550 {n:04d}", "mobile": "0400 000 111"},
        "address_work": {
            "billing": {"line1": f"{n} Quay St", "city": "Cairns", "postal_code": "4870", "country": "Australia"},
            "billing2": {},
        },
        "birth_date": "1984-06-07T00:00:00Z",
        "is_customer": True,
        "status": "ACTIVE",
        "organization_id": [{"provider": "connec", "realm": "org-1", "id": f"org-{n % 40}"}],
        "created_at": "2018-01-01T00:00:00Z",
        "updated_at": "2018-01-01T00:00:00Z",
    }


def pages(count: int) -> list[str]:
    return [json.dumps({"people": [record(n) for n in range(at, at + PAGE)]}) for at in range(0, count, PAGE)]


class Hub:
    """The one call that an import makes of its client, answered from bodies in memory."""

    def __init__(self, bodies: Sequence[str], total: int) -> None:
        self._bodies = bodies
        self._total = total

    def page(self, group_uid: str, resource: str, *, top: int, skip: int, **query: Any) -> Any:
        """Return one page as :class:`~django_connec.client.ConnecClient` does."""
        from django_connec.client import Page
        from django_connec.client.wire import decode_json

        body = decode_json(self._bodies[skip // PAGE])
        assert body is not None
        assert top == PAGE
        has_next = skip + PAGE < self._total
        return Page(body[resource], self._total, skip, PAGE, has_next, dt.datetime.now(dt.UTC))


def measure(say: Callable[[str, str, str], None]) -> None:
    from benchmarks.app.models import Company, Organization, Person, PlainPerson
    from benchmarks.measure import ratio
    from django_connec.inbound import apply_records
    from django_connec.models import ConnecGroup, LinkBack, SyncRun
    from django_connec.reading import import_group

    group = ConnecGroup.objects.create(uid="cld-bench")
    company = Company.objects.create(connec_group=group)
    organizations = [{"id": [{"provider": "connec", "id": f"org-{n}"}], "name": f"Org {n}"} for n in range(40)]
    apply_records(group, "organizations", organizations, source="import")
    employers = dict(Organization.objects.values_list("connec_id", "pk"))
    bodies = pages(RECORDS)
    hub: Any = Hub(bodies, RECORDS)

    def ours() -> None:
        Person.objects.all()._raw_delete("default")
        LinkBack.objects.all()._raw_delete("default")
        run = import_group(group, hub, resources=["people"], full=True)
        assert run.state == SyncRun.State.SUCCEEDED
        assert run.counts["people"] == {"created": RECORDS}, run.counts

    def values(item: dict) -> dict[str, object]:
        address = item["address_work"]["billing"]
        return {
            "first_name": item["first_name"],
            "last_name": item["last_name"],
            "title": item["title"],
            "job_title": item["job_title"],
            "email": item["email"]["address"],
            "phone": item["phone_work"]["landline"],
            "mobile": item["phone_work"]["mobile"],
            "street": address["line1"],
            "city": address["city"],
            "postal_code": address["postal_code"],
            "country": address["country"],
            "born": item["birth_date"][:10],
            "is_customer": item["is_customer"],
            "active": item["status"] == "ACTIVE",
            "company_id": company.pk,
            "employer_id": employers[item["organization_id"][0]["id"]],
        }

    def loop() -> None:
        PlainPerson.objects.all()._raw_delete("default")
        with transaction.atomic():
            for body in bodies:
                for item in json.loads(body)["people"]:
                    PlainPerson.objects.update_or_create(remote_id=item["id"][0]["id"], defaults=values(item))

    def raw() -> None:
        PlainPerson.objects.all()._raw_delete("default")
        names = ", ".join(COLUMNS)
        updates = ", ".join(f"{c} = excluded.{c}" for c in COLUMNS[:-1])
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(
                    f"CREATE TEMP TABLE staged ON COMMIT DROP AS SELECT {names} FROM bench_plainperson LIMIT 0"
                )
                with cursor.copy(f"COPY staged ({names}) FROM STDIN") as copy:
                    for body in bodies:
                        for item in json.loads(body)["people"]:
                            copy.write_row([*values(item).values(), item["id"][0]["id"]])
                cursor.execute(
                    f"INSERT INTO bench_plainperson ({names}) SELECT {names} FROM staged "
                    f"ON CONFLICT (remote_id) DO UPDATE SET {updates}"
                )
                return
            statement = (
                f"INSERT INTO bench_plainperson ({names}) VALUES ({', '.join(['%s'] * len(COLUMNS))}) "
                f"ON CONFLICT (remote_id) DO UPDATE SET {updates}"
            )
            for body in bodies:
                found = json.loads(body)["people"]
                cursor.executemany(statement, [(*values(item).values(), item["id"][0]["id"]) for item in found])

    against_loop, seconds, _ = ratio(ours, loop, rounds=3)
    say("import: times an update_or_create loop", f"{against_loop:.1f}x", "15x")
    against_raw, _, _ = ratio(ours, raw, rounds=3)
    say("import: share of the raw limit", f"{against_raw:.2f}", "0.40")
    say("import: records a second (this machine, now)", f"{RECORDS / seconds:,.0f}", "-")

    def again() -> None:
        run = import_group(group, hub, resources=["people"], full=True)
        assert run.counts["people"] == {"unchanged": RECORDS}, run.counts

    unchanged, _, _ = ratio(again, ours, rounds=3)
    say("unchanged records: times the import of new ones", f"{unchanged:.1f}x", "-")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(4):
        ours()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    say("import: memory grown over four times the records", f"{grown / 1024:.1f} MB", "flat")
