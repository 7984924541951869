"""HTTP Basic with a marketplace's own keys, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any

from django.utils.encoding import force_bytes
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from django_connec.conf import Marketplace, get_settings

__all__ = ["IsMarketplace", "MarketplaceAuthentication", "MarketplaceUser"]


class MarketplaceUser:
    """Who calls: a marketplace, never a person. ``request.auth`` is its :class:`~django_connec.conf.Marketplace`."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    pk = None

    def __init__(self, marketplace: Marketplace) -> None:
        self.marketplace = marketplace

    def __str__(self) -> str:
        return self.marketplace.name


class MarketplaceAuthentication(BaseAuthentication):
    """User name = API id, password = API key of the marketplace in the URL (Connec! API v2, webhook request)."""

    www_authenticate_realm = "connec"

    def authenticate(self, request: Request) -> tuple[MarketplaceUser, Marketplace] | None:
        """Return the marketplace; ``None`` where no credentials were sent.

        Raises:
            AuthenticationFailed: They are malformed or wrong. Which part is wrong is not said.
        """
        header = get_authorization_header(request).split()
        if not header or header[0].lower() != b"basic":
            return None
        kwargs: dict[str, Any] = request.parser_context.get("kwargs", {}) if request.parser_context else {}
        marketplace = get_settings().marketplaces.get(kwargs.get("marketplace", "default"))
        given = self._decode(header)
        # Compared also where there is nothing to compare with, so that time tells nothing.
        api_id, api_key = (marketplace.api_id, marketplace.api_key) if marketplace else ("", "")
        expected = force_bytes(f"{api_id}:{api_key}")
        if given is None or not hmac.compare_digest(given, expected) or marketplace is None:
            raise AuthenticationFailed(_("Invalid credentials."))
        return MarketplaceUser(marketplace), marketplace

    def authenticate_header(self, request: Request) -> str:
        return f'Basic realm="{self.www_authenticate_realm}"'

    @staticmethod
    def _decode(header: list[bytes]) -> bytes | None:
        try:
            return base64.b64decode(header[1], validate=True) if len(header) == 2 else None
        except (binascii.Error, ValueError):
            return None


class IsMarketplace(BasePermission):
    """Only a caller that :class:`MarketplaceAuthentication` knows."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Marketplace)
