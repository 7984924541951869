"""The sandbox's own side of the marketplace: registration, controls, faults, and what it keeps."""

from __future__ import annotations

import pytest
import requests

from django_connec.sandbox import Fault, SandboxHub
from tests.sandbox.helpers import APP, GROUP, KEY, ORG, control


def test_faults_befall_the_marketplace_too(hub, url, ines):
    hub.faults.add(Fault("status", path="auth/saml", status=503))
    path = f"{url}/api/v1/auth/saml/{ines.uid}"
    assert [requests.get(path, timeout=10).status_code for _ in range(2)] == [503, 200]
    assert [call.path for call in hub.calls] == [f"/api/v1/auth/saml/{ines.uid}"] * 2


def test_nobody_there(hub, ines):
    with pytest.raises(LookupError):
        hub.cancel(GROUP)
    with pytest.raises(LookupError):
        hub.cancel("cld-none")
    hub.add_application(APP, KEY, host="http://127.0.0.1:9")
    assert hub.cancel(GROUP).status == 0


def test_details_that_xml_cannot_carry_are_refused_when_they_are_given(hub, ines):
    with pytest.raises(ValueError, match="surname"):
        hub.add_user(surname="Ok\x00afor")
    with pytest.raises(ValueError, match="role"):
        hub.add_member(ines.uid, GROUP, "Owner")
    with pytest.raises(LookupError):
        hub.add_member("usr-99", GROUP)
    with pytest.raises(LookupError):
        hub.add_member(ines.uid, "cld-none")
    with pytest.raises(TypeError):
        hub.add_user(shoe_size="44")


def test_host_makes_the_notification_address(hub):
    application = hub.add_application(APP, KEY, host="http://127.0.0.1:8000/", marketplace="eu")
    assert application.webhook_url == "http://127.0.0.1:8000/maestrano/connec/notifications/eu"
    assert hub.add_application(APP, KEY, webhook_url="http://127.0.0.1:1/x").webhook_url == "http://127.0.0.1:1/x"
    with pytest.raises(TypeError):
        hub.add_application(APP, KEY, colour="red")


def test_controls(account, url, subscriber):
    made = control(url, "user", {"name": "Ines", "groups": {GROUP: "Member"}}).json()
    assert control(url, "member", {"user": made["uid"], "group": GROUP, "role": "Admin"}).json()["role"] == "Admin"
    assert control(url, "member", {"user": made["uid"], "group": GROUP, "role": "King"}).status_code == 400
    bill = account.bill(price_cents=1, description="x")["data"]["id"]
    assert control(url, "bill", {"id": bill, "status": "invoiced"}).json()["status"] == "invoiced"
    assert control(url, "leave", {"group": GROUP, "user": made["uid"]}).json()["status"] == 200
    assert control(url, "cancel", {"group": GROUP}).json()["status"] == 200
    assert [n["kind"] for n in control(url, "log", method="GET").json()["notices"]] == ["leave", "cancel"]
    assert control(url, "user", {"groups": 5}).status_code == 400


def test_everything_outlives_the_hub_in_its_file(tmp_path):
    file = str(tmp_path / "hub.sqlite3")
    with SandboxHub(file) as hub:
        hub.add_application(APP, KEY, host="http://127.0.0.1:9")
        hub.add_group(GROUP, api_id=APP, org=ORG, name="Pelican")
        user = hub.add_user(name="Ines", groups={GROUP: "Admin"})
        hub.bills.create(GROUP, {"price_cents": 5, "description": "x"})
    with SandboxHub(file) as hub:
        assert hub.accounts.user(user.uid) == user
        assert hub.accounts.group(GROUP).name == "Pelican"
        assert hub.accounts.members()[0].role == "Admin"
        assert hub.accounts.registration(APP).host == "http://127.0.0.1:9"
        assert len(hub.bills.all("bill")) == 1
        assert hub.add_user().uid == "usr-2"
