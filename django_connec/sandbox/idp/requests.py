"""An AuthnRequest, read by the rules of Maestrano's identity provider (Maestrano SDK, AuthnRequest, exact form)."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass
from urllib.parse import parse_qsl

from django_connec.sandbox.messages import path_and_query

__all__ = ["SignOnRequest", "UnreadableRequest", "read_request"]

#: Inflated, an AuthnRequest has about 700 bytes.
MAX_BYTES = 65_536

# It reads by pattern: the prefix has to be literally saml:, the element on one line, and the first of each counts.
# Either quote does: Ruby's XML writer has single ones.
ISSUER = re.compile(r"<saml:Issuer\s?.*>(.*)</saml:Issuer>")
ID = re.compile(r"""ID=['"](.+?)['"]""")
CONSUME_URL = re.compile(r"""AssertionConsumerServiceURL=['"](.+?)['"]""")


class UnreadableRequest(ValueError):
    """There is no AuthnRequest in the address, or it does not say where the answer goes."""


@dataclass(frozen=True, slots=True)
class SignOnRequest:
    """What an application asked for.

    Attributes:
        issuer: The application's API id; empty where the patterns do not find it.
        consume_url: Where the answer goes, as it stands in the XML: entities are not resolved.
        address: The whole address that the browser called.
        parameters: What stands in the query beside the request.
    """

    id: str
    issuer: str
    consume_url: str
    address: str
    parameters: dict[str, str]


def read_request(address: str) -> SignOnRequest:
    """Read the address that an application sends the browser to.

    Raises:
        UnreadableRequest: See there.
    """
    pairs = parse_qsl(path_and_query(address)[1], keep_blank_values=True)
    # The last of two counts, as in Rails.
    parameters = dict(pairs)
    xml = _inflate(parameters.pop("SAMLRequest", ""))
    id, consume_url, issuer = ID.search(xml), CONSUME_URL.search(xml), ISSUER.search(xml)
    if id is None or consume_url is None:
        raise UnreadableRequest("The SAMLRequest has no ID or no AssertionConsumerServiceURL.")
    if not consume_url[1].startswith(("http://", "https://")):
        raise UnreadableRequest("The AssertionConsumerServiceURL is no address of the web.")
    return SignOnRequest(id[1], issuer[1] if issuer else "", consume_url[1], address, parameters)


def _inflate(encoded: str) -> str:
    if not encoded:
        raise UnreadableRequest("There is no SAMLRequest in the address.")
    try:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        # Ruby's encoder breaks lines, and the SDK leaves them in.
        packed = "".join(encoded.split())
        content = inflater.decompress(base64.b64decode(packed, validate=True), MAX_BYTES)
        if not inflater.eof:
            raise UnreadableRequest("The SAMLRequest is too long, or its end is missing.")
        return content.decode()
    except (ValueError, zlib.error) as error:
        if isinstance(error, UnreadableRequest):
            raise
        raise UnreadableRequest("The SAMLRequest is not deflated and base64.") from None
