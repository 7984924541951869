"""The sandbox's own OpenAPI 3.1 document, made from what the hub knows of its resources."""

from __future__ import annotations

from functools import cache
from typing import Any

from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR
from django_connec.sandbox.layouts import full_layout
from django_connec.sandbox.schema import properties_of

__all__ = ["document"]

Schema = dict[str, Any]

_MEDIA = "application/vnd.api+json"
_ID: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/components/schemas/IdEntry"}}]}
_REFUSALS = {
    "400": "The request cannot be read, or the record is not valid.",
    "401": "Bad credentials, or a group that they do not give access to.",
    "404": "No such record.",
    "405": "No such operation.",
    "409": "A new record was given a plain id.",
}
_LIST_PARAMETERS = (
    ("$filter", {"type": "string"}, "Conditions joined by and, such as status ne 'ARCHIVED'."),
    ("$orderby", {"type": "string"}, "One attribute, and ASC or DESC."),
    ("$search", {"type": "string"}, "A text that is somewhere in the record."),
    ("$top", {"type": "integer", "minimum": 0}, "Records on a page, 100 at most."),
    ("$skip", {"type": "integer", "minimum": 0}, "Records to leave out before."),
)
_COMMON: Schema = {
    "IdEntry": {
        "type": "object",
        "required": ["provider", "id"],
        "properties": {"provider": {"type": "string"}, "realm": {"type": "string"}, "id": {"type": "string"}},
    },
    "Options": {
        "type": "object",
        "properties": {
            "matching_fields": {"type": "array", "items": {"type": "string"}},
            "sparse": {"type": "boolean"},
        },
    },
    "Errors": {
        "type": "object",
        "required": ["errors"],
        "properties": {
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "href", "status", "code", "title", "detail"],
                    "additionalProperties": {"type": "string"},
                },
            }
        },
    },
    "Pagination": {
        "type": "object",
        "required": ["skip", "top", "total"],
        "properties": {
            **{name: {"type": "integer"} for name in ("skip", "top", "total")},
            "next": {"type": "string", "format": "uri"},
        },
    },
    "Batch": {
        "type": "object",
        "required": ["sequential", "ops"],
        "properties": {
            "sequential": {"const": True},
            "ops": {
                "type": "array",
                "maxItems": 50,
                "items": {
                    "type": "object",
                    "required": ["method", "url"],
                    "properties": {
                        "method": {"enum": ["get", "post", "put"]},
                        "url": {"type": "string", "pattern": "^/api/v2/.+$"},
                        "params": {"type": "object"},
                        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
                        "silent": {"type": "boolean"},
                    },
                },
            },
        },
    },
}


@cache
def document() -> Schema:
    """Return the document; nobody may change it."""
    paths: Schema = {
        "/version": {"get": _operation("The hub's version", {"type": "object"}, security=[])},
        "/batch": {"post": _operation("Several operations in one call", {"type": "object"}, body=_ref("Batch"))},
        "/api/v2/json_schema/{resource}": {
            "parameters": [_in_path("resource", {"enum": sorted(COLLECTIONS | SINGULAR)})],
            "get": _operation("A resource's JSON schema", {"type": "object"}),
        },
        "/api/v2/{group}": {"parameters": [_in_path("group")], "get": _operation("All resources", {"type": "object"})},
        "/api/v2/{group}/updates/{since}": {
            "parameters": [_in_path("group"), _in_path("since", {"type": "integer"})],
            "get": _operation(
                "What changed since a time, in milliseconds",
                {"type": "object"},
                parameters=[_in_query("$filter[entity]", {"type": "string"}, "Such as Company,TaxCode.")],
            ),
        },
    }
    for resource in sorted(SINGULAR):
        paths |= _singular(resource)
    for resource in sorted(COLLECTIONS):
        paths |= _collection(resource)
    schemas = _COMMON | {resource: _record(resource) for resource in sorted(COLLECTIONS | SINGULAR)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Connec! sandbox hub",
            "version": "2",
            "description": "What the sandbox of django-connec answers; no specification of production.",
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"application": {"type": "http", "scheme": "basic"}}},
        "security": [{"application": []}],
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _in_path(name: str, schema: Schema | None = None) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": schema or {"type": "string", "minLength": 1}}


def _in_query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _headers() -> list[Schema]:
    return [
        {"name": "CONNEC-EXTERNAL-IDS", "in": "header", "schema": {"enum": ["true", "false"]}},
        {"name": "CONNEC-COUNTRY-FORMAT", "in": "header", "schema": {"enum": ["alpha2"]}},
    ]


def _operation(
    summary: str,
    answer: Schema,
    *,
    body: Schema | None = None,
    created: bool = False,
    parameters: list[Schema] | None = None,
    security: list[Schema] | None = None,
) -> Schema:
    def content(schema: Schema) -> Schema:
        return {_MEDIA: {"schema": schema}}

    responses: Schema = {"200": {"description": "Done.", "content": content(answer)}}
    if created:
        responses["201"] = {"description": "Made.", "content": content(answer)}
    for status, description in _REFUSALS.items():
        responses[status] = {"description": description, "content": content(_ref("Errors"))}
    operation: Schema = {"summary": summary, "responses": responses}
    if parameters:
        operation["parameters"] = parameters
    if body is not None:
        operation["requestBody"] = {"required": True, "content": content(body)}
    return operation if security is None else operation | {"security": security}


def _envelope(resource: str, schema: Schema, **more: Schema) -> Schema:
    return {"type": "object", "required": [resource], "properties": {resource: schema, **more}}


def _record(resource: str) -> Schema:
    layout = full_layout(resource)
    properties = properties_of(layout)
    for name in ("id", *(name for name, attribute in layout.items() if attribute.kind == "reference")):
        properties[name] = _ID
    properties["opts"] = _ref("Options") | {"writeOnly": True}
    return {"type": "object", "properties": properties}


def _singular(resource: str) -> Schema:
    one = _envelope(resource, _ref(resource))
    return {
        f"/api/v2/{{group}}/{resource}": {
            "parameters": [_in_path("group"), *_headers()],
            "get": _operation(f"The {resource}", one),
            "put": _operation(f"Change the {resource}", one, body=one, created=True),
        }
    }


def _collection(resource: str) -> Schema:
    one, base = _envelope(resource, _ref(resource)), f"/api/v2/{{group}}/{resource}"
    many = _envelope(resource, {"type": "array", "items": _ref(resource)}, pagination=_ref("Pagination"))
    of_group, of_record = [_in_path("group"), *_headers()], [_in_path("group"), _in_path("id"), *_headers()]
    merge = _envelope(resource, _ref(resource), ids={"type": "array", "items": {"type": "string"}})
    commit = {"type": "object", "properties": {"mappings": {"type": "array", "items": {"type": "object"}}}}
    return {
        base: {
            "parameters": of_group,
            "get": _operation(f"List {resource}", many, parameters=[_in_query(*one) for one in _LIST_PARAMETERS]),
            "post": _operation(f"Make or change one of {resource}", one, body=one, created=True),
        },
        f"{base}/example": {"parameters": of_group, "get": _operation(f"An example of {resource}", one)},
        f"{base}/{{id}}": {
            "parameters": of_record,
            "get": _operation(
                f"One of {resource}",
                one,
                parameters=[_in_query("$expand", {"enum": ["matching_records"]}, "Likely duplicates too.")],
            ),
            "put": _operation(f"Change one of {resource}", one, body=one),
        },
        f"{base}/{{id}}/merge": {
            "parameters": of_record,
            "put": _operation(f"Make several of {resource} one", one, body=merge),
        },
        f"{base}/{{id}}/commit": {
            "parameters": of_record,
            "put": _operation(f"Send one of {resource} to groups", one, body=commit),
        },
    }
