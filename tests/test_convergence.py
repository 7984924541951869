"""Whatever happened: after a drain and one poll both sides are equal, and one more drain sends nothing."""

from __future__ import annotations

import pytest
from django.db import connection

from django_connec.tasks import sweep
from django_connec.testing.statemachine import check_convergence
from tests.app.models import Person
from tests.conftest import ORG
from tests.convergence import Machine

#: Statements that go to a server take longer. A long run: CONNEC_CONVERGENCE_EXAMPLES=2000.
EXAMPLES = {"sqlite": 20, "postgresql": 10}.get(connection.vendor, 6)


@pytest.mark.django_db(transaction=True)
def test_both_sides_end_equal():
    check_convergence(Machine, max_examples=EXAMPLES)


@pytest.mark.django_db
def test_change_whose_task_was_never_queued_is_sent_by_the_sweep(hub, group, company):
    """Inside a test's transaction nothing runs on commit, as when the process dies right after it."""
    Person.objects.create(company=company, first_name="Ines")
    sweep()
    assert [record["first_name"] for record in hub.records(ORG, "people")] == ["Ines"]
