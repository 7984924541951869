"""Who signs on, as the hub says it: a verified assertion's attributes, typed (Maestrano SDK, assertion attributes)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from django_connec.conf import Marketplace
from django_connec.sso.refusal import Reason, Refused

__all__ = ["HubGroup", "HubUser", "Identity", "mask_user", "read_identity", "unmask_user"]

#: How long a session is good for where the hub does not say, and at least.
RECHECK_AFTER = dt.timedelta(minutes=3)
_UID = re.compile(r"[\w.@:+-]{1,150}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HubGroup:
    """The customer through which the user signs on. Texts are empty, other values ``None``, where unknown."""

    uid: str
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    org_uid: str = field(default="", repr=False)
    currency: str = field(default="", repr=False)
    timezone: str = field(default="", repr=False)
    country: str = field(default="", repr=False)
    city: str = field(default="", repr=False)
    has_credit_card: bool | None = field(default=None, repr=False)
    free_trial_ends_at: dt.datetime | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HubUser:
    """The user. ``uid`` and ``email`` are those of the marketplace's creation mode.

    Attributes:
        uid: Under which the user is known here: ``usr-…``, or ``usr-….cld-…`` in virtual mode.
        real_uid: ``usr-…`` in both.
        email: The real address, or in virtual mode one that is forwarded.
    """

    uid: str
    real_uid: str
    email: str = field(default="", repr=False)
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    country: str = field(default="", repr=False)
    company_name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """One verified sign-on.

    Attributes:
        marketplace: Through which.
        user: Who.
        group: For which customer.
        role: ``Member``, ``Power User``, ``Admin``, ``Super Admin``, ``Guest``, or empty.
        session_token: Under which the hub is asked about the session; empty where it gave none.
        recheck_at: When it is to be asked.
        attributes: All attributes, as they came.
    """

    marketplace: Marketplace
    user: HubUser
    group: HubGroup
    role: str
    session_token: str = field(repr=False)
    recheck_at: dt.datetime
    attributes: Mapping[str, str] = field(repr=False)


def mask_user(marketplace: Marketplace, user_uid: str, group_uid: str) -> str:
    """Return the id under which a user is known here: ``usr-….cld-…`` in virtual mode, else as it is."""
    if marketplace.sso_creation_mode != "virtual" or user_uid.endswith(f".{group_uid}"):
        return user_uid
    return f"{unmask_user(user_uid)}.{group_uid}"


def unmask_user(uid: str) -> str:
    """Return a user's real id: the part before the dot."""
    return uid.partition(".")[0]


def read_identity(marketplace: Marketplace, name_id: str, attributes: Mapping[str, str]) -> Identity:
    """Return what a verified assertion says. A bad date or number is as good as none.

    Args:
        marketplace: Whose assertion it is.
        name_id: The subject: the user's real id.
        attributes: Values by name, from the verified element only.

    Raises:
        Refused: The group or the user has no usable id, or two of them disagree.
    """

    def text(name: str, limit: int = 255) -> str:
        return attributes.get(name, "").replace("\0", "")[:limit]

    group_uid, real_uid = attributes.get("group_uid", ""), attributes.get("uid", "") or name_id
    is_virtual = marketplace.sso_creation_mode == "virtual"
    uid = attributes.get("virtual_uid", "") or mask_user(marketplace, real_uid, group_uid) if is_virtual else real_uid
    if not all(_UID.fullmatch(value) for value in (group_uid, real_uid, uid)):
        raise Refused(Reason.IDENTITY)
    if real_uid != name_id or (is_virtual and uid != f"{unmask_user(real_uid)}.{group_uid}"):
        raise Refused(Reason.IDENTITY)
    return Identity(
        marketplace=marketplace,
        user=HubUser(
            uid=uid,
            real_uid=real_uid,
            email=text("virtual_email" if is_virtual else "email"),
            first_name=text("name"),
            last_name=text("surname"),
            country=text("country"),
            company_name=text("company_name"),
        ),
        group=HubGroup(
            uid=group_uid,
            name=text("group_name") or text("company_name"),
            email=text("group_email"),
            org_uid=text("group_org_uid", 150),
            currency=text("group_currency"),
            timezone=text("group_timezone"),
            country=text("group_country"),
            city=text("group_city"),
            has_credit_card={"true": True, "false": False}.get(text("group_has_credit_card").lower()),
            free_trial_ends_at=read_time(attributes.get("group_end_free_trial")),
        ),
        role=text("group_role", 64),
        session_token=text("mno_session", 2000),
        recheck_at=read_time(attributes.get("mno_session_recheck")) or timezone.now() + RECHECK_AFTER,
        attributes=MappingProxyType(dict(attributes)),
    )


def read_time(value: object) -> dt.datetime | None:
    """Return an ISO 8601 time, aware; ``None`` for whatever is no such thing."""
    if not isinstance(value, str):
        return None
    try:
        found = parse_datetime(value.strip())
    except ValueError:
        return None
    if found is None:
        return None
    return found if timezone.is_aware(found) else found.replace(tzinfo=dt.UTC)
