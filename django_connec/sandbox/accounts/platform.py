"""The developer platform: hands an application its configuration (Maestrano SDK, auto-configure)."""

from __future__ import annotations

from typing import Any

from django_connec.sandbox.accounts.api import JSON, application_of
from django_connec.sandbox.accounts.directory import Accounts
from django_connec.sandbox.accounts.entities import Registration
from django_connec.sandbox.idp import IdentityProvider
from django_connec.sandbox.messages import Request, Response
from django_connec.sandbox.store import Application

__all__ = ["PATH", "Platform"]

PATH = "/api/config/v1/marketplaces"
TIMEOUT = 300


class Platform:
    """Answers ``GET /api/config/v1/marketplaces``: one entry a marketplace where the environment has an application."""

    def __init__(self, accounts: Accounts, idp: IdentityProvider) -> None:
        self.accounts = accounts
        self.idp = idp

    def handle(self, request: Request, origin: str) -> Response:
        """Answer a request.

        Args:
            origin: Scheme and host as the caller sees them.
        """
        registered = [(a, self.accounts.registration(a.api_id)) for a in self.accounts.hub.applications()]
        keys = {registration.env_key: registration.env_secret for _, registration in registered if registration.env_key}
        environment = application_of(request, keys)
        if environment is None:
            return Response(401, {"error": "Invalid credentials"}, dict(JSON))
        if request.method != "GET":
            return Response(405, {"error": "The configuration is read only"}, dict(JSON))
        entries = [self._entry(a, r, origin) for a, r in registered if r.env_key == environment]
        return Response(200, {"marketplaces": entries}, dict(JSON))

    def _entry(self, application: Application, registration: Registration, origin: str) -> dict[str, Any]:
        synchronizations = f"/maestrano/{registration.marketplace}/synchronizations"
        return {
            "nid": f"{registration.environment}-{registration.marketplace}",
            "marketplace": registration.marketplace,
            "environment": registration.environment,
            "app": {
                "host": registration.host,
                "synchronization_start_path": synchronizations,
                "synchronization_toggle_path": f"{synchronizations}/toggle_sync",
                "synchronization_status_path": f"{synchronizations}/:cld-uid",
            },
            "api": {"id": application.api_id, "key": application.api_key, "host": origin, "base": "/api/v1/"},
            "sso": {
                "idm": registration.host,
                "init_path": registration.path("init"),
                "consume_path": registration.path("consume"),
                "idp": origin,
                "x509_fingerprint": self.idp.fingerprint,
                "x509_certificate": self.idp.certificate,
            },
            "connec": {"host": origin, "base_path": "/api/v2", "timeout": TIMEOUT},
            "webhooks": {
                "account": {
                    "group_path": registration.path("group"),
                    "group_user_path": registration.path("group_user"),
                },
                "connec": {
                    "external_ids": application.external_ids,
                    "initialization_path": None,
                    "notification_path": registration.path("notification"),
                },
            },
        }
