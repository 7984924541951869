"""Describe the endpoints for drf-spectacular, where a host has installed it (the ``openapi`` extra)."""

from __future__ import annotations

from typing import Any, TypeVar

from rest_framework.settings import api_settings

__all__ = ["describe_notifications"]

V = TypeVar("V", bound=type)


def describe_notifications(view: V) -> V:
    """Class decorator that gives the notification endpoint its schema where the host's ``DEFAULT_SCHEMA_CLASS`` is
    drf-spectacular's, and leaves it out of every other generator's."""
    view.schema = None  # type: ignore[attr-defined]
    try:
        from drf_spectacular.extensions import OpenApiAuthenticationExtension
        from drf_spectacular.openapi import AutoSchema
        from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
    except ImportError:
        return view
    # By now imported by REST framework, whatever its annotation says.
    chosen: Any = api_settings.DEFAULT_SCHEMA_CLASS
    if not issubclass(chosen, AutoSchema):
        return view
    view.schema = AutoSchema()  # type: ignore[attr-defined]

    class MarketplaceScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
        # drf-spectacular finds its extensions as they are defined.
        target_class = "django_connec.webhooks.authentication.MarketplaceAuthentication"
        name = "connecMarketplace"

        def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
            return {"type": "http", "scheme": "basic", "description": "API id and API key of the marketplace."}

    record = {"type": "object", "properties": {"group_id": {"type": "string"}}, "additionalProperties": True}
    body = {"type": "object", "additionalProperties": {"type": "array", "items": record}}
    words = {"type": "string", "enum": ["accepted", "duplicate", "empty"]}
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    responses: dict[int, Any] = {200: {"type": "object", "properties": {"status": words}, "required": ["status"]}}
    for status, meaning in (
        (400, "The body is not JSON, or of another shape."),
        (401, "The credentials are not the marketplace's."),
        (404, "There is no such marketplace."),
        (413, "The body is larger than WEBHOOK_MAX_BYTES."),
        (415, "The body is of another media type."),
    ):
        responses[status] = OpenApiResponse(response=error, description=meaning)
    return extend_schema_view(
        post=extend_schema(
            summary="Take the hub's notification of changed records",
            request={"application/json": body, "application/vnd.api+json": body},
            responses=responses,
            tags=["connec"],
        )
    )(view)
