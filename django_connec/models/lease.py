"""``Lease``: a lock that works on every database and outlives no crash."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["Lease"]


class Lease(models.Model):
    """Who works on what. Taken, renewed and given back by compare-and-set (``django_connec.leases``)."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    token = models.CharField(max_length=36, null=True, blank=True)
    renewed_at = models.DateTimeField(_("renewed at"), null=True, blank=True)
    again = models.BooleanField(_("asked to go on"), default=False)

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return self.name
