"""manage.py check names what would turn users away, and what would let the wrong ones in."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from django.core.checks import run_checks

from tests.sso.idp import key_pair
from tests.sso.places import connec

KEYS = key_pair("idp")


def found() -> list[Any]:
    return [m for m in run_checks(tags=["connec"]) if m.id.startswith("django_connec.")]


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("E404", {"API_HOST": None}),
        ("E404", {"APP_HOST": None}),
        ("W001", {"API_HOST": "http://hub.example"}),
        ("W402", {"APP_HOST": "http://books.example"}),
        ("E405", {"SSO_X509_CERTIFICATE": "nonsense"}),
        ("E405", {"SSO_X509_CERTIFICATE": None, "SSO_X509_FINGERPRINT": "12:34"}),
        ("E405", {"SSO_X509_FINGERPRINT": key_pair("attacker").fingerprint(hashes.SHA256())}),
        ("E406", {"SSO_X509_CERTIFICATE": key_pair("short", 1024).certificate}),
        ("W401", {"SSO_ALLOW_SHA1": True}),
        ("W401", {"SSO_ALLOW_SHA1": True, "SSO_X509_CERTIFICATE": key_pair("short", 1024).certificate}),
    ],
)
def test_planted_mistake_is_named(settings: Any, code: str, changed: dict[str, Any]) -> None:
    settings.CONNEC = connec(**changed)
    messages = found()
    assert [m.id for m in messages] == [f"django_connec.{code}"]
    assert messages[0].hint


def test_good_settings_are_silent(settings: Any) -> None:
    for changed in (
        {},
        {"SSO_X509_FINGERPRINT": KEYS.fingerprint(hashes.SHA1())},
        {"SSO_X509_CERTIFICATE": None, "SSO_X509_FINGERPRINT": KEYS.fingerprint(hashes.SHA256())},
        {"API_HOST": "http://127.0.0.1:9", "APP_HOST": "http://localhost:8000"},
    ):
        settings.CONNEC = connec(**changed)
        assert found() == []


def test_missing_backend_and_sessions(settings: Any) -> None:
    settings.CONNEC = connec()
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.MIDDLEWARE = []
    assert [m.id for m in found()] == ["django_connec.E403", "django_connec.W403"]


def test_library_that_cannot_be_imported(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CONNEC = connec()
    real = builtins.__import__

    def broken(name: str, *args: Any) -> Any:
        if name == "xmlsec":
            raise RuntimeError("lxml & xmlsec libxml2 library version mismatch")
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", broken)
    messages = found()
    assert [m.id for m in messages] == ["django_connec.E401"]
    assert "lxml>=6" in messages[0].hint
    settings.CONNEC = connec({"SSO_XMLSEC1_BINARY": sys.executable})
    assert found() == []
    settings.CONNEC = connec({"SSO_XMLSEC1_BINARY": "/nowhere/xmlsec1"})
    assert [m.id for m in found()] == ["django_connec.E402"]


BROKEN = """
import sys

class Broken:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("xmlsec", "lxml", "saml2"):
            raise RuntimeError(f"{name} is broken")

sys.meta_path.insert(0, Broken())
import django
django.setup()
from django.core.checks import run_checks
from django.urls import get_resolver
import django_connec.tasks
get_resolver().url_patterns
print(sorted(m.id for m in run_checks() if "django_connec" in m.id))
"""


def test_rest_of_the_package_needs_neither_xmlsec_nor_lxml_nor_pysaml2() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", BROKEN], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
