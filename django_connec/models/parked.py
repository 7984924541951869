"""``ParkedRecord``: a record that waits for another one which it refers to."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_connec.mapping.references import MAX_ID_LENGTH
from django_connec.models.group import ConnecGroup

__all__ = ["ParkedRecord"]


class ParkedRecord(models.Model):
    """One record whose reference is not here yet, with the newest version of it that came in.

    Tried when a record of the missing resource is applied and at least hourly; becomes a failure when it has
    waited too long (``PARKED_DAYS``).
    """

    group = models.ForeignKey(ConnecGroup, on_delete=models.CASCADE, related_name="parked", verbose_name=_("group"))
    resource = models.CharField(_("resource"), max_length=64)
    connec_id = models.CharField(_("hub id"), max_length=MAX_ID_LENGTH)
    record = models.BinaryField(editable=False)
    missing_resource = models.CharField(_("missing resource"), max_length=64)
    missing_id = models.CharField(_("missing id"), max_length=MAX_ID_LENGTH, blank=True)
    field = models.CharField(_("field"), max_length=64, blank=True)
    parked_at = models.DateTimeField(_("parked at"), default=timezone.now)
    next_attempt_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)

    class Meta:
        verbose_name = _("parked record")
        verbose_name_plural = _("parked records")
        constraints = [models.UniqueConstraint(fields=["group", "resource", "connec_id"], name="connec_parked_unique")]
        indexes = [
            models.Index(fields=["group", "missing_resource", "missing_id"], name="connec_parked_missing"),
            models.Index(fields=["group", "next_attempt_at"], name="connec_parked_due"),
        ]

    def __str__(self) -> str:
        return f"{self.resource} {self.connec_id}"
