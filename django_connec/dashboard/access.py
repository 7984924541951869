"""Who may manage which groups."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.module_loading import import_string

from django_connec.conf import get_settings
from django_connec.exceptions import ConnecConfigurationError
from django_connec.models import ConnecGroup, Membership

__all__ = ["groups_of", "managed_groups"]


def managed_groups(request: HttpRequest) -> QuerySet[ConnecGroup]:
    """Return the groups whose sharing the user of a request may manage: the default of ``SHARING_GROUPS``.

    All of them for who may change groups in the admin; else those that he administers, by the role that the hub gave
    him at sign-on.
    """
    user: Any = request.user
    if user.has_perm("django_connec.change_connecgroup"):
        return ConnecGroup.objects.all()
    own = Membership.objects.filter(user=user, role__in=Membership.ADMIN_ROLES)
    return ConnecGroup.objects.filter(pk__in=own.values("group"))


def groups_of(request: HttpRequest) -> QuerySet[ConnecGroup]:
    """Return the linked groups that ``SHARING_GROUPS`` lets this user manage.

    Raises:
        ConnecConfigurationError: It does not return a queryset of groups.
    """
    path = get_settings().sharing_groups
    groups = import_string(path)(request)
    if not isinstance(groups, QuerySet) or groups.model is not ConnecGroup:
        raise ConnecConfigurationError(
            f'CONNEC["SHARING_GROUPS"]: {path} must return a queryset of ConnecGroup, not {type(groups).__name__}'
        )
    return groups.filter(is_active=True)
