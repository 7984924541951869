"""Random edits of good answers: whatever is signed on is who was signed, or nobody.

``CONNEC_SSO_MUTATIONS`` says how many (default 2000), ``CONNEC_SSO_SEED`` where chance begins.
"""

from __future__ import annotations

import collections
import os
import random
import time

import pytest
from django.test import override_settings
from lxml import etree

from django_connec.conf import get_marketplace
from django_connec.sso.refusal import Refused
from django_connec.sso.saml import document
from django_connec.sso.saml.consume import verify
from django_connec.sso.saml.presence import Expected
from tests.sso.conftest import Browser
from tests.sso.idp import NS, AuthnRequest, Idp, clone, key_pair
from tests.sso.places import CONSUME, SIGN_ON, connec

COUNT = int(os.environ.get("CONNEC_SSO_MUTATIONS", "2000"))
SEED = int(os.environ.get("CONNEC_SSO_SEED", "20261124"))

SNIPPETS = [
    b"<", b">", b"&", b'"', b"/", b" ", b"\t", b"\n", b"\r", b"\0", b"\xff", b"\xc3", b"<!-- x -->", b"<?x y?>",
    b"&#0;", b"&#13;", b"&#x41;", b"&amp;",
    b"<![CDATA[x]]>", b"usr-evil", b"cld-evil", b"<x/>", b' ID="_x"', b' Id="_x"',
    b' xmlns="urn:x"', b' xmlns:saml="urn:x"', b"<saml:Issuer>x</saml:Issuer>", b"</saml:Assertion>", b"<ds:Object/>",
    b'<saml:Attribute Name="uid"><saml:AttributeValue>usr-evil</saml:AttributeValue></saml:Attribute>',
]  # fmt: skip


def edit_bytes(text: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(text))
    kind = chance.randrange(5)
    if kind == 0:
        return text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]
    if kind == 1:
        return text[:at] + chance.choice(SNIPPETS) + text[at:]
    other = chance.randrange(len(text))
    low, high = sorted((at, other))
    if kind == 2:
        return text[:low] + text[min(high, low + chance.randrange(1, 200)) :]
    if kind == 3:
        return text[:high] + text[low : low + chance.randrange(1, 400)] + text[high:]
    values = [b"usr-4c1", b"cld-7p2k", b"Admin", b"ines@pelican.example", b"books.example", b"_"]
    old = chance.choice(values)
    return text.replace(old, old[::-1] + b"x", chance.randrange(1, 4))


def edit_tree(text: bytes, chance: random.Random) -> bytes:
    try:
        root = etree.fromstring(text)
    except etree.XMLSyntaxError:
        return text
    elements = list(root.iter())
    one, other = chance.choice(elements), chance.choice(elements)
    kind = chance.randrange(7)
    try:
        if kind == 0 and one is not root:
            one.getparent().remove(one)
        elif kind == 1:
            other.insert(chance.randrange(len(other) + 1), clone(one))
        elif kind == 2 and one is not root:
            other.insert(chance.randrange(len(other) + 1), one)
        elif kind == 3:
            one.text = other.text
        elif kind == 4 and one.attrib:
            one.set(
                chance.choice(list(one.attrib)), chance.choice(["", "x", "usr-evil", "2.0", *other.attrib.values()])
            )
        elif kind == 5:
            one.tag = other.tag
        elif one.attrib:
            del one.attrib[chance.choice(list(one.attrib))]
        # Wrapping: a copy for somebody else, with ids of its own, somewhere in the document.
        if chance.random() < 0.15:
            for assertion in root.findall(".//saml:Assertion", NS)[:1]:
                bad = clone(assertion)
                bad.set("ID", chance.choice(["_evil", bad.get("ID") or ""]))
                for value in bad.iter(f"{{{NS['saml']}}}NameID", f"{{{NS['saml']}}}AttributeValue"):
                    value.text = (value.text or "").replace("usr-4c1", "usr-evil")
                chance.choice(list(root.iter())).insert(0, bad)
    except ValueError:
        return text
    return bytes(etree.tostring(root))


def test_no_edit_signs_on_anybody_else() -> None:
    chance = random.Random(SEED)
    keys = key_pair("idp")
    outcomes: collections.Counter[str] = collections.Counter()
    slowest = 0.0
    with override_settings(CONNEC=connec()):
        place = get_marketplace("default")
        request = _request()
        expected = Expected(request.id, request.consume_url, "https://books.example/", lambda value: value == SIGN_ON)
        answers = [Idp(keys, signs=signs).answer(request) for signs in ("Assertion", "Response")]
        genuine = [verify(document.parse(answer), place, expected, None).identity for answer in answers]
        for number in range(COUNT):
            text = answers[number % 2]
            for _ in range(chance.choice((1, 1, 1, 2, 3))):
                text = (edit_tree if chance.random() < 0.5 else edit_bytes)(text, chance)
            # The processor's time: in a long run the machine does other things too.
            started = time.process_time()
            try:
                found = verify(document.parse(text), place, expected, None)
            except Refused as refusal:
                outcomes[refusal.reason.value] += 1
            else:
                # Only what is not signed may differ.
                assert found.identity.attributes == genuine[number % 2].attributes, (SEED, number)
                assert found.identity.user == genuine[number % 2].user, (SEED, number)
                assert found.identity.group == genuine[number % 2].group, (SEED, number)
                outcomes["same user"] += 1
            slowest = max(slowest, time.process_time() - started)
    print(f"{COUNT} edits, seed {SEED}, slowest {slowest * 1000:.0f} ms: {dict(outcomes.most_common())}")
    assert slowest < 1.0
    # Edits that never reach the signature would prove nothing about it.
    assert outcomes["signature"] > COUNT / 40
    assert len(outcomes) > 8


@pytest.mark.parametrize("part", range(4))
def test_whole_way_with_edits(browser: Browser, part: int) -> None:
    """The same through the page, with a good answer after each twenty."""
    chance = random.Random(SEED + part + 1)
    for number in range(max(COUNT // 80, 20)):
        text = browser.idp.answer(browser.begin())
        # The last edit is one of what is signed.
        text = edit_tree(edit_bytes(text, chance), chance)
        response = browser.post(text)
        assert response.status_code in (302, 400, 403)
        if browser.is_signed_on:
            assert browser.user.connec_identities.get().uid == "usr-4c1"
            browser.client.logout()
        if number % 20 == 0:
            assert browser.sign_on().status_code == 302
            browser.client.logout()


def _request() -> AuthnRequest:
    return AuthnRequest("_request", "app-1a2b", f"https://books.example{CONSUME}", SIGN_ON, None)
