"""Users, and which groups they belong to."""

from __future__ import annotations

from django_connec.sandbox.accounts import ROLES
from django_connec.sandbox.messages import Response
from django_connec.sandbox.pages.web import Visit, page, redirect

__all__ = ["add", "join", "leave", "show", "sign_out"]

DETAILS = ("name", "surname", "email", "company_name", "country")


def show(visit: Visit) -> Response:
    """List the users with their memberships."""
    accounts = visit.hub.accounts
    groups = {group.uid: group for group in accounts.groups()}
    users = [
        {
            "user": user,
            "memberships": [
                {"group": groups[m.group], "role": m.role} for m in accounts.members(user=user.uid) if m.group in groups
            ],
        }
        for user in accounts.users()
    ]
    return page(visit, "people.html", {"users": users, "groups": list(groups.values()), "roles": ROLES})


def add(visit: Visit) -> Response:
    """Make a user."""
    form = visit.form
    visit.hub.accounts.save_user(**{name: form[name].strip() for name in DETAILS if form.get(name, "").strip()})
    return redirect("/people")


def join(visit: Visit) -> Response:
    """Let a user belong to a group, or change the role."""
    form = visit.form
    visit.hub.add_member(visit.parts["user"], form.get("group", ""), form.get("role") or None)
    return redirect("/people")


def leave(visit: Visit) -> Response:
    """Take a user out of a group; the application is told."""
    visit.hub.remove_user(visit.form.get("group", ""), visit.parts["user"])
    return redirect("/activity")


def sign_out(visit: Visit) -> Response:
    """End a user's sessions everywhere."""
    visit.hub.accounts.end_session(visit.parts["user"])
    return redirect("/people")
