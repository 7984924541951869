"""``LinkBack``: a row whose own id the hub has not been told yet."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_connec.models.group import ConnecGroup

__all__ = ["LinkBack"]


class LinkBack(models.Model):
    """One row that came from the hub, or was matched to a record, whose external id is to be sent.

    With it the hub can resolve our references and recognise our creates (Connec! API v2, link back after
    importing).
    """

    group = models.ForeignKey(ConnecGroup, on_delete=models.CASCADE, related_name="link_backs", verbose_name=_("group"))
    model_label = models.CharField(_("model"), max_length=100)
    object_id = models.CharField(_("primary key"), max_length=64)
    connec_id = models.CharField(_("hub id"), max_length=64)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)

    class Meta:
        verbose_name = _("id to link back")
        verbose_name_plural = _("ids to link back")
        indexes = [models.Index(fields=["group", "next_attempt_at"], name="connec_linkback_due")]

    def __str__(self) -> str:
        return f"{self.model_label} {self.object_id}"
