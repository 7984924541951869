"""Who is who in the marketplace, and which application serves whom."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from django_connec.sandbox.accounts.entities import ROLES, GroupProfile, Membership, Registration, User
from django_connec.sandbox.accounts.store import AccountStore
from django_connec.sandbox.store import Store
from django_connec.sandbox.times import stamp

__all__ = ["Accounts"]

#: What comes after a dot in a virtual uid is the group.
UID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: Answers of the identity provider are XML 1.0.
UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FREE_TRIAL = dt.timedelta(days=30)


class Accounts:
    """Users, groups, memberships and registered applications.

    Args:
        hub: What the hub knows: who has which keys, and which groups it serves.
        path: The SQLite file; ``:memory:`` keeps nothing.
        clock: Returns the hub's time, aware.
    """

    def __init__(self, hub: Store, path: str, clock: Callable[[], dt.datetime]) -> None:
        self.hub = hub
        self.store = AccountStore(path)
        self.clock = clock

    def close(self) -> None:
        self.store.close()

    # Users ----------------------------------------------------------------------------------------------

    def save_user(self, uid: str | None = None, **details: Any) -> User:
        """Make a user, or change one.

        Args:
            uid: The next ``usr-…`` by default.
            details: Attributes of :class:`User`; what is not given keeps its value.

        Raises:
            TypeError: A detail is none of a user's.
            ValueError: A text holds what XML cannot, or the uid is not one.
        """
        if uid is not None and not UID.fullmatch(uid):
            raise ValueError("a user's uid has letters, digits, - and _ only")
        _check(details)
        now = stamp(self.clock())
        known = self.user(uid) if uid is not None else None
        if known is None:
            while uid is None or self.user(uid) is not None:
                uid = f"usr-{self.store.next_number('user')}"
            known = User(uid, "", "", f"{uid}@example.com", "", "US", _token(), now, now)
        user = replace(known, **{"updated_at": now, **details})
        self.store.save("user", user.uid, asdict(user))
        return user

    def user(self, uid: str) -> User | None:
        """Return a user by uid; a virtual uid or its address leads to the same one."""
        body = self.store.get("user", uid.partition(".")[0])
        return None if body is None else User(**body)

    def users(self) -> list[User]:
        """Return all users, in the order in which they were made."""
        return [User(**body) for body in self.store.all("user")]

    def end_session(self, uid: str) -> None:
        """Sign a user out of the marketplace: every application learns of it when it next checks the session."""
        if self.user(uid) is not None:
            self.save_user(uid, sso_session=_token())

    # Groups ---------------------------------------------------------------------------------------------

    def save_group(self, uid: str, **details: Any) -> GroupProfile:
        """Make a group, or say more about one.

        Args:
            details: Attributes of :class:`GroupProfile`; what is not given keeps its value.

        Raises:
            TypeError: A detail is none of a group's.
            ValueError: A text holds what XML cannot.
        """
        _check({"uid": uid, **details})
        group = replace(self.group(uid) or self._new_group(uid), **{"updated_at": stamp(self.clock()), **details})
        self.store.save("group", uid, asdict(group))
        return group

    def group(self, uid: str) -> GroupProfile | None:
        """Return a group."""
        body = self.store.get("group", uid)
        return None if body is None else GroupProfile(**body)

    def groups(self, *, api_id: str | None = None) -> list[GroupProfile]:
        """Return all groups, or those of one application; those that cancelled it are among them."""
        found = (GroupProfile(**body) for body in self.store.all("group"))
        return [group for group in found if api_id in (None, group.api_id)]

    def is_served(self, group: GroupProfile) -> bool:
        """Tell whether the hub answers the application for this group: it was not revoked."""
        return self.hub.org_of(group.uid, group.api_id) is not None

    def _new_group(self, uid: str) -> GroupProfile:
        """Return a group as the SDKs' sandbox has it where nothing is said."""
        now = self.clock()
        return GroupProfile(
            uid=uid,
            api_id="",
            org="",
            name=uid,
            email=f"{uid}@example.com",
            has_credit_card=False,
            status="running",
            free_trial_end_at=stamp(now + FREE_TRIAL),
            currency="USD",
            timezone="America/Los_Angeles",
            country="US",
            city="Los Angeles",
            main_accounting="quickbooks",
            push_disabled=False,
            pull_disabled=False,
            created_at=stamp(now),
            updated_at=stamp(now),
        )

    # Memberships ----------------------------------------------------------------------------------------

    def save_member(self, user: str, group: str, role: str | None = "Member") -> Membership:
        """Let a user belong to a group, or change the role.

        Args:
            role: One of :data:`ROLES`; ``None``: a guest.

        Raises:
            LookupError: There is no such user or group.
            ValueError: There is no such role.
        """
        if role is not None and role not in ROLES:
            raise ValueError(f"role must be one of {', '.join(ROLES)}")
        if self.user(user) is None or self.group(group) is None:
            raise LookupError("no such user or group")
        member = Membership(user, group, role)
        self.store.save("member", f"{user} {group}", asdict(member))
        return member

    def drop_member(self, user: str, group: str) -> bool:
        """End a membership; returns whether there was one."""
        return self.store.delete("member", f"{user} {group}")

    def members(self, *, user: str | None = None, group: str | None = None) -> list[Membership]:
        """Return memberships, those of one user, or of one group."""
        found = (Membership(**body) for body in self.store.all("member"))
        return [m for m in found if user in (None, m.user) and group in (None, m.group)]

    def accessible(self, user: str, api_id: str) -> list[GroupProfile]:
        """Return the groups as which a user may sign on to an application."""
        joined = {member.group for member in self.members(user=user)}
        return [g for g in self.groups(api_id=api_id) if g.uid in joined and self.is_served(g)]

    # Applications ---------------------------------------------------------------------------------------

    def register(self, api_id: str, **details: Any) -> Registration:
        """Say where an application is.

        Args:
            details: Attributes of :class:`Registration`; what is not given keeps its value.

        Raises:
            TypeError: A detail is none of an application's.
        """
        application = replace(self.registration(api_id), **details)
        application = replace(application, host=application.host.rstrip("/"))
        self.store.save("application", api_id, asdict(application))
        return application

    def registration(self, api_id: str) -> Registration:
        """Return what is known of an application's addresses."""
        body = self.store.get("application", api_id)
        return Registration(api_id, api_id) if body is None else Registration(**body)


def _check(details: Mapping[str, Any]) -> None:
    for name, value in details.items():
        if isinstance(value, str) and UNWRITABLE.search(value):
            raise ValueError(f"{name} holds a character that XML cannot")


def _token() -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(36))
