"""This application as pysaml2's service provider: configuration, the request, and the judgement of an answer."""

from __future__ import annotations

import base64
import contextlib
import contextvars
import functools
import logging
from collections.abc import Iterator
from typing import Any

from lxml import etree
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig

from django_connec.sso.refusal import Reason, Refused
from django_connec.sso.saml.crypto import PinnedBackend
from django_connec.sso.saml.names import ASSERTION, PERSISTENT, PROTOCOL
from django_connec.sso.saml.presence import Expected
from django_connec.sso.saml.shape import Answer

__all__ = ["authn_request", "judge"]

#: Seconds that the identity provider's clock may be off.
CLOCK_SKEW = 60

_quiet = contextvars.ContextVar("connec_saml_quiet", default=False)


def authn_request(*, api_id: str, consume_url: str, sign_on_url: str, request_id: str) -> str:
    """Return the address, with the SAMLRequest, to which the browser is sent.

    The identity provider finds the issuer by a pattern: the prefix must be literally ``saml:`` (Maestrano SDK,
    AuthnRequest).

    Args:
        api_id: The issuer.
        consume_url: Where the answer is to be sent.
        sign_on_url: The identity provider's address.
        request_id: The request's id, which the answer must repeat.
    """
    with _silence():
        client = Saml2Client(_config(api_id, consume_url))
        _, request = client.create_authn_request(
            sign_on_url,
            binding=BINDING_HTTP_POST,
            nameid_format=PERSISTENT,
            allow_create="true",
            message_id=request_id,
            sign=False,
            nsprefix={"saml": ASSERTION, "samlp": PROTOCOL},
        )
        info = client.apply_binding(BINDING_HTTP_REDIRECT, str(request), sign_on_url, "", sign=False)
    return str(dict(info["headers"])["Location"])


def judge(answer: Answer, expected: Expected, backend: PinnedBackend) -> int:
    """Let pysaml2 decide on times, audience, recipient and request of a verified answer.

    Returns:
        Seconds since 1970 at which the assertion ends.

    Raises:
        Refused: It does not accept the answer, or accepts another one than was verified.
    """
    # Serialised by the parser that verified it: both read the same document, whatever the original looked like.
    text = base64.b64encode(etree.tostring(answer.response, encoding="utf-8")).decode()
    with _silence():
        client = Saml2Client(_config(expected.audience, expected.consume_url))
        client.sec.crypto = backend
        client.sec.metadata = _PinnedMetadata(expected)
        try:
            response = client.parse_authn_request_response(
                text,
                BINDING_HTTP_POST,
                outstanding={expected.request_id: "/"},
                # Without it the Recipient is not compared.
                conv_info={"binding": BINDING_HTTP_POST},
            )
        except Refused:
            raise
        except Exception:
            # It raises what its parts raise, AttributeError among them; the messages hold the document.
            raise Refused(Reason.JUDGEMENT) from None
        # A wrong Destination raises nothing.
        if not response or response.assertion is None or response.name_id is None or not response.ava:
            raise Refused(Reason.JUDGEMENT)
        name_id = (answer.subject("NameID").text or "").strip()
        if response.assertion.id != answer.assertion.get("ID") or (response.name_id.text or "").strip() != name_id:
            raise Refused(Reason.JUDGEMENT)
        return int(response.not_on_or_after)


class _PinnedMetadata:
    """All that pysaml2 may know about identity providers: this one, whose key the back-end has."""

    def __init__(self, expected: Expected) -> None:
        self._expected = expected

    def certs(self, entity_id: str, descriptor: str, use: str = "signing") -> list[tuple[str, Any]]:
        return [("pinned", _Pinned)] if self._expected.is_issuer(entity_id) else []


class _Pinned:
    #: Stands for a file: the back-end reads no certificate from where it is told to.
    name = "pinned"


@functools.lru_cache(maxsize=256)
def _config(entity_id: str, consume_url: str) -> SPConfig:
    return SPConfig().load(
        {
            "entityid": entity_id,
            # A placeholder that never looks for a program; forgotten, it refuses everything.
            "crypto_backend": "XMLSecurity",
            "only_use_keys_in_metadata": True,
            # Or the attributes come back empty.
            "allow_unknown_attributes": True,
            "accepted_time_diff": CLOCK_SKEW,
            "service": {
                "sp": {
                    "endpoints": {"assertion_consumer_service": [(consume_url, BINDING_HTTP_POST)]},
                    "allow_unsolicited": False,
                    "authn_requests_signed": False,
                    "want_assertions_or_response_signed": True,
                    "want_assertions_signed": False,
                    "want_response_signed": False,
                }
            },
        }
    )


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not _quiet.get()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep pysaml2 from logging: it writes whole documents, at ERROR when something is wrong.

    Only here and now: another use of pysaml2 in the same process keeps its log.
    """
    for name in list(logging.Logger.manager.loggerDict):
        if name.partition(".")[0] in ("saml2", "xmlschema", "xmlsec"):
            logger = logging.getLogger(name)
            if not any(isinstance(entry, _Filter) for entry in logger.filters):
                logger.addFilter(_Filter())
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
