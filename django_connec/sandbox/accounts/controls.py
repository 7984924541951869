"""The sandbox's own controls that deal with people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_connec.sandbox.hub import SandboxHub

__all__ = ["PEOPLE_CONTROLS", "act"]

PEOPLE_CONTROLS = frozenset({"user", "member", "cancel", "leave", "bill", "execute", "sign-out"})


def act(hub: SandboxHub, name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a control says.

    Raises:
        LookupError: What it names is not there.
        TypeError: A detail is unknown.
        ValueError: A detail is wrong.
    """
    if name == "user":
        groups = content.get("groups") or {}
        if not isinstance(groups, Mapping):
            raise ValueError("groups must be an object: a role by group")
        details = {key: value for key, value in content.items() if key not in ("uid", "groups")}
        return asdict(hub.add_user(content.get("uid"), groups=groups, **details))
    if name == "member":
        return asdict(hub.add_member(str(content["user"]), str(content["group"]), content.get("role", "Member")))
    if name == "cancel":
        return asdict(hub.cancel(str(content["group"])))
    if name == "leave":
        return asdict(hub.remove_user(str(content["group"]), str(content["user"])))
    if name == "bill":
        kind = "recurring_bill" if str(content["id"]).startswith("rbill-") else "bill"
        return hub.bills.set_status(kind, str(content["id"]), str(content["status"]))
    if name == "execute":
        return hub.bills.execute(str(content["id"]))
    hub.accounts.end_session(str(content["user"]))
    return {}
