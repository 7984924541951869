"""The sandbox's pages in a real browser: scripts, style and forms within their own content security policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote

import pytest

from tests.sandbox.helpers import APP, GROUP, KEY, ORG
from tests.sandbox.sso import address, authn_request, opened, said
from tests.services import found

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not found()["chromium"], reason="chromium or chromedriver is not here"),
]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    profile = tmp_path_factory.mktemp("chromium")
    for argument in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "window-size=1200,900",
        f"user-data-dir={profile}",
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Any, url: str) -> Iterator[Any]:
    chromium.get(url)
    chromium.delete_all_cookies()
    chromium.get_log("browser")
    yield chromium
    # A page that its own policy stops says so here.
    chromium.get("about:blank")
    complaints = [entry["message"] for entry in chromium.get_log("browser")]
    assert not [message for message in complaints if "Security Policy" in message or "Error:" in message], complaints


def wait(browser: Any, condition: Any) -> Any:
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.ui import WebDriverWait

    # The page changes under whoever looks at it, which is what is waited for; chromium says so in several ways.
    changing = (WebDriverException,)
    return WebDriverWait(browser, 20, poll_frequency=0.05, ignored_exceptions=changing).until(condition)


def shows(browser: Any, text: str) -> None:
    wait(browser, lambda b: text in b.find_element("tag name", "main").text)


class ServiceProvider:
    """An application that sends browsers to sign on and keeps what they bring back."""

    def __init__(self, idp: str) -> None:
        self.answers: list[dict[str, str]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                group = self.path.rpartition("group_id=")[2]
                xml = authn_request(APP, acs=f"{provider.url}/consume")
                self.send_response(302)
                self.send_header("Location", address(xml, f"{idp}/api/v1/auth/saml", group_id=group))
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.answers.append({name: values[0] for name, values in parse_qs(body).items()})
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<main>Welcome</main>")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


@pytest.fixture
def provider(url: str) -> Iterator[ServiceProvider]:
    provider = ServiceProvider(url)
    yield provider
    provider.close()


def test_tile_signs_the_chosen_user_on(hub, url, browser, provider):
    hub.add_application(APP, KEY, name="Pelican Books", host=provider.url)
    ines = hub.add_user(name="Ines", surname="Okafor", groups={GROUP: "Admin"})
    hub.add_user(name="Maud", surname="Heron")
    browser.get(url)
    browser.find_element("css selector", f"#tile-{GROUP} a.primary").click()
    # Nobody is signed in to the marketplace yet.
    browser.find_element("partial link text", "Ines").click()
    shows(browser, "Welcome")
    assert said(opened(provider.answers[0]))["uid"] == ines.uid
    # The next time the browser is known, and the form goes without a click.
    browser.get(url)
    browser.find_element("css selector", f"#tile-{GROUP} a.primary").click()
    shows(browser, "Welcome")
    assert len(provider.answers) == 2


def test_switching_the_user_changes_who_signs_on(hub, url, browser, provider):
    hub.add_application(APP, KEY, host=provider.url)
    hub.add_user(name="Ines", groups={GROUP: "Admin"})
    maud = hub.add_user(name="Maud", surname="Heron")
    browser.get(url)
    browser.find_element("css selector", "#switch-user").send_keys("Maud")
    browser.find_element("css selector", "header form button").click()
    wait(browser, lambda b: b.find_element("css selector", "#switch-user").get_attribute("value") == maud.uid)
    browser.find_element("css selector", f"#tile-{GROUP} a.primary").click()
    shows(browser, "Access denied")
    assert not provider.answers


def test_record_is_edited_and_the_log_goes_on_by_itself(hub, url, browser, api):
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines", "last_name": "Okafor"}])
    browser.get(f"{url}/data/{GROUP}")
    browser.find_element("link text", "people").click()
    browser.find_element("link text", "Ines Okafor").click()
    field = browser.find_element("name", "field:first_name")
    field.clear()
    field.send_keys("Inês")
    browser.find_element("css selector", "main form button.primary").click()
    shows(browser, "Saved.")
    assert hub.get(ORG, "people", "p-1")["first_name"] == "Inês"

    browser.get(f"{url}/activity")
    shows(browser, "None yet.")
    assert api.get("items").status_code == 200
    shows(browser, f"GET /api/v2/{GROUP}/items")


def test_search_finds_while_typing(hub, url, browser):
    hub.load(ORG, "people", [{"first_name": "Ines"}, {"first_name": "Maud"}])
    browser.get(f"{url}/data/{GROUP}/people")
    shows(browser, "Maud")
    browser.find_element("name", "q").send_keys("ine")
    wait(browser, lambda b: "Maud" not in b.find_element("id", "found").text)
    assert "Ines" in browser.find_element("id", "found").text


def test_trouble_is_made_and_ended(hub, url, browser, api):
    browser.get(url)
    browser.find_element("css selector", "button[value=down]").click()
    shows(browser, "Waiting to happen")
    assert api.get("people").status_code == 503
    browser.find_element("xpath", "//button[.='End all trouble']").click()
    wait(browser, lambda b: "Waiting to happen" not in b.find_element("tag name", "main").text)
    assert api.get("people").status_code == 200


def test_form_of_another_site_is_refused(hub, url, browser, provider):
    ines = hub.add_user(name="Ines", groups={GROUP: "Admin"})
    content = f"<main><form method=post action='{url}/people/{ines.uid}/sign-out'><button>Win</button></form></main>"
    browser.get(f"data:text/html,{quote(content)}")
    browser.find_element("tag name", "button").click()
    shows(browser, "not sent from a page of the sandbox")
    assert hub.accounts.user(ines.uid).sso_session == ines.sso_session


@pytest.mark.parametrize("width", [360, 1200])
def test_every_field_has_a_label_and_no_page_scrolls_sideways(hub, url, browser, width):
    hub.add_user(name="Ines", groups={GROUP: "Admin"})
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines", "last_name": "x" * 60}])
    browser.set_window_size(width, 900)
    try:
        for path in (
            "/",
            "/people",
            "/activity",
            f"/data/{GROUP}",
            f"/data/{GROUP}/people",
            f"/data/{GROUP}/people/p-1",
        ):
            browser.get(url + path)
            unnamed = browser.execute_script(
                "return [...document.querySelectorAll('input:not([type=hidden]), select, textarea')]"
                ".filter(e => !e.labels.length || !e.labels[0].firstChild.textContent.trim()).map(e => e.name)"
            )
            assert unnamed == [], path
            wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert browser.execute_script(wide) <= 0, path
            assert browser.execute_script("return document.querySelectorAll('h1').length") == 1
    finally:
        browser.set_window_size(1200, 900)
