"""Checks of single sign-on: the library that verifies, the pinned key, and what Django needs for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from django_connec.conf import ConnecSettings, Marketplace, get_settings, written_marketplaces
from django_connec.exceptions import ConnecConfigurationError

__all__ = ["check_sign_on"]


@register("connec")
def check_sign_on(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Name what would turn every user away, or let the wrong ones in; silent where nobody signs on."""
    if getattr(settings, "CONNEC", None) is None:
        return []
    try:
        ours = get_settings()
    except ConnecConfigurationError:
        # The check of the settings names it.
        return []
    places = [place for place in written_marketplaces().values() if place.has_sign_on]
    if not places:
        return []
    found = [*_library(ours), *_django()]
    for place in places:
        found += _hosts(place)
        found += _key(place)
        if place.sso_allow_sha1:
            found.append(
                Warning(
                    f"{_where(place, 'SSO_ALLOW_SHA1')} accepts SHA-1 signatures and short keys, which can be forged.",
                    hint="Ask the marketplace for an RSA-SHA256 signature and a key of 2048 bits, then take it out.",
                    id="django_connec.W401",
                )
            )
    return found


def _library(ours: ConnecSettings) -> Iterator[CheckMessage]:
    binary = ours.sso_xmlsec1_binary
    if binary is not None:
        if not (os.path.isfile(binary) and os.access(binary, os.X_OK)):
            yield Error(
                'CONNEC["SSO_XMLSEC1_BINARY"] is no program that can be run.',
                hint="Give the path of xmlsec1, or leave it out to verify in this process.",
                id="django_connec.E402",
            )
        return
    try:
        import xmlsec  # noqa: F401 - whether it can be imported is the question
    except Exception as error:
        # With an lxml that brings another libxml2 this is xmlsec.InternalError, which is no ImportError.
        yield Error(
            f"xmlsec, which verifies sign-ons, cannot be imported ({type(error).__name__}).",
            hint='Run pip install --upgrade "lxml>=6" "xmlsec>=1.3.14", both as wheels; '
            'or set CONNEC["SSO_XMLSEC1_BINARY"].',
            id="django_connec.E401",
        )


def _django() -> Iterator[CheckMessage]:
    from django_connec.sso.users import our_backend

    try:
        has_backend = our_backend() is not None
    except ImportError:
        # Django's own error names it at the first login.
        has_backend = True
    if not has_backend:
        yield Error(
            "AUTHENTICATION_BACKENDS has no back-end for sign-on.",
            hint='Add "django_connec.sso.backends.ConnecBackend", or a subclass of yours.',
            id="django_connec.E403",
        )
    if "django.contrib.sessions.middleware.SessionMiddleware" not in settings.MIDDLEWARE:
        yield Warning(
            "MIDDLEWARE has no SessionMiddleware of Django: nobody can stay signed on.",
            hint='Add "django.contrib.sessions.middleware.SessionMiddleware".',
            id="django_connec.W403",
        )


def _hosts(place: Marketplace) -> Iterator[CheckMessage]:
    from django_connec.sso.addresses import LOCAL_HOSTS

    for key, value in (("API_HOST", place.api_host), ("APP_HOST", place.app_host)):
        if not value:
            yield Error(
                f"{_where(place, key)} is missing, and users sign on through this marketplace.",
                hint="Set it to a scheme and a host.",
                id="django_connec.E404",
            )
            continue
        parts = urlsplit(value)
        # That API_HOST is not encrypted, W001 says.
        if key == "APP_HOST" and not settings.DEBUG and parts.scheme == "http" and parts.hostname not in LOCAL_HOSTS:
            yield Warning(
                f"{_where(place, key)} is not encrypted: sign-ons can be read and changed on their way.",
                hint="Use https.",
                id="django_connec.W402",
            )


def _key(place: Marketplace) -> Iterator[CheckMessage]:
    from django_connec.sso.saml import keys

    fingerprint = place.sso_x509_fingerprint
    if fingerprint and keys.fingerprint_problem(fingerprint):
        yield Error(
            f"{_where(place, 'SSO_X509_FINGERPRINT')} is no fingerprint.",
            hint="Give the SHA-256 (64 digits) or SHA-1 (40 digits) of the certificate in hexadecimal.",
            id="django_connec.E405",
        )
        fingerprint = None
    if not place.sso_x509_certificate:
        return
    where = _where(place, "SSO_X509_CERTIFICATE")
    try:
        certificate = keys.load_certificate(place.sso_x509_certificate)
    except (ValueError, TypeError):
        yield Error(
            f"{where} is no certificate with an RSA key.",
            hint="Give it as PEM, as the developer platform shows it.",
            id="django_connec.E405",
        )
        return
    if fingerprint and not keys.has_fingerprint(certificate, fingerprint):
        yield Error(
            f"{where} does not have the fingerprint that is configured beside it: all sign-ons are refused.",
            hint="Correct one of them, or leave the fingerprint out.",
            id="django_connec.E405",
        )
    minimum = keys.MIN_BITS_SHA1 if place.sso_allow_sha1 else keys.MIN_BITS
    if keys.key_bits(certificate) < minimum:
        yield Error(
            f"{where} has a key of {keys.key_bits(certificate)} bits, under {minimum}: all sign-ons are refused.",
            hint="Ask the marketplace for a longer key; SSO_ALLOW_SHA1 accepts 1024 bits.",
            id="django_connec.E406",
        )


def _where(place: Marketplace, key: str) -> str:
    return f'CONNEC["MARKETPLACES"]["{place.name}"]["{key}"]'
