"""Who signs on: users' identities at the hub, their places in groups, and the ids that may not be used again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_connec.models.group import ConnecGroup

__all__ = ["ConnecIdentity", "Membership", "SpentId"]


class ConnecIdentity(models.Model):
    """A user as one marketplace knows him.

    ``uid`` is ``usr-…`` in real mode and ``usr-….cld-…`` in virtual mode, where every group has users of its own
    (Maestrano SDK, ``sso.creation_mode``).
    """

    marketplace = models.CharField(_("marketplace"), max_length=64, default="default")
    uid = models.CharField(_("user id"), max_length=150, help_text=_("The user's id at the hub, for example usr-4c1."))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="connec_identities", verbose_name=_("user")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    signed_on_at = models.DateTimeField(_("last sign-on"), null=True, blank=True)

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [models.UniqueConstraint(fields=["marketplace", "uid"], name="connec_identity_unique")]

    def __str__(self) -> str:
        return self.uid


class Membership(models.Model):
    """A user's place in a group, as the hub said at his last sign-on."""

    #: Roles that the hub gives to whoever administers a group (Maestrano SDK, ``group_role``).
    ADMIN_ROLES = frozenset({"Admin", "Super Admin"})

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="connec_memberships", verbose_name=_("user")
    )
    group = models.ForeignKey(
        ConnecGroup, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("group")
    )
    role = models.CharField(
        _("role"), max_length=64, blank=True, help_text=_("Member, Power User, Admin, Super Admin or Guest.")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["user", "group"], name="connec_membership_unique")]

    def __str__(self) -> str:
        return self.role or str(_("member"))

    @property
    def is_admin(self) -> bool:
        """The hub says that the user administers the group."""
        return self.role in self.ADMIN_ROLES


class SpentId(models.Model):
    """The id of a request or an assertion that has been used, remembered until it could not be used anyway."""

    key = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(_("kept until"), db_index=True)

    class Meta:
        verbose_name = _("spent id")
        verbose_name_plural = _("spent ids")

    def __str__(self) -> str:
        return self.key[:12]
