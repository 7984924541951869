"""Users, groups and resellers as the account API shows them (Maestrano SDK, section D)."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.sandbox.helpers import GROUP, KEY, ORG, OTHER_GROUP


def encrypted(password: str, key: str) -> str:
    iv = bytes(range(16))
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(key.encode()[:32].ljust(32, b"\0")), modes.CBC(iv)).encryptor()
    content = encryptor.update(padder.update(password.encode()) + padder.finalize()) + encryptor.finalize()
    return "--".join(base64.b64encode(part).decode() for part in (iv, content))


def test_user_has_the_references_fields(account, ines):
    """Maestrano SDK, section D: user account_user: id, name, surname, email, company_name, country, sso_session, …."""
    (user,) = account("GET", "account/users")["data"]
    assert account("GET", f"account/users/{ines.uid}")["data"] == user
    assert user == {
        "object": "account_user",
        "id": ines.uid,
        "name": "Ines",
        "surname": "Oka<for>",
        "email": "ines@pelican.example",
        "company_name": "",
        "country": "PT",
        "sso_session": ines.sso_session,
        "created_at": "2018-03-01T04:05:06Z",
        "updated_at": "2018-03-01T04:05:06Z",
    }


def test_users_are_those_of_the_applications_groups(account, hub, ines):
    """Maestrano SDK, section D: /account/users, GET only, an application's own."""
    hub.add_user(name="Maud", groups={OTHER_GROUP: "Member"})
    hub.add_user(name="Nobody's")
    assert [user["id"] for user in account("GET", "account/users")["data"]] == [ines.uid]


def test_group_has_the_references_fields(account, hub):
    """Maestrano SDK, section D: group account_group: …, main_accounting, timestamps; the real hub's metadata."""
    hub.accounts.save_group(GROUP, name="Pelican Freight", pull_disabled=True)
    (group,) = account("GET", "account/groups")["data"]
    assert account("GET", f"account/groups/{GROUP}")["data"] == group
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("has_credit_card", True),
        ("status", "terminated"),
        ("currency", "AUD"),
        ("timezone", "Australia/Melbourne"),
        ("country", "AU"),
        ("city", "Melbourne"),
        ("main_accounting", "xero"),
        ("main_accounting", "myob"),
    ],
)
def test_what_is_said_of_a_group_is_shown(account, hub, name, value):
    """Maestrano SDK, section D: has_credit_card, status, currency, timezone, country, city, main_accounting."""
    hub.accounts.save_group(GROUP, **{name: value})
    assert account("GET", f"account/groups/{GROUP}")["data"][name] == value


def test_group_that_cancelled_is_terminated(account, hub, subscriber):
    """Maestrano SDK, section D: status(running|terminated…)."""
    hub.cancel(GROUP)
    assert account("GET", f"account/groups/{GROUP}")["data"]["status"] == "terminated"


def test_authenticate(account, ines):
    """Maestrano SDK, section D: POST id or email + password = b64(iv)--b64(cipher) keyed by the api key."""
    right = encrypted("hunter2", KEY)
    for who in ({"id": ines.uid}, {"email": ines.email}):
        answer = account("POST", "account/users/authenticate", data=who | {"password": right})
        assert answer["data"]["id"] == ines.uid


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "usr-99"},
        {"password": encrypted("invalid_password", KEY)},
        {"password": encrypted("hunter2", "another key")},
        {"password": "plain"},
        {"password": ""},
    ],
)
def test_authenticate_refuses(account, ines, wrong):
    """Maestrano SDK, section D: /account/users/authenticate answers in the envelope, without success."""
    data = {"id": ines.uid, "password": encrypted("hunter2", KEY)} | wrong
    answer = account("POST", "account/users/authenticate", data=data)
    assert (answer["success"], answer["data"], list(answer["errors"])) == (False, None, ["password"])


def test_resellers_are_mocked(account):
    """Maestrano SDK, section D: /account/resellers[/:id], /account/resellers/:id/groups, GET (mocked)."""
    (reseller,) = account("GET", "account/resellers")["data"]
    assert reseller["id"].startswith("rsl-")
    assert account("GET", f"account/resellers/{reseller['id']}")["data"] == reseller
    assert [group["id"] for group in account("GET", f"account/resellers/{reseller['id']}/groups")["data"]] == [GROUP]
