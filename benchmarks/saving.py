"""What the mixin costs a save inside a transaction."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

ROWS = 1_000


def measure(say: Callable[[str, str, str], None]) -> None:
    from benchmarks.app.models import Company, Person, PlainPerson
    from benchmarks.measure import ratio

    company = Company.objects.create()

    def insert(model: type, **extra: object) -> Callable[[], None]:
        def work() -> None:
            with transaction.atomic():
                for n in range(ROWS):
                    more = {"remote_id": f"r{n}"} if extra else {}
                    model(company_id=company.pk, first_name=f"First {n}", **more).save()
                transaction.set_rollback(True)

        return work

    slower, _, _ = ratio(insert(PlainPerson, plain=True), insert(Person))
    say("save: INSERT with the mixin / without", f"{slower:.2f}", "<= 1.40")
    with transaction.atomic():
        for n in range(ROWS):
            PlainPerson(company=company, remote_id=f"u{n}").save()
            Person(company=company).save(connec=False)

    def update(model: type) -> Callable[[], None]:
        rows = list(model.objects.filter(company=company))

        def work() -> None:
            with transaction.atomic():
                for row in rows:
                    row.last_name = "Changed"
                    row.save()
                transaction.set_rollback(True)

        return work

    slower, _, _ = ratio(update(PlainPerson), update(Person))
    say("save: UPDATE with the mixin / without", f"{slower:.2f}", "<= 1.35")
