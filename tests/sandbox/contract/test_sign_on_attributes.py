"""What an application is told of who signs on (Maestrano SDK, section A5)."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from tests.sandbox.helpers import APP, GROUP, OTHER, OTHER_GROUP, Api
from tests.sandbox.sso import address, authn_request, opened, said


def told(hub, user, issuer=APP, **parameters):
    return said(opened(hub.idp.answer(address(authn_request(issuer), **parameters), user=user.uid).fields))


def test_attributes_are_those_of_the_reference(hub, ines):
    """Maestrano SDK, section A5: the table, name by name; group_org_uid too, which production's connectors read."""
    hub.accounts.save_group(GROUP, name="Pelican & Freight", city="Porto", currency="EUR", country="ES")
    assert told(hub, ines) == {
        "mno_uid": "usr-1",
        "mno_session": ines.sso_session,
        "mno_session_recheck": "2018-03-01T04:08:06Z",
        "group_uid": GROUP,
        "group_name": "Pelican & Freight",
        "group_end_free_trial": "2018-03-31T04:05:06Z",
        "group_role": "Admin",
        "group_has_credit_card": "false",
        "group_email": f"{GROUP}@example.com",
        "group_currency": "EUR",
        "group_timezone": "America/Los_Angeles",
        "group_country": "ES",
        "group_city": "Porto",
        "group_org_uid": "org-9x1",
        "group_reseller_id": "rsl-449s8fsd",
        "uid": "usr-1",
        "virtual_uid": f"usr-1.{GROUP}",
        "email": "ines@pelican.example",
        "virtual_email": f"usr-1.{GROUP}@mno-api-sandbox-mail.maestrano.com",
        "name": "Ines",
        "surname": "Oka<for>",
        "country": "PT",
        "company_name": "",
        "app_owner": "true",
        "organizations": "{}",
    }


@pytest.mark.parametrize("name", ["mno_session_recheck", "group_end_free_trial"])
def test_times_are_strict_iso_8601(hub, ines, name):
    """Maestrano SDK, section A4: the Ruby and Java SDKs parse these two strictly, and fail without them."""
    text = told(hub, ines)[name]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
    assert dt.datetime.fromisoformat(text) > hub.clock()


@pytest.mark.parametrize("role", ["Member", "Power User", "Admin", "Super Admin", None])
def test_roles(hub, ines, role):
    """Maestrano SDK, section A5: group_role, with Guest where there is none."""
    hub.add_member(ines.uid, GROUP, role)
    assert told(hub, ines)["group_role"] == (role or "Guest")


def test_role_is_of_the_group_that_signs_on(hub):
    """Maestrano SDK, section A5: real = a user may be in several groups; one session token at the marketplace."""
    user = hub.add_user(groups={GROUP: "Member", OTHER_GROUP: "Admin"})
    first, second = told(hub, user), told(hub, user, OTHER)
    assert (first["group_uid"], first["group_role"]) == (GROUP, "Member")
    assert (second["group_uid"], second["group_role"]) == (OTHER_GROUP, "Admin")
    assert first["mno_session"] == second["mno_session"]


def test_virtual_identity_is_one_a_group_and_unmasks_to_the_real_one(hub, ines):
    """Maestrano SDK, section A5: virtual_uid and virtual_email; the part before the dot is the real uid."""
    hub.add_group("cld-second", api_id=APP, org="org-2")
    hub.add_member(ines.uid, "cld-second")
    both = [told(hub, ines, group_id=group) for group in (GROUP, "cld-second")]
    assert len({values["virtual_uid"] for values in both}) == len({values["virtual_email"] for values in both}) == 2
    for values in both:
        assert values["virtual_uid"] == f"{values['uid']}.{values['group_uid']}"
        assert values["virtual_email"].partition("@")[0] == values["virtual_uid"]
        assert values["virtual_uid"].partition(".")[0] == values["mno_uid"] == ines.uid


def test_reseller_is_named_on_a_resellers_login_only(hub, ines):
    """Maestrano SDK, section A5: reseller_id, reseller_name and reseller_country only on a reseller's login."""
    names = {"reseller_id", "reseller_name", "reseller_country"}
    assert not names & set(told(hub, ines))
    reseller = told(hub, ines, reseller_sso="1")
    assert {name: reseller[name] for name in names} == {
        "reseller_id": "rsl-449s8fsd",
        "reseller_name": "Blue Consulting",
        "reseller_country": "AU",
    }


def test_group_uid_is_the_hubs_group(hub, ines, url):
    """Maestrano SDK, section A5: group_uid, tenant key, also the Connec! group id."""
    group = told(hub, ines)["group_uid"]
    assert Api(url, group).get("people").json()["people"] == []


def test_uids_have_the_references_shape(hub):
    """Maestrano SDK, section A5: uid str usr-1; a dot would be read as the border to a group."""
    assert [hub.add_user().uid for _ in range(2)] == ["usr-1", "usr-2"]
    with pytest.raises(ValueError, match="uid"):
        hub.add_user("usr.1")
