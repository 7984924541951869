"""What the sandbox serves beside the hub's API: the marketplace for applications, and its pages for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from django_connec.sandbox.accounts.api import BASE_PATH, JSON, AccountApi
from django_connec.sandbox.accounts.platform import PATH as PLATFORM
from django_connec.sandbox.accounts.platform import Platform
from django_connec.sandbox.idp import IdentityProvider
from django_connec.sandbox.messages import Request, Response, path_and_query

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SIGN_ON", "Marketplace", "Pages", "is_local"]

#: Where browsers are sent to sign on (Maestrano SDK, URLs); below it sessions are checked.
SIGN_ON = f"{BASE_PATH}auth/saml"


class Pages(Protocol):
    """Pages for people."""

    def owns(self, path: str) -> bool:
        """Tell whether there is a page at a path."""

    def handle(self, request: Request, origin: str) -> Response:
        """Answer a browser."""


class Marketplace:
    """What applications ask of the marketplace, not of the hub: session checks, the account API, configuration."""

    def __init__(self, idp: IdentityProvider, account_api: AccountApi, platform: Platform) -> None:
        self.idp = idp
        self.account_api = account_api
        self.platform = platform

    def owns(self, path: str) -> bool:
        """Tell whether a path is of the marketplace."""
        return path == PLATFORM or path.startswith(BASE_PATH)

    def handle(self, request: Request, origin: str) -> Response:
        """Answer an application.

        Args:
            origin: Scheme and host as the caller sees them.
        """
        path, query = path_and_query(request.target)
        if path == PLATFORM:
            return self.platform.handle(request, origin)
        if path.startswith(f"{SIGN_ON}/"):
            session = parse_qs(query).get("session", [""])[-1]
            return Response(200, self.idp.check(unquote(path.removeprefix(f"{SIGN_ON}/")), session), dict(JSON))
        return self.account_api.handle(request)


def is_local(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser called this machine by a name that nobody else can give it.

    A page elsewhere may let a name of its own lead here, and would then count as the same site.
    """
    return urlsplit(f"//{headers.get('host', '')}").hostname in ("127.0.0.1", "localhost", "::1")
