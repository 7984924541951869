"""A user leaves a group: his place in it goes, and with it his sessions for it at their next recheck."""

from __future__ import annotations

from typing import Any

from django_connec.models import ConnecGroup, Membership
from django_connec.signals import user_removed

__all__ = ["watch_removals"]


def watch_removals() -> None:
    """Listen to the hub's word that a user may not work for a group any more (Maestrano SDK, account webhooks)."""
    user_removed.connect(_forget, dispatch_uid="django_connec.sso.leaving")


def _forget(sender: type[ConnecGroup], group: ConnecGroup, user_uid: str, virtual_uid: str, **_: Any) -> None:
    # The user himself and his identity stay: he may belong to other groups, and what he made is his.
    Membership.objects.filter(
        group=group,
        user__connec_identities__marketplace=group.marketplace,
        user__connec_identities__uid__in=[user_uid, virtual_uid],
    ).delete()
