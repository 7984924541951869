"""``PlatformCopy``: what the developer platform said last about the marketplaces of this application."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["PlatformCopy"]


class PlatformCopy(models.Model):
    """The last good answer of one developer platform, kept until a better one replaces it.

    Holds API keys in clear: it is not in the admin, and who may read the table may read them.

    Attributes:
        source: Which platform and environment, as a digest; other settings never use this copy.
        version: Digest of ``content``; workers look at it alone to see whether theirs is the newest.
        content: Options by marketplace, as ``CONNEC["MARKETPLACES"]`` has them.
        fetched_at: When the platform last gave a usable answer.
        attempted_at: When it was last asked.
        error: What was wrong with that last answer; empty when nothing was.
    """

    source = models.CharField(max_length=64, unique=True)
    version = models.CharField(max_length=64, blank=True)
    content = models.JSONField(default=dict, blank=True)
    fetched_at = models.DateTimeField(_("fetched at"), null=True, blank=True)
    attempted_at = models.DateTimeField(_("attempted at"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("copy of the developer platform")
        verbose_name_plural = _("copies of the developer platform")

    def __str__(self) -> str:
        return self.source[:12]
