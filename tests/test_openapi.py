"""A host that documents its API with drf-spectacular finds the endpoint described, and in full."""

from __future__ import annotations

from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator


def test_notification_endpoint_is_described():
    GENERATOR_STATS.reset()
    schema = SchemaGenerator().get_schema(request=None, public=True)
    complaints = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert complaints == []
    operation = schema["paths"]["/maestrano/connec/notifications/{marketplace}"]["post"]
    assert set(operation["responses"]) == {"200", "400", "401", "404", "413", "415"}
    assert set(operation["requestBody"]["content"]) == {"application/json", "application/vnd.api+json"}
    (scheme,) = operation["security"][0]
    assert schema["components"]["securitySchemes"][scheme] == {
        "type": "http",
        "scheme": "basic",
        "description": "API id and API key of the marketplace.",
    }


def test_account_endpoints_are_described():
    schema = SchemaGenerator().get_schema(request=None, public=True)
    paths = schema["paths"]
    group = paths["/maestrano/account/groups/{uid}/{marketplace}"]["delete"]
    user = paths["/maestrano/account/groups/{uid}/users/{user_uid}/{marketplace}"]["delete"]
    assert set(group["responses"]) == {"200", "204", "401", "404"}
    assert set(user["responses"]) == {"200", "204", "401", "404", "500"}
    assert "requestBody" not in group


def test_metadata_endpoint_is_described():
    schema = SchemaGenerator().get_schema(request=None, public=True)
    assert set(schema["paths"]["/maestrano/metadata/{marketplace}"]["get"]["responses"]) == {"200", "401", "404"}


def test_synchronisation_control_is_described():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    root = "/maestrano/{marketplace}/synchronizations"
    assert set(paths[f"{root}/{{uid}}"]["get"]["responses"]) == {"200", "401", "404"}
    assert set(paths[root]["post"]["responses"]) == {"201", "400", "401", "404", "415"}
    assert set(paths[f"{root}/toggle_sync"]["put"]["responses"]) == {"200", "400", "401", "404", "415"}
    assert paths[root]["post"]["requestBody"]["content"]["application/json"]["schema"]["required"] == ["group_id"]
