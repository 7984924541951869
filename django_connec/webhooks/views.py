"""The notification endpoint: authenticate, check, store, answer; the work is a task's."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_connec.conf import get_settings
from django_connec.webhooks.authentication import IsMarketplace, MarketplaceAuthentication
from django_connec.webhooks.deliveries import store
from django_connec.webhooks.openapi import describe_notifications
from django_connec.webhooks.parsers import ConnecJSONParser, JSONParser, ParsedBody, check_shape

__all__ = ["NotificationView"]


@describe_notifications
@method_decorator(csrf_exempt, name="dispatch")
class NotificationView(APIView):
    """``POST connec/notifications/<marketplace>``: changes made in the customer's other applications.

    Nothing of the host's DRF settings applies here: who may call, what is read and how it is answered is the
    protocol's. 200 means stored; 401, 400, 404, 413 and 415 say in ``error`` what was wrong.
    """

    authentication_classes = (MarketplaceAuthentication,)
    permission_classes = (IsMarketplace,)
    parser_classes = (JSONParser, ConnecJSONParser)
    renderer_classes = (JSONRenderer,)
    throttle_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("marketplace", "default") not in get_settings().marketplaces:
            raise Http404(_("No such marketplace."))
        super().initial(request, *args, **kwargs)

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

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        detail = response.data.get("detail") if isinstance(response.data, dict) else None
        response.data = {"error": str(detail or exc)}
        return response
