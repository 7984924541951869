"""``Notification``: a webhook delivery as it came in, kept until it is applied and for a while after."""

from __future__ import annotations

import hashlib

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

__all__ = ["Notification"]


class Notification(models.Model):
    """One stored delivery. The body is bytes: not all that arrives is text that a database holds."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        APPLIED = "applied", _("applied")
        FAILED = "failed", _("failed in part")
        UNREADABLE = "unreadable", _("unreadable")

    marketplace = models.CharField(_("marketplace"), max_length=64)
    body = models.BinaryField(_("body"), editable=False)
    size = models.PositiveIntegerField(_("bytes"), default=0)
    waiting_key = models.CharField(max_length=64, null=True, unique=True, editable=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.WAITING)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    error = models.CharField(_("error"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(fields=["state", "received_at"], name="connec_notif_state"),
            models.Index(fields=["received_at"], name="connec_notif_received"),
        ]

    def __str__(self) -> str:
        return f"{self.marketplace} {self.received_at:%Y-%m-%d %H:%M:%S}"

    @staticmethod
    def key_for(marketplace: str, body: bytes) -> str:
        """Return the key under which the same body waits only once."""
        return hashlib.sha256(marketplace.encode() + b"\0" + body).hexdigest()
