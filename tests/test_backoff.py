"""When something that failed is tried again: jittered, exponential, capped."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from django_connec.backoff import FIRST, LONGEST, next_attempt
from django_connec.failures import FailedRecord, store_failures
from django_connec.models import Failure


def waits(attempts: int, retry_after: float | None = None, count: int = 200) -> list[dt.timedelta]:
    before = timezone.now()
    found = [next_attempt(attempts, retry_after) for _ in range(count)]
    assert timezone.now() - before < dt.timedelta(seconds=20)
    return [moment - before for moment in found]


SLACK = dt.timedelta(seconds=20)


@pytest.mark.parametrize(("attempts", "ceiling"), [(1, 60), (2, 120), (3, 240), (6, 1920), (7, 3600), (5000, 3600)])
def test_wait_doubles_up_to_an_hour_and_is_spread(attempts, ceiling):
    seconds = dt.timedelta(seconds=ceiling)
    found = waits(attempts)
    assert min(found) >= FIRST
    assert max(found) <= min(seconds, LONGEST) + SLACK
    # Spread over all of it: those that failed together do not come back together.
    middle = FIRST + (seconds - FIRST) / 2
    assert min(found) < middle < max(found)


def test_longer_wait_that_the_hub_asks_for_is_kept_to_for_an_hour():
    assert min(waits(1, 600)) >= dt.timedelta(seconds=600)
    assert max(waits(1, 100_000)) <= LONGEST + SLACK
    assert min(waits(1, 0.5)) >= FIRST


@pytest.mark.django_db
def test_records_own_wait_is_stored_with_its_failure(group):
    failed = FailedRecord("1", "wait", "app.person", retry_after=1800)
    store_failures(group, Failure.Direction.PUSH, "people", [failed])
    assert Failure.objects.get().next_attempt_at >= timezone.now() + dt.timedelta(seconds=1700)
