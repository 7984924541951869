"""The account API, the developer platform and account webhooks against the reference (Maestrano SDK, A6, B2, C, D)."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
import requests
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from django_connec.sandbox import Fault
from tests.sandbox.helpers import APP, GROUP, KEY, ORG, OTHER, OTHER_GROUP, OTHER_KEY, control


class Account:
    """An application's view of the account API."""

    def __init__(self, url: str, auth=(APP, KEY)):
        self.root, self.auth = f"{url}/api/v1/", auth

    def __call__(self, method, path, expected=200, **options):
        answer = requests.request(method, self.root + path, auth=self.auth, timeout=10, **options)
        assert answer.status_code == expected, answer.text
        assert answer.headers["Content-Type"].startswith("application/json")
        body = answer.json()
        assert set(body) == {"success", "errors", "data"}
        assert body["success"] is not bool(body["errors"])
        return body

    def bill(self, expected=200, kind="bills", **fields):
        return self("POST", f"account/{kind}", expected, data={"group_id": GROUP} | fields)


@pytest.fixture
def account(url):
    return Account(url)


@pytest.fixture
def ines(hub):
    return hub.add_user(name="Ines", surname="Okafor", groups={GROUP: "Admin"})


# D: authentication and envelope.


# Maestrano SDK, D.
def test_ping(account):
    assert account("GET", "ping")["data"]["msg"]


@pytest.mark.parametrize("auth", [None, ("", ""), (APP, "wrong"), (APP, OTHER_KEY), ("app-nobody", KEY)])
def test_bad_credentials_are_401_with_errors_authentication(url, auth):
    body = Account(url, auth)("GET", "account/users", 401)
    assert list(body["errors"]) == ["authentication"]


# Maestrano SDK, D.
def test_show_of_a_missing_id_is_200_without_success(account):
    for kind in ("users", "groups", "bills", "recurring_bills"):
        body = account("GET", f"account/{kind}/none-1")
        assert (body["success"], body["data"], list(body["errors"])) == (False, None, ["id"])


def test_unknown_paths_and_verbs_are_refused(account):
    account("GET", "account/nothing", 404)
    account("PUT", "account/bills/bill-1", 404)
    account("POST", "account/users", 404, data={"name": "Maud"})


# Maestrano SDK, D.
def test_crash_is_500_with_errors_system(account, hub, monkeypatch):
    monkeypatch.setattr(hub.accounts, "users", lambda: 1 / 0)
    assert list(account("GET", "account/users", 500)["errors"]) == ["system"]


# D: users and groups.


# Maestrano SDK, D.
def test_users_are_those_of_the_applications_groups(account, hub, ines):
    hub.add_user(name="Maud", groups={OTHER_GROUP: "Member"})
    hub.add_user(name="Nobody's")
    (user,) = account("GET", "account/users")["data"]
    assert account("GET", f"account/users/{ines.uid}")["data"] == user
    assert user == {
        "object": "account_user",
        "id": ines.uid,
        "name": "Ines",
        "surname": "Okafor",
        "email": ines.email,
        "company_name": "",
        "country": "US",
        "sso_session": ines.sso_session,
        "created_at": "2018-03-01T04:05:06Z",
        "updated_at": "2018-03-01T04:05:06Z",
    }
    assert account("GET", "account/users?group_id=cld-none")["data"] == []
    assert len(account("GET", f"account/users?group_id={GROUP}")["data"]) == 1


# Maestrano SDK, D.
def test_groups_are_the_applications_own(account, hub):
    hub.accounts.save_group(GROUP, name="Pelican Freight", pull_disabled=True)
    (group,) = account("GET", "account/groups")["data"]
    assert account("GET", f"account/groups/{GROUP}")["data"] == group
    assert account("GET", f"account/groups/{OTHER_GROUP}")["success"] is False
    assert group == {
        "object": "account_group",
        "id": GROUP,
        "org_uid": ORG,
        "name": "Pelican Freight",
        "email": f"{GROUP}@example.com",
        "has_credit_card": False,
        "status": "running",
        "free_trial_end_at": "2018-03-31T04:05:06Z",
        "currency": "USD",
        "timezone": "America/Los_Angeles",
        "country": "US",
        "city": "Los Angeles",
        "main_accounting": "quickbooks",
        "created_at": "2018-03-01T04:05:06Z",
        "updated_at": "2018-03-01T04:05:06Z",
        "metadata": {"push_disabled": False, "pull_disabled": True},
    }


def encrypted(password: str, key: str) -> str:
    iv = bytes(range(16))
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key.encode()[:32].ljust(32, b"\0")), modes.CBC(iv)).encryptor()
    content = encryptor.update(padder.update(password.encode()) + padder.finalize()) + encryptor.finalize()
    return "--".join(base64.b64encode(part).decode() for part in (iv, content))


# Maestrano SDK, D.
def test_authenticate(account, ines):
    def ask(**data):
        return account("POST", "account/users/authenticate", data=data)

    right = encrypted("hunter2", KEY)
    assert ask(id=ines.uid, password=right)["data"]["id"] == ines.uid
    assert ask(email=ines.email, password=right)["data"]["id"] == ines.uid
    for wrong in ({"id": "usr-99"}, {"password": encrypted("invalid_password", KEY)}, {"password": "plain"}):
        assert list(ask(**{"id": ines.uid, "password": right} | wrong)["errors"]) == ["password"]
    assert ask(id=ines.uid, password=encrypted("hunter2", "another key"))["success"] is False


# Maestrano SDK, D.
def test_resellers_are_mocked(account):
    (reseller,) = account("GET", "account/resellers")["data"]
    assert reseller["id"].startswith("rsl-")
    assert [group["id"] for group in account("GET", f"account/resellers/{reseller['id']}/groups")["data"]] == [GROUP]


# D: bills.


# Maestrano SDK, D.
def test_bill_has_the_references_fields_and_defaults(account):
    bill = account.bill(price_cents="2400", description="Seats & more")["data"]
    assert account("GET", f"account/bills/{bill['id']}")["data"] == bill
    assert bill == {
        "object": "account_bill",
        "id": "bill-1",
        "group_id": GROUP,
        "created_at": "2018-03-01T04:05:06Z",
        "updated_at": "2018-03-01T04:05:06Z",
        "price_cents": 2400,
        "status": "submitted",
        "currency": "AUD",
        "description": "Seats & more",
        "units": 1.0,
        "period_started_at": None,
        "period_ended_at": None,
        "third_party": False,
    }


# Maestrano SDK, D.
def test_json_bodies_are_read_as_java_sends_them(account):
    fields = {"group_id": GROUP, "price_cents": 100, "description": "Seats", "units": 2.5, "currency": "EUR"}
    bill = account("POST", "account/bills", json=fields)["data"]
    assert (bill["units"], bill["currency"]) == (2.5, "EUR")


# Maestrano SDK, D.
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"price_cents", "description"}),
        ({"price_cents": "0", "description": "x"}, {"price_cents"}),
        ({"price_cents": "1.5", "description": "x"}, {"price_cents"}),
        ({"price_cents": "1", "description": "x", "units": "0"}, {"units"}),
        ({"price_cents": "1", "description": "x", "units": "many"}, {"units"}),
        ({"price_cents": "1", "description": "x", "currency": "euro"}, {"currency"}),
        ({"price_cents": "1", "description": "x", "period_started_at": "soon"}, {"period_started_at"}),
        ({"price_cents": "1", "description": "x", "group_id": "cld-none"}, {"group_id"}),
        ({"price_cents": "1", "description": "x", "group_id": OTHER_GROUP}, {"group_id"}),
    ],
)
def test_wrong_bills_are_400_with_the_attribute(account, fields, wrong):
    assert set(account.bill(400, **fields)["errors"]) == wrong
    assert account("GET", "account/bills")["data"] == []


# Maestrano SDK, D.
def test_bill_is_cancelled_once_or_not_at_all_when_invoiced(account, hub, url):
    first = account.bill(price_cents=1, description="a")["data"]["id"]
    second = account.bill(price_cents=1, description="b")["data"]["id"]
    assert account("DELETE", f"account/bills/{first}")["data"]["status"] == "cancelled"
    assert account("DELETE", f"account/bills/{first}")["data"]["status"] == "cancelled"
    hub.bills.set_status("bill", second, "invoiced")
    assert list(account("DELETE", f"account/bills/{second}", 400)["errors"]) == ["status"]
    assert list(account("DELETE", "account/bills/bill-99", 400)["errors"]) == ["id"]
    Account(url, (OTHER, OTHER_KEY))("DELETE", f"account/bills/{first}", 400)


# Maestrano SDK, D.
def test_recurring_bill_with_its_first_bill(account):
    made = account.bill(kind="recurring_bills", price_cents=900, description="Seats", period="Week", initial_cents=50)
    bill = made["data"]
    assert (bill["object"], bill["id"]) == ("account_recurring_bill", "rbill-1")
    assert (bill["period"], bill["frequency"], bill["cycles"], bill["initial_cents"]) == ("week", 1, None, 50)
    assert bill["start_date"] == bill["next_execution_at"] == "2018-03-01T04:05:06Z"
    assert (bill["last_execution_at"], bill["remaining_cycles"], bill["status"]) == (None, None, "submitted")
    (initial,) = account("GET", "account/bills")["data"]
    assert (initial["description"], initial["price_cents"]) == ("Initial: Seats", 50)
    assert account("DELETE", "account/recurring_bills/rbill-1")["data"]["status"] == "cancelled"


# Maestrano SDK, D.
@pytest.mark.parametrize(
    ("fields", "wrong"), [({"period": "Hour"}, "period"), ({"start_date": "2018-03-01T03:05:00Z"}, "start_date")]
)
def test_wrong_recurring_bills(account, fields, wrong):
    body = account.bill(400, kind="recurring_bills", price_cents=1, description="x", **fields)
    assert list(body["errors"]) == [wrong]


# D: filters.


# Maestrano SDK, D.
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 3),
        ("price_cents=200", 1),
        ("price_cents_greater_than=200", 2),
        ("price_cents_strictly_greater_than=200", 1),
        ("price_cents_lower_than=200", 2),
        ("price_cents_strictly_lower_than=200", 1),
        ("created_at_after=2018-03-01T04:05:07Z", 2),
        ("created_at_strictly_after=2018-03-01T04:05:07Z", 1),
        ("created_at_before=2018-03-01T04:05:07Z", 2),
        ("created_at_strictly_before=2018-03-01T05:05:07%2B01:00", 1),
        ("description=b&status=submitted", 1),
        (f"group_id={GROUP}", 3),
        (f"group_id={OTHER_GROUP}", 0),
        ("colour=red", 0),
    ],
)
def test_filters(account, clock, query, found):
    for number, name in enumerate("abc", 1):
        account.bill(price_cents=100 * number, description=name)
        clock.tick()
    assert len(account("GET", f"account/bills?{query}")["data"]) == found


# A6: the session check over HTTP.


# Maestrano SDK, A6.
def test_session_check_needs_no_credentials(hub, url, ines):
    def check(uid, session):
        return requests.get(f"{url}/api/v1/auth/saml/{quote(uid)}?session={session}", timeout=10).json()

    assert check(ines.uid, ines.sso_session) == {"valid": True, "recheck": "2018-03-01T04:08:06Z"}
    assert check(ines.virtual_email(GROUP), ines.sso_session)["valid"] is True
    assert check(ines.uid, "other")["valid"] is False
    assert control(url, "sign-out", {"user": ines.uid}).status_code == 200
    assert check(ines.uid, ines.sso_session)["valid"] is False


def test_faults_befall_the_marketplace_too(hub, url, ines):
    hub.faults.add(Fault("status", path="auth/saml", status=503))
    path = f"{url}/api/v1/auth/saml/{ines.uid}"
    assert [requests.get(path, timeout=10).status_code for _ in range(2)] == [503, 200]
    assert [call.path for call in hub.calls] == [f"/api/v1/auth/saml/{ines.uid}"] * 2


# B2: the developer platform.


# Maestrano SDK, B2.
def test_configuration_has_the_references_form(hub, url):
    hub.add_application(APP, KEY, host="http://127.0.0.1:8000/", marketplace="uat", env_key="env", env_secret="s")
    answer = requests.get(f"{url}/api/config/v1/marketplaces", auth=("env", "s"), timeout=10)
    (entry,) = answer.json()["marketplaces"]
    assert entry["sso"].pop("x509_certificate") == hub.idp.certificate
    assert entry["sso"].pop("x509_fingerprint") == hub.idp.fingerprint
    assert entry == {
        "nid": "sandbox-uat",
        "marketplace": "uat",
        "environment": "sandbox",
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


# Maestrano SDK, B2.
def test_one_environment_may_have_several_marketplaces(hub, url):
    for api_id, key, name in ((APP, KEY, "one"), (OTHER, OTHER_KEY, "two")):
        hub.add_application(api_id, key, marketplace=name, env_key="env", env_secret="s")
    hub.add_application("app-apart", "k", marketplace="three", env_key="other", env_secret="s")
    answer = requests.get(f"{url}/api/config/v1/marketplaces", auth=("env", "s"), timeout=10)
    assert [entry["marketplace"] for entry in answer.json()["marketplaces"]] == ["one", "two"]


# Maestrano SDK, B2.
@pytest.mark.parametrize("auth", [None, ("env", "wrong"), ("", ""), (APP, KEY)])
def test_configuration_is_for_the_environment_only(hub, url, auth):
    hub.add_application(APP, KEY, env_key="env", env_secret="s")
    answer = requests.get(f"{url}/api/config/v1/marketplaces", auth=auth, timeout=10)
    assert (answer.status_code, list(answer.json())) == (401, ["error"])


# C: account webhooks.


class Subscriber:
    """An application's account webhooks."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []
        self.status = 200
        subscriber = self

        class Handler(BaseHTTPRequestHandler):
            def do_DELETE(self) -> None:
                credentials = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
                subscriber.calls.append((self.command, self.path, credentials))
                body = json.dumps({"success": True}).encode()
                self.send_response(subscriber.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def subscriber(hub) -> Iterator[Subscriber]:
    subscriber = Subscriber()
    hub.add_application(APP, KEY, host=subscriber.url)
    yield subscriber
    subscriber.server.shutdown()
    subscriber.server.server_close()
    subscriber.thread.join(10)


# Maestrano SDK, C.
def test_cancelling_deletes_the_group_at_the_application(hub, api, subscriber, ines):
    notice = hub.cancel(GROUP)
    assert subscriber.calls == [("DELETE", f"/maestrano/account/groups/{GROUP}/default", f"{APP}:{KEY}")]
    assert (notice.status, json.loads(notice.answer), notice.kind) == (200, {"success": True}, "cancel")
    assert list(hub.notices.log) == [notice]
    assert api.get("people").status_code == 401
    assert hub.accounts.group(GROUP).status == "terminated"
    # A final bill may still come.
    assert Account(api.url).bill(price_cents=1, description="Final")["success"] is True
    hub.add_group(GROUP, api_id=APP, org=ORG)
    assert api.get("people").status_code == 200
    assert hub.accounts.group(GROUP).status == "running"


# Maestrano SDK, C.
def test_removing_a_user_deletes_the_user_of_the_group(hub, subscriber, ines):
    subscriber.status = 404
    notice = hub.remove_user(GROUP, ines.uid)
    path = f"/maestrano/account/groups/{GROUP}/users/{ines.uid}/default"
    assert subscriber.calls == [("DELETE", path, f"{APP}:{KEY}")]
    assert (notice.status, notice.user) == (404, ines.uid)
    assert hub.accounts.members() == []
    with pytest.raises(LookupError):
        hub.remove_user(GROUP, ines.uid)
    assert len(subscriber.calls) == 1


def test_paths_of_the_application_are_used(hub, subscriber, ines):
    hub.add_application(APP, KEY, group_path="/a/groups/:id/", group_user_path="/a/:group_id/people/:id?m=x")
    hub.remove_user(GROUP, ines.uid)
    hub.cancel(GROUP)
    assert [path for _, path, _ in subscriber.calls] == [f"/a/{GROUP}/people/{ines.uid}?m=x", f"/a/groups/{GROUP}/"]


def test_nobody_there(hub, ines):
    with pytest.raises(LookupError):
        hub.cancel(GROUP)
    with pytest.raises(LookupError):
        hub.cancel("cld-none")
    hub.add_application(APP, KEY, host="http://127.0.0.1:9")
    assert hub.cancel(GROUP).status == 0


# The sandbox's own: registration, and controls.


def test_host_makes_the_notification_address(hub):
    application = hub.add_application(APP, KEY, host="http://127.0.0.1:8000/", marketplace="eu")
    assert application.webhook_url == "http://127.0.0.1:8000/maestrano/connec/notifications/eu"
    assert hub.add_application(APP, KEY, webhook_url="http://127.0.0.1:1/x").webhook_url == "http://127.0.0.1:1/x"
    with pytest.raises(TypeError):
        hub.add_application(APP, KEY, colour="red")


def test_controls(hub, url, subscriber):
    made = control(url, "user", {"name": "Ines", "groups": {GROUP: "Member"}}).json()
    assert control(url, "member", {"user": made["uid"], "group": GROUP, "role": "Admin"}).json()["role"] == "Admin"
    assert control(url, "member", {"user": made["uid"], "group": GROUP, "role": "King"}).status_code == 400
    bill = Account(url).bill(price_cents=1, description="x")["data"]["id"]
    assert control(url, "bill", {"id": bill, "status": "invoiced"}).json()["status"] == "invoiced"
    assert control(url, "leave", {"group": GROUP, "user": made["uid"]}).json()["status"] == 200
    assert control(url, "cancel", {"group": GROUP}).json()["status"] == 200
    assert [n["kind"] for n in control(url, "log", method="GET").json()["notices"]] == ["leave", "cancel"]
    assert control(url, "user", {"groups": 5}).status_code == 400


def test_everything_outlives_the_hub_in_its_file(tmp_path):
    from django_connec.sandbox import SandboxHub

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
