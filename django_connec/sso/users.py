"""From a verified sign-on to a group, a user and his place in it (integration checklist 1.2.1 to 1.4.1)."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, router, transaction
from django.utils.module_loading import import_string

from django_connec.models import ConnecGroup, Membership
from django_connec.sso.backends import AnyUser, ConnecBackend
from django_connec.sso.identity import Identity
from django_connec.sso.refusal import Reason, Refused

__all__ = ["SignOn", "our_backend", "sign_on"]


@dataclass(frozen=True, slots=True)
class SignOn:
    """What a sign-on found or made.

    Attributes:
        backend: Dotted path of the back-end, which Django's session remembers.
        was_linked: The group is linked since now: it is new, or had cancelled.
    """

    group: ConnecGroup
    user: AnyUser
    membership: Membership
    backend: str
    group_created: bool
    was_linked: bool
    user_created: bool
    membership_created: bool


def our_backend() -> tuple[str, type[ConnecBackend]] | None:
    """Return the first entry of ``AUTHENTICATION_BACKENDS`` that is ours, or a subclass, with its path."""
    for path in settings.AUTHENTICATION_BACKENDS:
        found = import_string(path)
        if isinstance(found, type) and issubclass(found, ConnecBackend):
            return path, found
    return None


def sign_on(identity: Identity) -> SignOn:
    """Find or make the group, the user and the membership.

    Raises:
        Refused: The user may not sign on, or no back-end of ours is configured.
    """
    configured = our_backend()
    if configured is None:
        raise Refused(Reason.NOT_CONFIGURED)
    path, backend = configured
    group, group_created, was_linked = _group(identity)
    user, user_created = backend().resolve(identity)
    membership, membership_created = Membership.objects.using(router.db_for_write(Membership)).update_or_create(
        user=user, group=group, defaults={"role": identity.role}
    )
    return SignOn(group, user, membership, path, group_created, was_linked, user_created, membership_created)


def _group(identity: Identity) -> tuple[ConnecGroup, bool, bool]:
    """Return the group, whether it was made, and whether it was linked; its details are those of the hub."""
    using = router.db_for_write(ConnecGroup)
    marketplace, uid = identity.marketplace.name, identity.group.uid
    for _attempt in range(2):
        try:
            with transaction.atomic(using=using):
                group = (
                    ConnecGroup.objects.using(using)
                    .select_for_update()
                    .filter(marketplace=marketplace, uid=uid)
                    .first()
                )
                created = group is None
                if group is None:
                    group = ConnecGroup(marketplace=marketplace, uid=uid)
                elif group.uid != uid:
                    raise Refused(Reason.IDENTITY)
                was_linked = created or not group.is_active
                changed = _refresh(group, identity)
                if was_linked:
                    group.link()
                elif changed:
                    group.save(using=using, update_fields=changed)
                return group, created, was_linked
        except IntegrityError:
            # Two users of a new group at once: the other has made it.
            continue
    raise Refused(Reason.IDENTITY)


def _refresh(group: ConnecGroup, identity: Identity) -> list[str]:
    changed = []
    for name, value in (("name", identity.group.name), ("org_uid", identity.group.org_uid)):
        if value and getattr(group, name) != value:
            setattr(group, name, value)
            changed.append(name)
    return changed
