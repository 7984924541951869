"""First screen: bytes. What passes is one small, plain UTF-8 document, parsed once, without looking at any key."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from lxml import etree

from django_connec.sso.refusal import Reason, Refused
from django_connec.sso.saml.names import Element

__all__ = ["MAX_BYTES", "decode", "parse"]

MAX_BYTES = 64 * 1024
MAX_ELEMENTS = 500
# Inclusive canonicalisation repeats every declaration in scope at every element.
MAX_NAMESPACES = 100

_BLANK = str.maketrans("", "", "\r\n\t ")
_DECLARATION = re.compile(rb"<\?xml\s[^<>?]*\?>")
_OTHER_ENCODING = re.compile(rb"""encoding\s*=\s*["'](?!utf-8["'])""", re.IGNORECASE)


def decode(value: str) -> bytes:
    """Return the document that a form field holds (HTTP-POST binding: base64, never deflated).

    Raises:
        Refused: It is too long, no strict base64, no UTF-8, or does not start like XML.
    """
    if len(value) > MAX_BYTES * 3 // 2:
        raise Refused(Reason.BODY)
    # Ruby's encoder breaks lines.
    packed = value.translate(_BLANK)
    try:
        plain = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(Reason.ENCODING) from None
    # Two texts that decode to the same bytes would be two documents to whoever compares texts.
    if base64.b64encode(plain).decode() != packed or not plain.startswith(b"<"):
        raise Refused(Reason.ENCODING)
    if len(plain) > MAX_BYTES:
        raise Refused(Reason.BODY)
    try:
        plain.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(Reason.ENCODING) from None
    return plain


def parse(plain: bytes) -> Element:
    """Return the root of a decoded document.

    Raises:
        Refused: It declares another encoding, is not well-formed, is too complex, or holds a DTD, a comment, a CDATA
            section or a processing instruction.
    """
    declaration = _DECLARATION.match(plain)
    if declaration is not None:
        if _OTHER_ENCODING.search(declaration[0]):
            raise Refused(Reason.ENCODING)
        plain = plain[declaration.end() :]
    # "<" is never part of a value in well-formed XML, so this finds markup only.
    if b"<!" in plain or b"<?" in plain:
        raise Refused(Reason.MARKUP)
    if plain.count(b"xmlns") > MAX_NAMESPACES or plain.count(b"<") > 2 * MAX_ELEMENTS:
        raise Refused(Reason.TOO_COMPLEX)
    try:
        root = etree.fromstring(plain, _parser())
    except etree.XMLSyntaxError:
        raise Refused(Reason.NOT_XML) from None
    count = 0
    for node in root.iter():
        count += 1
        if not isinstance(node.tag, str):
            raise Refused(Reason.MARKUP)
    if count > MAX_ELEMENTS:
        raise Refused(Reason.TOO_COMPLEX)
    return root


def _parser() -> Any:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        attribute_defaults=False,
        collect_ids=False,
        huge_tree=False,
    )
