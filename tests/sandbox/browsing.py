"""A browser before the sandbox's pages."""

from __future__ import annotations

import html
import re

import requests

from tests.sandbox.helpers import APP
from tests.sandbox.sso import authn_request, packed


class Browser(requests.Session):
    """Sends what browsers send with a form: where it came from."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trust_env = False
        self.url = url

    def see(self, path: str, expected: int = 200, **options) -> str:
        answer = self.get(self.url + path, timeout=10, **options)
        assert answer.status_code == expected, answer.text
        return answer.text

    def submit(self, path: str, expected: int = 200, origin: str | None = None, **fields) -> str:
        headers = {"Origin": origin or self.url}
        answer = self.post(self.url + path, data=fields, headers=headers, timeout=10)
        assert answer.status_code == expected, answer.text
        return answer.text


def hidden(page: str) -> dict[str, str]:
    """The fields of the form that posts an answer."""
    found = re.findall(r'<input type="hidden" name="(SAMLResponse|RelayState)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


def sign_on(issuer: str = APP, **parameters: str) -> tuple[str, dict[str, str]]:
    """Path and query of a sign-on."""
    return "/api/v1/auth/saml", {"SAMLRequest": packed(authn_request(issuer)), **parameters}
