from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest

from django_connec.sandbox import SandboxHub
from django_connec.sandbox.accounts import User
from django_connec.sandbox.memory import MemoryStore
from django_connec.sandbox.sqlite import SQLiteStore
from tests.sandbox.applications import Account, Subscriber
from tests.sandbox.browsing import Browser
from tests.sandbox.helpers import APP, GROUP, KEY, OTHER, OTHER_GROUP, OTHER_KEY, Api, Receiver, furnish


class Clock:
    def __init__(self) -> None:
        self.now = dt.datetime(2018, 3, 1, 4, 5, 6, 700_000, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def tick(self, seconds: float = 1) -> None:
        self.now += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage() -> str:
    """Where the hub keeps its data; modules that are about data run on both."""
    return "memory"


@pytest.fixture
def hub(clock: Clock, storage: str) -> Iterator[SandboxHub]:
    store = MemoryStore() if storage == "memory" else SQLiteStore()
    hub = SandboxHub(clock=clock, delay=0.0, attempts=4, back_off=0.005, timeout=5, store=store)
    furnish(hub)
    yield hub
    hub.close()


@pytest.fixture
def url(hub: SandboxHub) -> Iterator[str]:
    with hub.serve() as url:
        yield url


@pytest.fixture
def api(url: str) -> Iterator[Api]:
    api = Api(url)
    yield api
    api.session.close()


@pytest.fixture
def external(url: str) -> Iterator[Api]:
    """The same application, asking for ids in list form."""
    api = Api(url, external_ids=True)
    yield api
    api.session.close()


@pytest.fixture
def other(url: str) -> Iterator[Api]:
    """A second application of the same organisation."""
    api = Api(url, OTHER_GROUP, (OTHER, OTHER_KEY), external_ids=True)
    yield api
    api.session.close()


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(answers: list[int] | None = None) -> Receiver:
        made.append(Receiver(answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def told(hub: SandboxHub, receiver: Callable[..., Receiver]) -> Receiver:
    """The second application's webhook."""
    made = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=made.url)
    return made


@pytest.fixture
def account(url: str) -> Account:
    return Account(url)


@pytest.fixture
def subscriber(hub: SandboxHub) -> Iterator[Subscriber]:
    """The first application's account webhooks."""
    subscriber = Subscriber()
    hub.add_application(APP, KEY, host=subscriber.url)
    yield subscriber
    subscriber.close()


@pytest.fixture
def browser(url: str) -> Iterator[Browser]:
    with Browser(url) as browser:
        yield browser


@pytest.fixture
def ines(hub: SandboxHub) -> User:
    """Somebody with one group, whose name is no XML."""
    return hub.add_user(
        name="Ines", surname="Oka<for>", email="ines@pelican.example", country="PT", groups={GROUP: "Admin"}
    )
