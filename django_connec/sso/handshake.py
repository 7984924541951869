"""The sign-ons that a browser has begun: a signed cookie of our own, which binds an answer to this browser.

The session's cookie cannot do it: it is ``SameSite=Lax`` by default, so a browser leaves it out when the identity
provider's page posts the answer.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from django_connec.conf import Marketplace
from django_connec.sso import spent
from django_connec.sso.addresses import LOCAL_HOSTS
from django_connec.sso.refusal import Reason, Refused

__all__ = ["COOKIE", "Handshake", "Pending", "digest"]

COOKIE = "connec_sign_on"
#: Seconds that a user may take at the identity provider.
LIFETIME = 60 * 60
#: Tabs that may sign on at once; the oldest gives way.
MAX_PENDING = 5
# A browser drops a cookie of more than 4096 bytes with its name and attributes.
MAX_COOKIE = 3500
_SALT = "django_connec.sso.handshake"


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-on that was begun and not yet answered.

    Attributes:
        marketplace: Where.
        request_id: The id that the answer must repeat.
        issuer: Digest of the issuer that an answer to this very request may carry.
        next: Where the user wanted to go; empty: nowhere in particular.
        at: When, in seconds since 1970.
    """

    marketplace: str
    request_id: str
    issuer: str
    next: str
    at: int


class Handshake:
    """A browser's pending sign-ons.

    Args:
        pending: Oldest first.
    """

    def __init__(self, pending: list[Pending]) -> None:
        self._pending = pending

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Return what a request's cookie says; nothing where it is missing, forged or too old."""
        try:
            raw: Any = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=LIFETIME)
            pending = [Pending(*entry) for entry in raw]
        except (signing.BadSignature, TypeError, ValueError):
            pending = []
        return cls([entry for entry in pending if entry.at > time.time() - LIFETIME])

    def add(self, pending: Pending) -> None:
        """Remember one more."""
        self._pending = [*self._pending, pending][-MAX_PENDING:]

    def spend(self, marketplace: Marketplace, request_id: str | None) -> Pending:
        """Use up the sign-on that an answer belongs to, whether the answer is good or bad.

        An answer that names none of this browser's uses up all of them: it was the first answer to one of them.

        Args:
            marketplace: Where the answer came in.
            request_id: The one that it names; ``None`` where it cannot be read.

        Raises:
            Refused: It is not this browser's, or had its answer before.
        """
        mine = [entry for entry in self._pending if entry.marketplace == marketplace.name]
        named = [entry for entry in mine if entry.request_id == request_id]
        used = named or mine
        self._pending = [entry for entry in self._pending if entry not in used]
        is_first = [spent.spend("request", marketplace.name, e.request_id, seconds=LIFETIME) for e in used]
        if not named:
            raise Refused(Reason.UNKNOWN_REQUEST)
        if not all(is_first):
            raise Refused(Reason.SPENT_REQUEST)
        return named[0]

    def store(self, response: HttpResponseBase, marketplace: Marketplace, path: str) -> None:
        """Set the cookie, or delete it where nothing is pending.

        Args:
            response: What is answered.
            marketplace: Whose ``APP_HOST`` says whether the browser is on https.
            path: Of the pages that take answers.
        """
        secure = not _is_plain(marketplace)
        # Without https a browser takes no SameSite=None; without the attribute it lets young cookies through.
        samesite: Any = "None" if secure else None
        if not self._pending:
            response.delete_cookie(COOKIE, path=path, samesite=samesite)
            return
        value = self._dump()
        while len(value) > MAX_COOKIE and len(self._pending) > 1:
            self._pending = self._pending[1:]
            value = self._dump()
        if len(value) > MAX_COOKIE:
            self._pending = [replace(self._pending[0], next="")]
            value = self._dump()
        response.set_cookie(COOKIE, value, max_age=LIFETIME, path=path, secure=secure, httponly=True, samesite=samesite)

    def _dump(self) -> str:
        return signing.dumps([list(asdict(entry).values()) for entry in self._pending], salt=_SALT, compress=True)


def digest(issuer: str) -> str:
    """Return the short form in which a cookie holds an issuer."""
    return hashlib.sha256(issuer.encode()).hexdigest()


def matches(issuer: str, digest_: str) -> bool:
    """Tell whether an issuer is the one of this digest."""
    return hmac.compare_digest(digest(issuer), digest_)


def _is_plain(marketplace: Marketplace) -> bool:
    parts = urlsplit(marketplace.app_host or "")
    return parts.scheme == "http" and (settings.DEBUG or parts.hostname in LOCAL_HOSTS)
