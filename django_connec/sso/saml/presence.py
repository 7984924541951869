"""Third screen: presence. What is absent is checked by nobody, so absence is a refusal; so is another value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django_connec.sso.refusal import Reason, Refused
from django_connec.sso.saml.names import BEARER, SUCCESS, saml, samlp
from django_connec.sso.saml.shape import Answer

__all__ = ["Expected", "demand"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer to one sign-on must say.

    Attributes:
        request_id: The id of our request.
        consume_url: Where it must be addressed to, both as Destination and as Recipient.
        audience: Whom it must be meant for.
        is_issuer: Tells whether an issuer is the identity provider.
    """

    request_id: str
    consume_url: str
    audience: str
    is_issuer: Callable[[str], bool]


def demand(answer: Answer, expected: Expected) -> None:
    """Check that everything which decides is there, with the value that this sign-on expects.

    Raises:
        Refused: Something is not.
    """
    response, assertion = answer.response, answer.assertion
    code = response.find(samlp("Status"))[0]
    _is(Reason.STATUS, code.tag == samlp("StatusCode") and code.get("Value") == SUCCESS)
    for element in (response, assertion):
        _is(Reason.VERSION, element.get("Version") == "2.0")
        _is(Reason.SHAPE, bool(element.get("ID")))
        _is(Reason.TIMES, bool(element.get("IssueInstant")))
        _is(Reason.ISSUER, expected.is_issuer(element.find(saml("Issuer")).text or ""))
    _is(Reason.IN_RESPONSE_TO, response.get("InResponseTo") == expected.request_id)
    _is(Reason.DESTINATION, response.get("Destination") == expected.consume_url)
    _is(Reason.SUBJECT, bool((answer.subject("NameID").text or "").strip()))
    _is(Reason.SUBJECT, answer.subject("SubjectConfirmation").get("Method") == BEARER)
    confirmation = answer.confirmation
    _is(Reason.RECIPIENT, confirmation.get("Recipient") == expected.consume_url)
    _is(Reason.IN_RESPONSE_TO, confirmation.get("InResponseTo") == expected.request_id)
    # A bearer must not carry NotBefore (SAML 2.0 profiles, 4.1.4.2).
    _is(Reason.TIMES, bool(confirmation.get("NotOnOrAfter")) and confirmation.get("NotBefore") is None)
    conditions = answer.conditions
    _is(Reason.TIMES, bool(conditions.get("NotBefore") and conditions.get("NotOnOrAfter")))
    _is(Reason.AUDIENCE, conditions.find(f"{saml('AudienceRestriction')}/{saml('Audience')}").text == expected.audience)


def _is(reason: Reason, true: bool) -> None:
    if not true:
        raise Refused(reason)
