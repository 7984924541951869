"""The developer platform hands an application its configuration (Maestrano SDK, sections B2 and B3)."""

from __future__ import annotations

import pytest
import requests

from tests.sandbox.helpers import APP, KEY, OTHER, OTHER_KEY
from tests.sandbox.sso import address, authn_request, opened


def fetch(url, auth=("env", "s"), expected=200, method="GET"):
    answer = requests.request(method, f"{url}/api/config/v1/marketplaces", auth=auth, timeout=10)
    assert answer.status_code == expected
    assert answer.headers["Content-Type"].startswith("application/json")
    return answer.json()


def test_configuration_has_the_references_form(hub, url):
    """Maestrano SDK, section B2: the answer's shape; marketplaces is an array."""
    hub.add_application(
        APP,
        KEY,
        host="http://127.0.0.1:8000/",
        marketplace="uat",
        environment="demo",
        env_key="env",
        env_secret="s",
    )
    (entry,) = fetch(url)["marketplaces"]
    assert entry["sso"].pop("x509_certificate") == hub.idp.certificate
    assert entry["sso"].pop("x509_fingerprint") == hub.idp.fingerprint
    assert entry == {
        "nid": "demo-uat",
        "marketplace": "uat",
        "environment": "demo",
        "app": {
            "host": "http://127.0.0.1:8000",
            "synchronization_start_path": "/maestrano/uat/synchronizations",
            "synchronization_toggle_path": "/maestrano/uat/synchronizations/toggle_sync",
            "synchronization_status_path": "/maestrano/uat/synchronizations/:cld-uid",
        },
        "api": {"id": APP, "key": KEY, "host": url, "base": "/api/v1/"},
        "sso": {
            "idm": "http://127.0.0.1:8000",
            "init_path": "/maestrano/auth/saml/init/uat",
            "consume_path": "/maestrano/auth/saml/consume/uat",
            "idp": url,
        },
        "connec": {"host": url, "base_path": "/api/v2", "timeout": 300},
        "webhooks": {
            "account": {
                "group_path": "/maestrano/account/groups/:id/uat",
                "group_user_path": "/maestrano/account/groups/:group_id/users/:id/uat",
            },
            "connec": {
                "external_ids": True,
                "initialization_path": None,
                "notification_path": "/maestrano/connec/notifications/uat",
            },
        },
    }


@pytest.mark.parametrize(
    ("detail", "value", "part", "name"),
    [
        ("init_path", "/maestrano/init/?marketplace=uat", ("sso",), "init_path"),
        ("consume_path", "/maestrano/consume/?marketplace=uat", ("sso",), "consume_path"),
        ("group_path", "/a/:id", ("webhooks", "account"), "group_path"),
        ("group_user_path", "/a/:group_id/:id", ("webhooks", "account"), "group_user_path"),
        ("notification_path", "/n", ("webhooks", "connec"), "notification_path"),
        ("external_ids", False, ("webhooks", "connec"), "external_ids"),
    ],
)
def test_what_was_registered_is_handed_back(hub, url, detail, value, part, name):
    """Maestrano SDK, section B2: paths and flags are the application's own; PHP's carry ?marketplace=X (A2)."""
    hub.add_application(APP, KEY, env_key="env", env_secret="s", **{detail: value})
    (entry,) = fetch(url)["marketplaces"]
    for key in part:
        entry = entry[key]
    assert entry[name] == value


def test_certificate_is_the_one_that_signs(hub, url, ines):
    """Maestrano SDK, section A2: certificates are delivered by the Developer Platform, never hard-coded."""
    hub.add_application(APP, KEY, env_key="env", env_secret="s")
    (entry,) = fetch(url)["marketplaces"]
    document = opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields)
    embedded = document.findtext(".//{*}X509Certificate")
    assert "".join(embedded.split()) in "".join(entry["sso"]["x509_certificate"].split())


def test_one_environment_may_have_several_marketplaces(hub, url):
    """Maestrano SDK, section B2: each entry becomes a preset keyed by marketplace; B3: configuration a marketplace."""
    for api_id, key, name in ((APP, KEY, "one"), (OTHER, OTHER_KEY, "two")):
        hub.add_application(api_id, key, marketplace=name, env_key="env", env_secret="s")
    hub.add_application("app-apart", "k", marketplace="three", env_key="other", env_secret="s")
    entries = fetch(url)["marketplaces"]
    assert [(entry["marketplace"], entry["api"]["id"]) for entry in entries] == [("one", APP), ("two", OTHER)]


@pytest.mark.parametrize("auth", [None, ("env", "wrong"), ("", ""), (APP, KEY), ("other", "s")])
def test_configuration_is_for_the_environment_only(hub, url, auth):
    """Maestrano SDK, section B2: Basic(MNO_DEVPL_ENV_KEY, MNO_DEVPL_ENV_SECRET); error body {"error":…}."""
    hub.add_application(APP, KEY, env_key="env", env_secret="s")
    hub.add_application(OTHER, OTHER_KEY, env_key="other", env_secret="t")
    assert list(fetch(url, auth, 401)) == ["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_configuration_is_read_only(hub, url, method):
    """Maestrano SDK, section B2: GET; error body {"error":…}."""
    hub.add_application(APP, KEY, env_key="env", env_secret="s")
    assert list(fetch(url, expected=405, method=method)) == ["error"]
