"""The metadata endpoint: what this application is set up as, without secrets (Maestrano SDK, metadata endpoint).

Platforms ask their developer platform instead by now; older ones still read it here.
"""

from __future__ import annotations

import sys
from typing import Any

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from django_connec import __version__
from django_connec.conf import Marketplace, get_settings
from django_connec.mapping import registry
from django_connec.webhooks.base import MarketplaceView
from django_connec.webhooks.openapi import describe_metadata

__all__ = ["MetadataView"]


@describe_metadata
class MetadataView(MarketplaceView):
    """``GET metadata/<marketplace>``: hosts, paths and the identity provider's certificate; never the key."""

    def get(self, request: Request, marketplace: str = "default") -> Response:
        """Answer in the form of the Ruby SDK before 2017."""
        found = get_settings().marketplaces[marketplace]
        namespace = request.resolver_match.namespace if request.resolver_match else "django_connec"
        return Response(_metadata(found, namespace))


def _metadata(marketplace: Marketplace, namespace: str) -> dict[str, Any]:
    def path(name: str, **ids: str) -> str:
        return reverse(f"{namespace}:{name}", kwargs={"marketplace": marketplace.name, **ids})

    notifications = path("notifications")
    prefix = notifications.removesuffix(f"connec/notifications/{marketplace.name}")
    certificate, fingerprint = marketplace.sso_x509_certificate, marketplace.sso_x509_fingerprint
    return {
        "environment": marketplace.name,
        "app": {"host": marketplace.app_host},
        "api": {
            "id": marketplace.api_id,
            "version": __version__,
            "verify_ssl_certs": True,
            "lang": "python",
            "lang_version": ".".join(map(str, sys.version_info[:3])),
            "host": marketplace.api_host,
            "base": marketplace.api_base,
        },
        "sso": {
            "enabled": bool(certificate or fingerprint),
            "slo_enabled": True,
            "init_path": f"{prefix}auth/saml/init/{marketplace.name}",
            "consume_path": f"{prefix}auth/saml/consume/{marketplace.name}",
            "creation_mode": marketplace.sso_creation_mode,
            "idm": marketplace.app_host,
            "idp": marketplace.api_host,
            "name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "x509_fingerprint": fingerprint,
            "x509_certificate": certificate,
        },
        "webhook": {
            "account": {
                "groups_path": path("account-group", uid=":id"),
                "group_users_path": path("account-group-user", uid=":group_id", user_uid=":id"),
            },
            "connec": {
                "notifications_path": notifications,
                "subscriptions": dict.fromkeys(registry.resources(), True),
            },
        },
    }
