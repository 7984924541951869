"""Describe the endpoints for drf-spectacular, where a host has installed it (the ``openapi`` extra)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from rest_framework.settings import api_settings

__all__ = [
    "ERROR",
    "Words",
    "describe",
    "describe_group",
    "describe_group_user",
    "describe_metadata",
    "describe_notifications",
    "describe_start",
    "describe_status",
    "describe_toggle",
]

V = TypeVar("V", bound=type)

#: What every endpoint answers when it refuses.
ERROR: dict[str, Any] = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
SUCCESS: dict[str, Any] = {**ERROR, "properties": {"success": {"type": "boolean"}}, "required": ["success"]}

#: Status to what it means, and the schema of its body (``None``: there is none).
Words = Mapping[int, "tuple[str, dict[str, Any] | None]"]

COMMON: Words = {
    401: ("The credentials are not the marketplace's.", ERROR),
    404: ("There is no such marketplace.", ERROR),
}


def describe(*, summary: str, method: str, responses: Words, request: dict[str, Any] | None = None) -> Callable[[V], V]:
    """Return a class decorator that gives one operation of a view its schema where the host's
    ``DEFAULT_SCHEMA_CLASS`` is drf-spectacular's, and leaves the view out of every other generator's.

    Args:
        summary: What the operation does.
        method: In small letters, for example ``"post"``.
        responses: Beside 401 and 404, which all have.
        request: Schema of the body; ``None`` where there is none.
    """

    def decorate(view: V) -> V:
        spectacular = _spectacular()
        if spectacular is None:
            view.schema = None  # type: ignore[attr-defined] # a descriptor, set at run time
            return view
        auto_schema, response_class, extend_schema, extend_schema_view = spectacular
        view.schema = auto_schema()  # type: ignore[attr-defined] # as above
        bodies = {
            status: response_class(response=schema, description=meaning)
            for status, (meaning, schema) in sorted({**COMMON, **responses}.items())
        }
        media = {"application/json": request, "application/vnd.api+json": request} if request else None
        operation = extend_schema(summary=summary, request=media, responses=bodies, tags=["connec"])
        described: V = extend_schema_view(**{method: operation})(view)
        return described

    return decorate


def _spectacular() -> tuple[Any, Any, Any, Any] | None:
    try:
        from drf_spectacular.openapi import AutoSchema
        from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
    except ImportError:
        return None
    # By now imported by REST framework, whatever its annotation says.
    chosen: Any = api_settings.DEFAULT_SCHEMA_CLASS
    if not issubclass(chosen, AutoSchema):
        return None
    _describe_authentication()
    return AutoSchema, OpenApiResponse, extend_schema, extend_schema_view


@cache
def _describe_authentication() -> None:
    from drf_spectacular.extensions import OpenApiAuthenticationExtension

    class MarketplaceScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # untyped
        # drf-spectacular finds its extensions as they are defined.
        target_class = "django_connec.webhooks.authentication.MarketplaceAuthentication"
        name = "connecMarketplace"

        def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
            return {"type": "http", "scheme": "basic", "description": "API id and API key of the marketplace."}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


_RECORD = {"type": "object", "properties": {"group_id": {"type": "string"}}, "additionalProperties": True}

describe_notifications = describe(
    summary="Take the hub's notification of changed records",
    method="post",
    request={"type": "object", "additionalProperties": {"type": "array", "items": _RECORD}},
    responses={
        200: (
            "The records are stored, or there was nothing to store.",
            _object(status={"type": "string", "enum": ["accepted", "duplicate", "empty"]}),
        ),
        400: ("The body is not JSON, or of another shape.", ERROR),
        413: ("The body is larger than WEBHOOK_MAX_BYTES.", ERROR),
        415: ("The body is of another media type.", ERROR),
    },
)

describe_group = describe(
    summary="Take the news that a customer has cancelled",
    method="delete",
    responses={
        200: ("Nothing is read or sent for the group any more.", SUCCESS),
        204: ("The group is not known here.", None),
    },
)

describe_metadata = describe(
    summary="Tell what this application is set up as, without secrets",
    method="get",
    responses={200: ("Hosts, paths and the identity provider's certificate.", {"type": "object"})},
)

describe_group_user = describe(
    summary="Take the news that a user has left a customer",
    method="delete",
    responses={
        200: ("Whoever keeps users has been told.", SUCCESS),
        204: ("The group is not known here.", None),
        500: ("A receiver failed; the call may be repeated.", ERROR),
    },
)

_ERRORS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "errors": {
            "type": "array",
            "items": _object(message={"type": "string"}, code={"type": "integer"}),
        }
    },
    "required": ["errors"],
}
_STATE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "group_id": {"type": "string"},
        "sync_enabled": {"type": "boolean"},
        "status": {"type": "string", "enum": ["DISABLED", "ENQUEUED", "RUNNING", "SUCCESS", "ERROR"]},
        "message": {"type": "string", "nullable": True},
        "updated_at": {"type": "string", "format": "date-time"},
    },
    "required": ["group_id", "sync_enabled", "status"],
}
_GROUP = {"group_id": {"type": "string"}}
_NO_GROUP = {404: ("There is no such marketplace, or no such group that is linked.", _ERRORS)}
_BAD_BODY = {400: ("The body is of another shape.", _ERRORS), 415: ("The body is of another media type.", ERROR)}

describe_status = describe(
    summary="Tell how a group's synchronisation stands",
    method="get",
    responses={200: ("The state.", _STATE), **_NO_GROUP},
)

describe_start = describe(
    summary="Start a synchronisation of a group",
    method="post",
    request={
        "type": "object",
        "properties": {
            **_GROUP,
            "opts": {
                "type": "object",
                "properties": {
                    "full_sync": {"type": "boolean"},
                    "only_entities": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
        "required": ["group_id"],
    },
    responses={201: ("The state; it runs, or waits for a worker.", _STATE), **_BAD_BODY, **_NO_GROUP},
)

describe_toggle = describe(
    summary="Switch sharing of a group on or off",
    method="put",
    request=_object(**_GROUP),
    responses={200: ("The state.", _STATE), **_BAD_BODY, **_NO_GROUP},
)
