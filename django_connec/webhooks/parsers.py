"""Read a notification's bytes, capped; JSON is decoded for its shape, the bytes are what is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from django_connec.conf import get_settings
from django_connec.mapping.values import kind_of

__all__ = ["BodyTooLarge", "ConnecJSONParser", "JSONParser", "ParsedBody", "check_shape"]


class BodyTooLarge(APIException):
    """The body is larger than ``WEBHOOK_MAX_BYTES``."""

    status_code = 413
    default_code = "too_large"


@dataclass(frozen=True)
class ParsedBody:
    """A body as it came, and what it says."""

    raw: bytes
    content: Any


class JSONParser(BaseParser):
    """``application/json``, with a cap of our own: Django's on form data does not hold for streams."""

    media_type = "application/json"

    # DRF's annotation knows forms only; a parser may return anything.
    def parse(  # type: ignore[override]
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> ParsedBody:
        """Return the body.

        Raises:
            BodyTooLarge: It is over the cap; no more than the cap was read.
            ParseError: It is no JSON.
        """
        limit = get_settings().webhook_max_bytes
        request = (parser_context or {}).get("request")
        declared = str(request.META.get("CONTENT_LENGTH") or "0") if request is not None else "0"
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise _too_large(limit)
        try:
            return ParsedBody(raw, json.loads(raw, parse_constant=_refuse_constant))
        except (ValueError, RecursionError) as error:
            where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise ParseError(_("The body is not JSON%(where)s.") % {"where": where}) from None


class ConnecJSONParser(JSONParser):
    """``application/vnd.api+json``: the hub's media type; the bodies are plain JSON all the same."""

    media_type = "application/vnd.api+json"


def check_shape(content: Any) -> dict[str, list[Any]]:
    """Return a delivery as resource to list of elements.

    An object whose values are lists or single objects, bare or under ``notification`` (Connec! API v2,
    webhook request). Bad elements of a list are left in: each fails alone later.

    Raises:
        ParseError: It is something else.
    """
    if not isinstance(content, Mapping):
        raise ParseError(_("Expected an object of resources, found %(kind)s.") % {"kind": kind_of(content)})
    inner = content.get("notification")
    if len(content) == 1 and isinstance(inner, Mapping):
        content = inner
    resources: dict[str, list[Any]] = {}
    for resource, elements in content.items():
        if isinstance(elements, Mapping):
            elements = [elements]
        if not isinstance(elements, list):
            raise ParseError(
                _('Expected a list of records under "%(resource)s", found %(kind)s.')
                % {"resource": resource[:64], "kind": kind_of(elements)}
            )
        resources.setdefault(resource, []).extend(elements)
    return resources


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(_("The body is larger than %(limit)d bytes.") % {"limit": limit})


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
