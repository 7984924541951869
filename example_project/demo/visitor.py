"""A person with a browser: follows links, redirects and forms, and keeps cookies."""

from __future__ import annotations

from urllib.parse import urljoin

import requests
from lxml import html

from .processes import DemoError

TIMEOUT = 20


class Visitor:
    """One browser.

    Attributes:
        url: Where it is.
        path: The addresses that led there since the last link or form, without queries.
    """

    def __init__(self) -> None:
        self.url = ""
        self.path: list[str] = []
        self._session = requests.Session()
        self._session.trust_env = False

    def open(self, url: str) -> None:
        """Go to an address.

        Raises:
            DemoError: It answers with an error.
        """
        self._show(self._session.get(url, timeout=TIMEOUT))

    def follow(self, link: str) -> None:
        """Click a link, found by XPath."""
        self.open(urljoin(self.url, str(self._find(link).get("href"))))

    def submit(self, form: str) -> None:
        """Send a form, found by XPath, as it stands."""
        found = self._find(form)
        # Pages refuse forms that another site made.
        headers = {"Origin": "/".join(self.url.split("/")[:3]), "Referer": self.url}
        url = urljoin(self.url, str(found.get("action") or ""))
        self._show(self._session.post(url, data=dict(found.form_values()), headers=headers, timeout=TIMEOUT))

    def has(self, element: str) -> bool:
        """Tell whether the page has something, by XPath."""
        return bool(self._page.xpath(element))

    def text(self) -> str:
        """Return the words of the page's main part."""
        return " ".join(self._find("//main").text_content().split())

    def _find(self, element: str) -> html.HtmlElement:
        found = self._page.xpath(element)
        if len(found) != 1:
            raise DemoError(f"{self.url.partition('?')[0]} has {len(found)} elements {element}")
        return found[0]

    def _show(self, response: requests.Response) -> None:
        self.url = response.url
        self.path = [step.url.partition("?")[0] for step in (*response.history, response)]
        if response.status_code != 200:
            raise DemoError(f"{self.path[-1]} answered {response.status_code}")
        self._page = html.fromstring(response.text)
