"""``RequestSlot``: when a marketplace's hub may be called next, where its requests are capped."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["RequestSlot"]


class RequestSlot(models.Model):
    """One row a marketplace, shared by all processes (``django_connec.limiting``).

    A whole number, not a time: every database adds to it and compares it in one statement.
    """

    marketplace = models.CharField(_("marketplace"), max_length=64, unique=True)
    next_free = models.BigIntegerField(
        _("next free"), help_text=_("Microseconds since 1970-01-01 UTC: the first time that nobody has reserved.")
    )

    class Meta:
        verbose_name = _("request slot")
        verbose_name_plural = _("request slots")

    def __str__(self) -> str:
        return self.marketplace
