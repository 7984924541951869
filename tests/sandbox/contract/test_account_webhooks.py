"""What the marketplace tells an application of its customers (Maestrano SDK, section C)."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.helpers import APP, GROUP, KEY, ORG, OTHER, OTHER_GROUP


def test_cancelling_deletes_the_group_at_the_application(hub, api, subscriber):
    """Maestrano SDK, section C: group cancels the app, DELETE /maestrano/account/groups/:id[/:tenant], Basic."""
    notice = hub.cancel(GROUP)
    assert subscriber.calls == [("DELETE", f"/maestrano/account/groups/{GROUP}/default", f"{APP}:{KEY}")]
    assert (notice.status, json.loads(notice.answer), notice.kind) == (200, {"success": True}, "cancel")
    assert list(hub.notices.log) == [notice]
    assert api.get("people").status_code == 401
    hub.add_group(GROUP, api_id=APP, org=ORG)
    assert api.get("people").status_code == 200
    assert hub.accounts.group(GROUP).status == "running"


def test_removing_a_user_deletes_the_user_of_the_group(hub, subscriber, ines):
    """Maestrano SDK, section C: user removed from group, DELETE …/groups/:group_id/users/:id[/:tenant]; real uid."""
    notice = hub.remove_user(GROUP, ines.uid)
    path = f"/maestrano/account/groups/{GROUP}/users/{ines.uid}/default"
    assert subscriber.calls == [("DELETE", path, f"{APP}:{KEY}")]
    assert (notice.status, notice.user) == (200, ines.uid)
    assert hub.accounts.members() == []
    with pytest.raises(LookupError):
        hub.remove_user(GROUP, ines.uid)
    assert len(subscriber.calls) == 1


@pytest.mark.parametrize("status", [200, 204, 401, 404, 500])
def test_what_the_application_answers_is_kept(hub, api, subscriber, ines, status):
    """Maestrano SDK, section C: expected 200; 204 for an unknown group, 401 for wrong credentials; all are logged."""
    subscriber.status = status
    hub.remove_user(GROUP, ines.uid)
    hub.cancel(GROUP)
    assert [(n.kind, n.status) for n in hub.notices.log] == [("leave", status), ("cancel", status)]
    assert all(notice.milliseconds > 0 for notice in hub.notices.log)
    # Whatever it says, the customer has left.
    assert api.get("people").status_code == 401


@pytest.mark.parametrize(
    ("details", "cancelled", "left"),
    [
        (
            {"marketplace": "eu"},
            f"/maestrano/account/groups/{GROUP}/eu",
            f"/maestrano/account/groups/{GROUP}/users/usr-1/eu",
        ),
        (
            {
                "group_path": "/maestrano/account/groups/:id",
                "group_user_path": "/maestrano/account/groups/:group_id/users/:id",
            },
            f"/maestrano/account/groups/{GROUP}",
            f"/maestrano/account/groups/{GROUP}/users/usr-1",
        ),
        (
            {"group_path": "/a/groups/:id/", "group_user_path": "/a/:group_id/people/:id?m=x"},
            f"/a/groups/{GROUP}/",
            f"/a/{GROUP}/people/usr-1?m=x",
        ),
    ],
)
def test_paths_with_and_without_tenant_and_of_ones_own(hub, subscriber, ines, details, cancelled, left):
    """Maestrano SDK, section C: [/:tenant]; section B2: hand defaults, and group_path, group_user_path."""
    hub.add_application(APP, KEY, **details)
    hub.remove_user(GROUP, ines.uid)
    hub.cancel(GROUP)
    assert [path for _, path, _ in subscriber.calls] == [left, cancelled]


def test_only_the_groups_own_application_is_told(hub, subscriber):
    """Maestrano SDK, section C: login = api.id, password = api.key of that tenant."""
    hub.add_application(OTHER, "key:two", host=subscriber.url, marketplace="other")
    hub.cancel(OTHER_GROUP)
    path = f"/maestrano/account/groups/{OTHER_GROUP}/other"
    assert subscriber.calls == [("DELETE", path, f"{OTHER}:key:two")]
    assert hub.accounts.group(GROUP).status == "running"
