"""The notification endpoint: authenticate, check, store, answer; the work is a task's."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from django_connec.webhooks.base import MarketplaceView
from django_connec.webhooks.deliveries import store
from django_connec.webhooks.openapi import describe_notifications
from django_connec.webhooks.parsers import ParsedBody, check_shape

__all__ = ["NotificationView"]


@describe_notifications
class NotificationView(MarketplaceView):
    """``POST connec/notifications/<marketplace>``: changes made in the customer's other applications.

    200 means stored; 401, 400, 404, 413 and 415 say in ``error`` what was wrong.
    """

    def post(self, request: Request, marketplace: str = "default") -> Response:
        """Store one delivery."""
        body: Any = request.data
        if not isinstance(body, ParsedBody):
            # DRF does not ask a parser about an empty body.
            raise ParseError(_("The body is empty, so it is not JSON."))
        resources = check_shape(body.content)
        if not any(resources.values()):
            return Response({"status": "empty"})
        is_new = store(marketplace, body.raw)
        return Response({"status": "accepted" if is_new else "duplicate"})
