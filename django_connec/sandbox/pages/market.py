"""The marketplace: which applications a customer has, and opening them."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django_connec.sandbox.messages import Response
from django_connec.sandbox.pages.activity import TROUBLE
from django_connec.sandbox.pages.web import Visit, local_path, page, redirect

__all__ = ["add_group", "cancel", "resume", "switch", "tiles"]


def tiles(visit: Visit) -> Response:
    """Show the applications of each organisation."""
    accounts = visit.hub.accounts
    groups = sorted(accounts.groups(), key=lambda group: group.org)
    organisations = [
        {"uid": org, "tiles": [_tile(visit, group) for group in of_org]}
        for org, of_org in groupby(groups, key=lambda group: group.org)
    ]
    return page(
        visit,
        "market.html",
        {
            "organisations": organisations,
            "applications": _applications(visit),
            "trouble": TROUBLE,
            "faults": visit.hub.faults.remaining(),
        },
    )


def switch(visit: Visit) -> Response:
    """Sign another user on to the marketplace."""
    user = visit.hub.accounts.user(visit.form.get("user", ""))
    return redirect(local_path(visit.form.get("back", "/")), user=user.uid if user else "")


def add_group(visit: Visit) -> Response:
    """Let an organisation have an application.

    Raises:
        ValueError: Something was left empty, or no application has this id.
    """
    form = {name: value.strip() for name, value in visit.form.items()}
    api_id, org, uid = form.get("api_id", ""), form.get("org", ""), form.get("uid", "")
    if not uid:
        uid = f"cld-{visit.hub.accounts.store.next_number('group')}"
    if not org or not any(application["api_id"] == api_id for application in _applications(visit)):
        raise ValueError("A group needs an organisation and an application.")
    visit.hub.add_group(uid, api_id=api_id, org=org, name=form.get("name") or uid)
    return redirect("/")


def cancel(visit: Visit) -> Response:
    """Cancel an application for a group; the application is told."""
    visit.hub.cancel(visit.parts["group"])
    return redirect("/activity")


def resume(visit: Visit) -> Response:
    """Let a group have its application again."""
    group = visit.hub.accounts.group(visit.parts["group"])
    if group is None:
        raise LookupError(visit.parts["group"])
    visit.hub.add_group(group.uid, api_id=group.api_id, org=group.org)
    return redirect("/")


def _tile(visit: Visit, group: Any) -> dict[str, Any]:
    registration = visit.hub.accounts.registration(group.api_id)
    return {
        "group": group,
        "application": registration,
        "served": visit.hub.accounts.is_served(group),
        "launch_url": registration.launch_url(group.uid) if registration.host else "",
        "members": len(visit.hub.accounts.members(group=group.uid)),
    }


def _applications(visit: Visit) -> list[dict[str, Any]]:
    return [
        {"api_id": a.api_id, "name": visit.hub.accounts.registration(a.api_id).name}
        for a in visit.hub.store.applications()
    ]
