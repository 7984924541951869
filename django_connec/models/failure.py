"""``Failure``: one record that could not be sent or applied, until it is."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_connec.models.group import ConnecGroup

__all__ = ["Failure", "FailureQuerySet"]


class FailureQuerySet(models.QuerySet["Failure"]):
    """Failures, by when they may be tried again."""

    def due(self, now: dt.datetime) -> Self:
        """Failures that may be tried now."""
        return self.filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now), is_dead=False)

    def waiting(self, now: dt.datetime) -> Self:
        """Failures that must not be tried now: not due, or given up."""
        return self.filter(Q(next_attempt_at__gt=now) | Q(is_dead=True))


class Failure(models.Model):
    """One record and why it failed; dropped when a newer version of it goes through.

    A failed push is tried again from the row. A failed pull keeps the record, in ``record``.
    """

    class Direction(models.TextChoices):
        PUSH = "push", _("push")
        PULL = "pull", _("pull")

    group = models.ForeignKey(ConnecGroup, on_delete=models.CASCADE, related_name="failures", verbose_name=_("group"))
    direction = models.CharField(_("direction"), max_length=4, choices=Direction.choices)
    resource = models.CharField(_("resource"), max_length=64)
    model_label = models.CharField(_("model"), max_length=100, blank=True)
    object_id = models.CharField(
        _("record"),
        max_length=64,
        help_text=_("Primary key of a row that was not sent, hub id of a record not applied."),
    )
    message = models.CharField(_("message"), max_length=255)
    record = models.BinaryField(null=True, editable=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=1)
    first_failed_at = models.DateTimeField(_("first failed"), default=timezone.now)
    last_failed_at = models.DateTimeField(_("last failed"), default=timezone.now)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    is_dead = models.BooleanField(_("given up"), default=False)

    objects = FailureQuerySet.as_manager()

    class Meta:
        verbose_name = _("failure")
        verbose_name_plural = _("failures")
        constraints = [
            models.UniqueConstraint(
                fields=["group", "direction", "resource", "model_label", "object_id"], name="connec_failure_unique"
            )
        ]
        indexes = [models.Index(fields=["group", "direction", "next_attempt_at"], name="connec_failure_due")]

    def __str__(self) -> str:
        return f"{self.resource} {self.object_id}"
