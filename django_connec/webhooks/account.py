"""The account webhooks: a customer cancels, a user leaves a customer (Maestrano SDK, account webhooks)."""

from __future__ import annotations

import logging

from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from django_connec.models import ConnecGroup
from django_connec.signals import user_removed
from django_connec.webhooks.base import MarketplaceView
from django_connec.webhooks.openapi import describe_group, describe_group_user

__all__ = ["GroupUserView", "GroupView"]

logger = logging.getLogger(__name__)


@describe_group
class GroupView(MarketplaceView):
    """``DELETE account/groups/<uid>/<marketplace>``: the customer cancels this application.

    200 ``{"success": true}``, also when it had been cancelled before; 204 for a group that is not known here.
    """

    def delete(self, request: Request, uid: str, marketplace: str = "default") -> Response:
        """Stop all sharing of the group at once; its rows stay."""
        group = ConnecGroup.objects.filter(marketplace=marketplace, uid=uid).first()
        if group is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        group.unlink()
        return Response({"success": True})


@describe_group_user
class GroupUserView(MarketplaceView):
    """``DELETE account/groups/<uid>/users/<user uid>/<marketplace>``: a user may not work for the group any more.

    Who that is here, receivers of :data:`~django_connec.signals.user_removed` know. 200 ``{"success": true}``; 204 for
    a group that is not known here; 500 when a receiver failed, so that the call is repeated.
    """

    def delete(self, request: Request, uid: str, user_uid: str, marketplace: str = "default") -> Response:
        """Tell whoever keeps users."""
        group = ConnecGroup.objects.filter(marketplace=marketplace, uid=uid).first()
        if group is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        # The hub may name the user either way (Maestrano SDK, mask_user); of another group's mask nothing is taken.
        own = user_uid.removesuffix(f".{uid}")
        answers = user_removed.send_robust(ConnecGroup, group=group, user_uid=own, virtual_uid=f"{own}.{uid}")
        failed = [type(answer).__name__ for _receiver, answer in answers if isinstance(answer, Exception)]
        if failed:
            logger.error("a user of group %s could not be removed (%s)", group.pk, ", ".join(failed))
            return Response(
                {"error": _("The user could not be removed; try again.")},
                status=status.HTTP_500_INTERNAL_SERVER_ERROR,
            )
        return Response({"success": True})
