"""What all endpoints for the hub and the platform have in common."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_connec.conf import get_settings
from django_connec.webhooks.authentication import IsMarketplace, MarketplaceAuthentication
from django_connec.webhooks.parsers import ConnecJSONParser, JSONParser

__all__ = ["MarketplaceView"]


@method_decorator(csrf_exempt, name="dispatch")
class MarketplaceView(APIView):
    """Called by one marketplace, named in the URL, with its own keys.

    Nothing of the host's DRF settings applies here: who may call, what is read and how it is answered is the
    protocol's. What went wrong stands in ``error``.
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

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        detail = response.data.get("detail") if isinstance(response.data, dict) else None
        response.data = {"error": str(detail or exc)}
        return response
