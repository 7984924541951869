from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from django_connec.models import ConnecGroup

#: The queue of the tests: what was put into it, by :func:`take`.
taken: list[tuple[Any, ...]] = []


def take(task: str, *args: Any) -> None:
    taken.append((task.removeprefix("django_connec.tasks."), *args))


def refuse(task: str, *args: Any) -> None:
    raise ConnectionError("the broker is down")


@pytest.fixture
def queue(settings: Any) -> list[tuple[Any, ...]]:
    """A queue that takes everything."""
    taken.clear()
    settings.CONNEC = {**settings.CONNEC, "DISPATCHER": f"{__name__}.take"}
    return taken


@pytest.fixture
def dead_queue(settings: Any) -> None:
    settings.CONNEC = {**settings.CONNEC, "DISPATCHER": f"{__name__}.refuse"}


@pytest.fixture
def operator(db: None) -> Client:
    """A client logged in as superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


@pytest.fixture
def staff(db: None) -> Callable[..., Client]:
    """Make a client logged in as a member of staff with these permissions only, such as ``view_failure``."""

    def make(*codenames: str) -> Client:
        user = User.objects.create_user("staff", is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(content_type__app_label="django_connec", codename__in=codenames)
        )
        assert user.user_permissions.count() == len(codenames)
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def group(db: None) -> ConnecGroup:
    return ConnecGroup.objects.create(uid="cld-1", name="Smith & Co")
