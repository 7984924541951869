from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_connec import tasks
from tests.browser import browser
from tests.conftest import connec_settings

__all__ = ["browser", "customer", "queue", "work"]

taken: list = []


def take(task, *args):
    taken.append((task.removeprefix("django_connec.tasks."), *args))


@pytest.fixture
def queue(hub, settings):
    """The hub, a queue that takes everything, and users who manage the group that is called as they are."""
    taken.clear()
    settings.CONNEC = {
        **connec_settings(hub.url),
        "DISPATCHER": f"{__name__}.take",
        "SHARING_GROUPS": "tests.dashboard.hooks.by_name",
    }
    return taken


@pytest.fixture
def work(queue):
    def do() -> None:
        while taken:
            name, *args = taken.pop(0)
            getattr(tasks, name)(*args)

    return do


@pytest.fixture
def customer(queue, group):
    client = Client()
    client.force_login(User.objects.create_user(group.name, password="pass for tests"))
    return client
