"""The order of work on an answer. No key is used before the screens."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django_connec.conf import Marketplace
from django_connec.sso.identity import Identity, read_identity
from django_connec.sso.saml.crypto import backend_for
from django_connec.sso.saml.names import Element
from django_connec.sso.saml.presence import Expected, demand
from django_connec.sso.saml.provider import CLOCK_SKEW, judge
from django_connec.sso.saml.shape import screen

__all__ = ["Verified", "verify"]

#: Of the year 9998, which every database can hold in every time zone.
_LAST_SECOND = 253_370_764_799


@dataclass(frozen=True, slots=True)
class Verified:
    """What a good answer says.

    Attributes:
        identity: Who signs on.
        assertion_id: Its id, to be used once.
        expires_at: After this nobody would accept it again.
    """

    identity: Identity
    assertion_id: str
    expires_at: dt.datetime


def verify(root: Element, marketplace: Marketplace, expected: Expected, binary: str | None) -> Verified:
    """Check a parsed answer to one sign-on.

    Args:
        root: What :func:`~django_connec.sso.saml.document.parse` returned.
        marketplace: Whose identity provider must have signed.
        expected: What it must say.
        binary: Path of ``xmlsec1``; ``None`` verifies in this process.

    Raises:
        Refused: With the first reason found.
    """
    answer = screen(root)
    demand(answer, expected)
    backend = backend_for(marketplace, binary)
    backend.verify(answer.signature)
    ends = judge(answer, expected, backend)
    # From here on only what is inside the verified element is read.
    name_id = (answer.subject("NameID").text or "").strip()
    return Verified(
        identity=read_identity(marketplace, name_id, answer.attributes),
        assertion_id=answer.assertion.get("ID"),
        expires_at=dt.datetime.fromtimestamp(min(ends + 2 * CLOCK_SKEW, _LAST_SECOND), tz=dt.UTC),
    )
