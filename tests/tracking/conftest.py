from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from django_connec.mapping import Mapper, registry
from django_connec.models import ConnecGroup
from django_connec.tracking.deletions import watch_holders
from tests.tracking import queues

NOT_COUNTED = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


@pytest.fixture
def queue(settings) -> list[tuple[str, tuple[Any, ...]]]:
    """What was queued, of the functions in django_connec.tasks."""
    settings.CONNEC = {**settings.CONNEC, "DISPATCHER": "tests.tracking.queues.remember"}
    queues.tasks.clear()
    return queues.tasks


@pytest.fixture
def mapped() -> Iterator[Callable[..., Mapper]]:
    """Register a mapper for a model for the length of one test."""
    models_: list[type[models.Model]] = []

    def add(model: type[models.Model], mapper_class: type[Mapper]) -> Mapper:
        models_.append(model)
        mapper = registry.add(model, mapper_class)
        watch_holders()
        return mapper

    yield add
    for model in models_:
        registry.remove(model)


class Statements(CaptureQueriesContext):
    """The statements of a block, without those that only begin and end transactions."""

    def __init__(self) -> None:
        super().__init__(connection)

    @property
    def sql(self) -> list[str]:
        return [q["sql"] for q in self.captured_queries if not q["sql"].startswith(NOT_COUNTED)]


@pytest.fixture
def statements() -> type[Statements]:
    return Statements


class Undone(Exception):
    """Ends a block that is to be rolled back."""


@contextmanager
def rolled_back() -> Iterator[None]:
    with suppress(Undone), transaction.atomic():
        yield
        raise Undone


def known(group: ConnecGroup, row: Any, connec_id: str = "hub-1") -> Any:
    """Make a row look as the engine leaves it: linked, known to the hub, nothing to send."""
    type(row)._base_manager.filter(pk=row.pk).update(
        connec_group=group, connec_id=connec_id, connec_state={"a": {"name": "x"}}, connec_changed_at=None
    )
    row.refresh_from_db()
    return row
