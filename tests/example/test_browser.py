"""As a new user would: one row changed in the admin of one application, seen in the other and by its operator."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from example_project.demo.steps import SEEN, USER, Demonstration
from tests.services import found

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not found()["chromium"], reason="chromium or chromedriver is not here"),
    pytest.mark.skipif(
        os.environ.get("CONNEC_TEST_DB", "sqlite") != "sqlite", reason="the examples bring databases of their own"
    ),
]


@pytest.fixture
def stage(tmp_path: Any) -> Iterator[Demonstration]:
    demonstration = Demonstration(tmp_path)
    try:
        demonstration.create_databases()
        demonstration.start()
        demonstration.fill_the_hub()
        demonstration.sign_on()
        yield demonstration
    finally:
        demonstration.processes.stop()


def log_in(browser: Any, url: str, password: str) -> None:
    browser.get(f"{url}/admin/login/")
    browser.find_element("name", "username").send_keys(USER)
    browser.find_element("name", "password").send_keys(password)
    browser.find_element("css selector", "input[type=submit]").click()


def wait_for_text(browser: Any, url: str, text: str) -> None:
    ends = time.monotonic() + SEEN
    while True:
        browser.get(url)
        if text in browser.find_element("id", "content").text:
            return
        assert time.monotonic() < ends, f"{url} does not show it"


def test_row_saved_in_one_admin_shows_in_the_other_and_in_the_operators_lists(stage, browser):
    books, desk = stage.books, stage.desk
    log_in(browser, books.url, stage.password)
    row = stage.row(books)
    browser.get(f"{books.url}/admin/books/person/{row['id']}/change/")
    field = browser.find_element("name", "last_name")
    field.clear()
    field.send_keys("Okafor-Lindqvist")
    browser.find_element("name", "_save").click()
    assert "was changed successfully" in browser.find_element("css selector", ".messagelist").text

    log_in(browser, desk.url, stage.password)
    wait_for_text(browser, f"{desk.url}/admin/desk/contact/?q=Okafor-Lindqvist", "Okafor-Lindqvist")
    wait_for_text(browser, f"{desk.url}/admin/django_connec/notification/", "applied")

    # Each application has cookies of its own, so the first sign-in still holds.
    wait_for_text(browser, f"{books.url}/admin/books/person/?q=Okafor-Lindqvist", "in step")
    wait_for_text(browser, f"{books.url}/admin/django_connec/syncrun/", "push")
    wait_for_text(browser, f"{books.url}/admin/django_connec/connecgroup/", "Pelican Freight")
    # Masked: an operator sees that something came, not whose it is.
    browser.get(f"{desk.url}/admin/django_connec/notification/")
    assert "Okafor" not in browser.page_source
