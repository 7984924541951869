"""Values of ``SHARING_GROUPS``."""

from __future__ import annotations

from django_connec.models import ConnecGroup


def by_name(request):
    """A user manages the group that is called as he is."""
    return ConnecGroup.objects.filter(name=request.user.username)


def wrong(request):
    return [1]
