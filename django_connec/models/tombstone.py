"""``Tombstone``: a row that was deleted here and must not come back by itself."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_connec.mapping.references import MAX_ID_LENGTH
from django_connec.models.group import ConnecGroup

__all__ = ["UNSENT", "Tombstone"]

#: Deletions that the hub has still to be told of.
UNSENT = models.Q(sent_at__isnull=True) & ~models.Q(status="")


class Tombstone(models.Model):
    """One deleted row: its status is sent to the hub, and the tombstone outlives the sending.

    It keeps the record from making the row again, until the hub shows it active with a newer ``updated_at``
    that is not our own.
    """

    group = models.ForeignKey(ConnecGroup, on_delete=models.CASCADE, related_name="tombstones", verbose_name=_("group"))
    resource = models.CharField(_("resource"), max_length=64)
    model_label = models.CharField(_("model"), max_length=100)
    object_id = models.CharField(_("primary key"), max_length=64)
    connec_id = models.CharField(_("hub id"), max_length=MAX_ID_LENGTH, null=True, blank=True)
    hub_updated_at = models.DateTimeField(_("hub's version"), null=True, blank=True)
    status = models.CharField(
        _("status to send"), max_length=32, blank=True, help_text=_("Empty: the hub is not told of the deletion.")
    )
    payload = models.BinaryField(null=True, editable=False)
    deleted_at = models.DateTimeField(_("deleted at"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    is_dead = models.BooleanField(_("given up"), default=False)
    message = models.CharField(_("message"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("tombstone")
        verbose_name_plural = _("tombstones")
        indexes = [
            models.Index(fields=["group", "resource", "connec_id"], name="connec_tomb_record"),
            models.Index(fields=["group", "resource", "object_id"], name="connec_tomb_object"),
            models.Index(fields=["group", "sent_at"], name="connec_tomb_unsent"),
        ]

    def __str__(self) -> str:
        return f"{self.model_label} {self.object_id}"
