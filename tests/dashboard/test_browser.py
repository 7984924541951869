"""As the customer's own administrator would: switches on his page, with a real browser and the hub behind it."""

from __future__ import annotations

import pytest

from django_connec.work import import_one
from tests.app.models import Person
from tests.conftest import ORG, drain
from tests.services import found

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not found()["chromium"], reason="chromium or chromedriver is not here"),
]


def box(driver, name):
    return driver.find_element("name", name)


def sees(driver, words):
    """Wait for the page that says this: a click returns before the next page is here."""
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.ui import WebDriverWait

    ignored = (WebDriverException,)
    waiting = WebDriverWait(driver, 15, poll_frequency=0.05, ignored_exceptions=ignored)
    return waiting.until(lambda d: words in d.find_element("id", "content").text, f"the page does not say: {words}")


def test_switching_a_resource_off_and_on(live_server, browser, customer, group, company, hub, work):
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines"}])
    import_one(group)
    drain(group)
    browser.get(f"{live_server.url}/robots.txt")
    browser.add_cookie({"name": "sessionid", "value": customer.cookies["sessionid"].value})
    browser.get(f"{live_server.url}/maestrano/sharing/")
    assert sees(browser, "Data sharing of Pelican Freight")
    for name in ("pull:people", "push:people"):
        assert box(browser, name).is_selected()
        assert box(browser, name).accessible_name.startswith("Persons: from")
        box(browser, name).click()
    browser.find_element("id", "save").click()
    assert sees(browser, "Saved.")
    group.refresh_from_db()
    assert group.entities["people"] == {"pull": False, "push": False}
    hub.update(ORG, "people", "p-1", last_name="Okafor")
    Person.objects.create(company=company, first_name="Tomas")
    work()
    assert not Person.objects.filter(last_name="Okafor").exists()
    for name in ("pull:people", "push:people"):
        assert not box(browser, name).is_selected()
        box(browser, name).click()
    browser.find_element("id", "save").click()
    assert sees(browser, "will be shared in a moment")
    assert sees(browser, "A synchronisation will begin in a moment.")
    work()
    assert Person.objects.filter(last_name="Okafor").exists()
    assert {r["first_name"] for r in hub.records(ORG, "people")} == {"Ines", "Tomas"}
    browser.refresh()
    assert sees(browser, "The last synchronisation went through.")
    hub.load(ORG, "people", [{"first_name": "Aroha"}])
    browser.find_element("id", "start").click()
    assert sees(browser, "The synchronisation will begin in a moment.")
    work()
    assert Person.objects.filter(first_name="Aroha").exists()
    box(browser, "sharing_enabled").click()
    browser.find_element("id", "save").click()
    assert sees(browser, "Sharing is off.")
    assert not browser.find_elements("id", "start")
    group.refresh_from_db()
    assert not group.is_linked
