"""Synchronisation control: what the platform asks and commands (Maestrano SDK, sync control API)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from django_connec.control import request_sync, switch_sharing, sync_state
from django_connec.mapping import registry
from django_connec.mapping.resources import normalise
from django_connec.mapping.values import kind_of
from django_connec.models import ConnecGroup
from django_connec.webhooks.base import MarketplaceView
from django_connec.webhooks.openapi import describe_start, describe_status, describe_toggle
from django_connec.webhooks.parsers import ParsedBody

__all__ = ["SynchronizationView", "SynchronizationsView", "ToggleView"]


class ControlView(MarketplaceView):
    """What the three endpoints share. A cancelled group is not found."""

    def group(self, uid: str) -> ConnecGroup:
        """Return the marketplace's group.

        Raises:
            NotFound: There is none that is linked.
        """
        marketplace = self.kwargs.get("marketplace", "default")
        group = ConnecGroup.objects.filter(marketplace=marketplace, uid=uid, is_active=True).first()
        if group is None:
            raise NotFound(_("There is no such group."))
        return group

    @staticmethod
    def body(request: Request) -> dict[str, Any]:
        """Return the body, an object with a ``group_id``.

        Raises:
            ParseError: It is something else.
        """
        parsed: Any = request.data
        content = parsed.content if isinstance(parsed, ParsedBody) else None
        if not isinstance(content, Mapping) or not isinstance(content.get("group_id"), str):
            raise ParseError(_('Expected an object with "group_id", a string.'))
        return dict(content)

    @staticmethod
    def answer(group: ConnecGroup, code: int = status.HTTP_200_OK) -> Response:
        """Answer in the form that the platform reads."""
        state = sync_state(group)
        content: dict[str, Any] = {
            "group_id": group.uid,
            "sync_enabled": group.sharing_enabled,
            "status": state.word,
        }
        if state.updated_at is not None:
            content |= {"message": state.message or None, "updated_at": state.updated_at}
        return Response(content, status=code)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, (NotFound, ParseError)) and isinstance(exc, APIException):
            response.data = {"errors": [{"message": str(exc.detail), "code": response.status_code}]}
        return response


@describe_status
class SynchronizationView(ControlView):
    """``GET <marketplace>/synchronizations/<uid>``: how a group's synchronisation stands."""

    def get(self, request: Request, uid: str, marketplace: str = "default") -> Response:
        """Answer the state."""
        return self.answer(self.group(uid))


@describe_start
class SynchronizationsView(ControlView):
    """``POST <marketplace>/synchronizations``: start one, unless one runs or waits. 201 with the state.

    ``opts`` may hold ``full_sync`` (read everything again) and ``only_entities`` (resources to read). While sharing
    is off nothing is started; ``sync_enabled`` in the answer says so.
    """

    def post(self, request: Request, marketplace: str = "default") -> Response:
        """Queue a synchronisation."""
        body = self.body(request)
        options = body.get("opts") or {}
        if not isinstance(options, Mapping):
            raise ParseError(_('"opts" must be an object, not %(kind)s.') % {"kind": kind_of(options)})
        resources = _resources(options.get("only_entities"))
        group = self.group(body["group_id"])
        if not sync_state(group).is_busy:
            request_sync(group, full=options.get("full_sync") in (True, "true"), resources=resources)
        return self.answer(group, status.HTTP_201_CREATED)


@describe_toggle
class ToggleView(ControlView):
    """``PUT <marketplace>/synchronizations/toggle_sync``: switch all sharing of a group on if it is off, else off."""

    def put(self, request: Request, marketplace: str = "default") -> Response:
        """Switch."""
        group = self.group(self.body(request)["group_id"])
        switch_sharing(group, not group.sharing_enabled)
        return self.answer(group)


def _resources(given: Any) -> list[str] | None:
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise ParseError(_('"only_entities" must be a list of names.'))
    names = [normalise(name) for name in given]
    known = registry.resources()
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ParseError(
            _("Not shared here: %(unknown)s. Shared are: %(known)s.")
            % {"unknown": ", ".join(name[:64] for name in unknown), "known": ", ".join(known)}
        )
    return names
