"""A browser at an application that one identity provider vouches to."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client, override_settings

from tests.sso.idp import AuthnRequest, Idp, key_pair, pack
from tests.sso.places import CONSUME, INIT, connec


@dataclass
class Browser:
    """One browser, and how long the application took for its last answer."""

    idp: Idp
    client: Client = field(default_factory=lambda: Client(SERVER_NAME="books.example", raise_request_exception=True))
    took: float = 0.0

    def begin(self, path: str = INIT, **query: str) -> AuthnRequest:
        response = self.client.get(path, query, secure=True)
        assert response.status_code == 302, response.content
        return AuthnRequest.read(response["Location"])

    def post(self, document: bytes | str, path: str = CONSUME, **more: Any) -> Any:
        value = pack(document) if isinstance(document, bytes) else document
        started = time.perf_counter()
        response = self.client.post(path, {"SAMLResponse": value, **more}, secure=True)
        self.took = time.perf_counter() - started
        return response

    def sign_on(self, **changed: Any) -> Any:
        return self.post(self.idp.answer(self.begin(), **changed))

    @property
    def is_signed_on(self) -> bool:
        return "_auth_user_id" in self.client.session

    @property
    def user(self) -> Any:
        from django.contrib.auth import get_user_model

        return get_user_model().objects.get(pk=self.client.session["_auth_user_id"])


@pytest.fixture
def idp() -> Idp:
    return Idp(key_pair("idp"))


def binaries() -> list[Any]:
    # What a signature is worth does not depend on the database: once is enough for the slow program.
    found = shutil.which("xmlsec1") if os.environ.get("CONNEC_TEST_DB", "sqlite") == "sqlite" else None
    return [pytest.param(None, id="in-process"), *([pytest.param(found, id="xmlsec1")] if found else [])]


@pytest.fixture(params=binaries())
def either(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both ways to compute signatures, the program where it is found."""
    top = {"SSO_XMLSEC1_BINARY": request.param} if request.param else {}
    with override_settings(CONNEC=connec(top)):
        yield


@pytest.fixture
def browser(idp: Idp, db: None) -> Iterator[Browser]:
    from django.conf import settings

    if "SSO_X509_CERTIFICATE" in settings.CONNEC["MARKETPLACES"]["default"]:
        yield Browser(idp)
        return
    with override_settings(CONNEC=connec()):
        yield Browser(idp)
