"""Makes the pictures of the sandbox's pages that its documentation shows: ``make screenshots``.

They are not kept in the repository: a page shows them where they have been made.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import django
import requests

HERE = Path(__file__).resolve().parent
NAMES = ("Maud Heron", "Ines Okafor", "Jun Abe", "Lior Katz", "Nadia Petrov", "Tomas Ruiz")


@contextmanager
def served() -> Iterator[tuple[Any, str]]:
    from django_connec.sandbox import SandboxHub

    with SandboxHub(delay=0, attempts=1) as hub:
        hub.add_application("app-books", "first", name="Pelican Books", host="http://127.0.0.1:9")
        hub.add_application("app-desk", "second", name="Otter Desk", host="http://127.0.0.1:9")
        for uid, api_id in (("cld-books", "app-books"), ("cld-desk", "app-desk")):
            hub.add_group(uid, api_id=api_id, org="org-1", name="Pelican Freight")
        hub.add_user(name="Ines", surname="Okafor", email="ines@pelican.example", groups={"cld-books": "Admin"})
        people = [dict(zip(("first_name", "last_name"), name.split(), strict=True)) for name in NAMES]
        hub.load("org-1", "people", people)
        with hub.serve() as url:
            requests.get(f"{url}/api/v2/cld-books/people", auth=("app-books", "first"), timeout=10)
            yield hub, url


@contextmanager
def browsing() -> Iterator[Any]:
    from selenium import webdriver

    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        for argument in ("headless", "no-sandbox", "disable-gpu", "window-size=1100,760", f"user-data-dir={profile}"):
            options.add_argument(f"--{argument}")
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        try:
            yield browser
        finally:
            browser.quit()


def main() -> int:
    if which("chromium") is None or which("chromedriver") is None:
        sys.stderr.write("chromium and chromedriver are needed\n")
        return 1
    sys.path.insert(0, str(HERE.parent))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    target = HERE / "_static"
    target.mkdir(exist_ok=True)
    from selenium.webdriver.support.ui import WebDriverWait

    with served() as (hub, url), browsing() as browser:
        record = hub.records("org-1", "people")[0]["id"]
        browser.get(url)
        WebDriverWait(browser, 10).until(lambda b: b.find_elements("css selector", "#calls"))
        for name, path in (
            ("sandbox-market", "/"),
            ("sandbox-data", "/data/cld-books/people"),
            ("sandbox-record", f"/data/cld-books/people/{record}"),
        ):
            if path != "/":
                browser.get(url + path)
            browser.save_screenshot(str(target / f"{name}.png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
