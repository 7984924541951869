"""What verifying a sign-on costs: in this process, and with the xmlsec1 program where it is found."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable

ROUNDS = 40


def measure(say: Callable[[str, str, str], None]) -> None:
    from django.test import override_settings

    from benchmarks.measure import timed
    from django_connec.conf import get_marketplace
    from django_connec.sso.saml import document
    from django_connec.sso.saml.consume import verify
    from django_connec.sso.saml.crypto import backend_for
    from django_connec.sso.saml.presence import Expected
    from django_connec.sso.saml.shape import screen
    from tests.sso.idp import AuthnRequest, Idp, key_pair
    from tests.sso.places import CONSUME, SIGN_ON, connec

    with override_settings(CONNEC=connec()):
        place = get_marketplace("default")
        request = AuthnRequest("_request", "app-1a2b", f"https://books.example{CONSUME}", SIGN_ON, None)
        expected = Expected(request.id, request.consume_url, "https://books.example/", lambda value: value == SIGN_ON)
        answer = Idp(key_pair("idp")).answer(request)

        def signature(binary: str | None) -> float:
            parsed = screen(document.parse(answer))
            return timed(lambda: backend_for(place, binary).verify(parsed.signature))

        def whole(binary: str | None) -> float:
            return timed(lambda: verify(document.parse(answer), place, expected, binary))

        def median(work: Callable[[str | None], float], binary: str | None) -> float:
            return statistics.median(work(binary) for _ in range(ROUNDS))

        whole(None)
        ours, ours_whole = median(signature, None), median(whole, None)
        say("sign-on: verify the signature, in process", f"{ours * 1000:.2f} ms", "< 5 ms")
        say("sign-on: verify the whole answer, in process", f"{ours_whole * 1000:.2f} ms", "")
        binary = shutil.which("xmlsec1")
        if binary is None:
            say("sign-on: with the xmlsec1 program", "NOT found", "")
            return
        theirs, theirs_whole = median(signature, binary), median(whole, binary)
        say("sign-on: signature, program / in process", f"{theirs / ours:.1f}", ">= 10")
        say("sign-on: whole answer, program / in process", f"{theirs_whole / ours_whole:.1f}", "")
