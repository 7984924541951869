"""The Django admin, used over HTTP as a browser would."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import requests

from .processes import DemoError

TIMEOUT = 20


class Admin:
    """A signed-in session in one application's admin.

    Raises:
        DemoError: The user is not let in.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = f"{url}/admin"
        self._session = requests.Session()
        self._session.trust_env = False
        page = self._session.get(f"{self._url}/login/", timeout=TIMEOUT)
        values = {**_Form.read(page.text, "login-form"), "username": user, "password": password}
        answer = self._session.post(page.url, data=values, timeout=TIMEOUT, allow_redirects=False)
        if answer.status_code != 302:
            raise DemoError(f"{self._url} did not let {user} in")

    def change(self, model: str, pk: int, **values: str) -> None:
        """Open the form of a row (``model`` as in ``books/person``), change some fields and save it.

        Raises:
            DemoError: The form was not accepted.
        """
        url = f"{self._url}/{model}/{pk}/change/"
        form = _Form.read(self._session.get(url, timeout=TIMEOUT).text, f"{model.rpartition('/')[2]}_form")
        unknown = values.keys() - form.keys()
        if unknown:
            raise DemoError(f"{url} has no field {', '.join(sorted(unknown))}")
        answer = self._session.post(url, data={**form, **values}, timeout=TIMEOUT, allow_redirects=False)
        if answer.status_code != 302:
            raise DemoError(f"{url} was not saved ({answer.status_code})")

    def standing(self, model: str, search: str) -> str:
        """Return what the list says in its column "Connec!" of the row that is found."""
        page = self._session.get(f"{self._url}/{model}/", params={"q": search}, timeout=TIMEOUT).text
        cells = re.findall(r'<td class="field-connec_status">(.*?)</td>', page)
        if len(cells) != 1:
            raise DemoError(f'{self._url}/{model}/ shows {len(cells)} rows for "{search}"')
        return unescape(cells[0])


class _Form(HTMLParser):
    """Collects what a form would send if it were submitted unchanged."""

    def __init__(self, id: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._id = id
        self._inside = False
        self._select = ""
        self._textarea = ""

    @classmethod
    def read(cls, page: str, id: str) -> dict[str, str]:
        parser = cls(id)
        parser.feed(page)
        if not parser.values:
            raise DemoError(f'the page has no form "{id}"')
        return parser.values

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("id") == self._id
        if not self._inside:
            return
        name = given.get("name", "")
        if tag == "input" and name and given.get("type") != "submit":
            if given.get("type") != "checkbox" or "checked" in given:
                self.values[name] = given.get("value", "on" if given.get("type") == "checkbox" else "")
        elif tag == "select":
            self._select = name
            self.values[name] = ""
        elif tag == "option" and "selected" in given and self._select:
            self.values[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._textarea = name
            self.values[name] = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""
