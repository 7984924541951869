"""The settings and addresses of sign-on in the tests."""

from __future__ import annotations

from typing import Any

from tests.sso.idp import key_pair

APP = "https://books.example"
IDP = "https://api-hub.example"
SIGN_ON = f"{IDP}/api/v1/auth/saml"
CONSUME = "/maestrano/auth/saml/consume"
INIT = "/maestrano/auth/saml/init"


def marketplace(**changed: Any) -> dict[str, Any]:
    return {
        "API_ID": "app-1a2b",
        "API_KEY": "key of the first",
        "CONNEC_HOST": "http://127.0.0.1:9",
        "API_HOST": IDP,
        "APP_HOST": APP,
        "SSO_X509_CERTIFICATE": key_pair("idp").certificate,
        **changed,
    }


def connec(top: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "PROVIDER": "acme-books",
        "DISPATCHER": "tests.tracking.queues.remember",
        "MARKETPLACES": {"default": marketplace(**changed)},
        **(top or {}),
    }
