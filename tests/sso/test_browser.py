"""From the tile in the marketplace to the imported rows, and out again, in a real browser."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from pytest_django.live_server_helper import LiveServer

from django_connec import tasks
from django_connec.models import ConnecGroup, Membership
from django_connec.sandbox import SandboxHub
from django_connec.signals import user_authenticated
from tests.app.models import Company, Person
from tests.browser import browser
from tests.conftest import API_ID, API_KEY, PROVIDER
from tests.services import found
from tests.sso import host

__all__ = ["browser"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not found()["chromium"], reason="chromium or chromedriver is not here"),
]

FIRST, SECOND = "cld-7p2k", "cld-9x9x"


@pytest.fixture
def market(settings: Any) -> Iterator[tuple[SandboxHub, str]]:
    """A marketplace with two customers, two users, and this application."""
    host.queued.clear()
    # Before the server starts, which reads them once; pytest-django's own is that of the whole run.
    settings.ROOT_URLCONF = "tests.sso.host"
    settings.AUTHENTICATION_BACKENDS = ["django_connec.sso.backends.ConnecBackend"]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_connec.sso.middleware.SessionRecheckMiddleware"]
    live_server = LiveServer("localhost")
    user_authenticated.connect(host.make_company, dispatch_uid="tests.sso.host")
    hub = SandboxHub(delay=0)
    hub.add_application(API_ID, API_KEY, name="Pelican Books", host=live_server.url)
    for uid, org, name in ((FIRST, "org-1", "Pelican Freight"), (SECOND, "org-2", "Heron Post")):
        hub.add_group(uid, api_id=API_ID, org=org, name=name)
        hub.load(uid, "people", [{"first_name": f"{word} of {name}"} for word in ("Aroha", "Wei")])
    hub.add_user("usr-1", groups={FIRST: "Admin", SECOND: "Member"}, name="Ines", surname="Okafor", email="i@x.example")
    hub.add_user("usr-2", groups={FIRST: "Member"}, name="Tomas", surname="Brandt", email="t@x.example")
    with hub.serve() as url:
        marketplace = {
            "API_ID": API_ID,
            "API_KEY": API_KEY,
            "CONNEC_HOST": url,
            "API_HOST": url,
            "APP_HOST": live_server.url,
            "SSO_X509_CERTIFICATE": hub.idp.certificate,
        }
        settings.CONNEC = {
            "PROVIDER": PROVIDER,
            "DISPATCHER": "tests.sso.host.queue",
            "MARKETPLACES": {"default": marketplace},
        }
        settings.LOGIN_REDIRECT_URL = "/home"
        yield hub, url
    live_server.stop()
    hub.close()
    user_authenticated.disconnect(dispatch_uid="tests.sso.host")


def shows(browser: Any, words: str) -> None:
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.ui import WebDriverWait

    # The page changes under whoever looks at it, which is what is waited for.
    changing = (WebDriverException,)
    waiting = WebDriverWait(browser, 20, poll_frequency=0.05, ignored_exceptions=changing)
    waiting.until(lambda b: words in b.find_element("tag name", "main").text, f"the page does not say: {words}")


def click(browser: Any, element: Any) -> None:
    # The log below the tiles comes in later and moves what is above: a click by position may miss.
    browser.execute_script("arguments[0].click()", element)


def press(browser: Any, words: str) -> None:
    for element in browser.find_elements("css selector", "main a, main button"):
        if words in element.text:
            click(browser, element)
            return
    raise AssertionError(f"nothing says {words}")


def open_application(browser: Any, url: str, user: str, group: str) -> None:
    """Switch to a user in the marketplace and open the tile of a customer."""
    from selenium.webdriver.support.ui import Select

    browser.get(url)
    Select(browser.find_element("id", "switch-user")).select_by_value(user)
    click(browser, browser.find_element("css selector", "form[action='/switch'] button"))
    shows(browser, "Marketplace")
    click(browser, browser.find_element("css selector", f"#tile-{group} a.primary"))


def work() -> None:
    while host.queued:
        name, args = host.queued.pop(0)
        getattr(tasks, name)(*args)


def test_from_the_tile_to_the_imported_rows(market: Any, browser: Any) -> None:
    _, url = market
    browser.get(url)
    press(browser, "Open")
    # Nobody is signed in at the marketplace yet: it asks.
    shows(browser, "Who opens Pelican Books?")
    press(browser, "Ines")
    # Of her two customers the tile has named one; its import waits for a worker.
    shows(browser, "The import is about to start.")
    group = ConnecGroup.objects.get()
    assert (group.uid, group.name) == (FIRST, "Pelican Freight")
    assert [name for name, _ in host.queued] == ["import_group"]
    work()
    # The page looks again by itself and leads on.
    shows(browser, "Ines works for Pelican Freight: Aroha of Pelican Freight, Wei of Pelican Freight")
    assert Person.objects.count() == 2
    # A second user of the same customer: no second import.
    open_application(browser, url, "usr-2", FIRST)
    shows(browser, "Tomas works for Pelican Freight: Aroha of Pelican Freight")
    assert not host.queued
    assert set(Membership.objects.values_list("user__first_name", "role")) == {("Ines", "Admin"), ("Tomas", "Member")}
    # The first user in a second customer.
    open_application(browser, url, "usr-1", SECOND)
    shows(browser, "The import is about to start.")
    work()
    shows(browser, "Ines works for Heron Post, Pelican Freight: Aroha of Heron Post, Aroha of Pelican Freight")
    assert get_user_model().objects.count() == 2
    assert Company.objects.count() == 2


def test_customer_who_cancels_and_session_that_the_hub_ends(market: Any, browser: Any) -> None:
    hub, url = market
    open_application(browser, url, "usr-1", FIRST)
    shows(browser, "The import is about to start.")
    work()
    shows(browser, "Ines works for Pelican Freight")
    home = browser.current_url
    before = browser.get_cookie("sessionid")["value"]
    # The hub ends the session: at the next recheck the browser is sent through a new sign-on.
    hub.accounts.end_session("usr-1")
    browser.get(home)
    assert browser.get_cookie("sessionid")["value"] == before
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10), tick=True):
        browser.get(home)
        shows(browser, "Ines works for Pelican Freight")
        assert browser.get_cookie("sessionid")["value"] != before
    # The customer cancels in the marketplace: the application is told, and can be opened no more.
    browser.get(url)
    click(browser, browser.find_element("css selector", f"#tile-{FIRST} button.danger"))
    shows(browser, "cancelled")
    assert not ConnecGroup.objects.get(uid=FIRST).is_active
    assert Person.objects.filter(company__connec_group__uid=FIRST).count() == 2
    assert not browser.find_elements("css selector", f"#tile-{FIRST} a.primary")
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=30), tick=True):
        browser.get(home)
        assert "works for" not in browser.page_source
        assert browser.current_url.startswith(url)
