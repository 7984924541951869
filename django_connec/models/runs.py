"""``SyncRun`` and ``SyncCursor``: what an import or a poll did, and where the next one begins."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_connec.models.group import ConnecGroup

__all__ = ["SyncCursor", "SyncRun"]


class SyncRun(models.Model):
    """One import, poll or push of one group, with its counts by resource."""

    class Kind(models.TextChoices):
        IMPORT = "import", _("import")
        POLL = "poll", _("poll")
        PUSH = "push", _("push")

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        PARTIAL = "partial", _("some records failed")
        PAUSED = "paused", _("goes on in the next slice")
        FAILED = "failed", _("failed")
        ENDED = "ended", _("ended: the customer stopped sharing")
        HELD = "held", _("asks before a mass change")

    group = models.ForeignKey(ConnecGroup, on_delete=models.CASCADE, related_name="runs", verbose_name=_("group"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    counts = models.JSONField(_("counts"), default=dict, blank=True, help_text=_("By resource, then by outcome."))
    error = models.CharField(_("error"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        indexes = [models.Index(fields=["group", "-started_at"], name="connec_run_group")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.started_at:%Y-%m-%d %H:%M:%S}"


class SyncCursor(models.Model):
    """How far a resource of a group has been read. Times are the hub's, by its Date header.

    Attributes:
        polled_from: Start of the last read that succeeded, less the overlap is where the next begins.
        import_started: When the import under way (or the last) began.
        import_skip: Records of it that are applied and committed.
        imported_at: When an import last went through; ``None`` before.
        mapper_version: The mapped fields that it was read with.
        changed_rows: Linked rows that the read under way has overwritten or deactivated so far.
        held_at: The read under way would change too many rows, and waits for an operator since then.
        held_changes: Rows that it would have changed with the page at which it stopped, those before included.
        held_of: Linked rows that there were.
        accepted_at: An operator has let the read under way change as many as it likes.
    """

    group = models.ForeignKey(ConnecGroup, on_delete=models.CASCADE, related_name="cursors", verbose_name=_("group"))
    resource = models.CharField(_("resource"), max_length=64)
    polled_from = models.DateTimeField(_("read up to"), null=True, blank=True)
    import_started = models.DateTimeField(_("import began"), null=True, blank=True)
    import_skip = models.PositiveIntegerField(_("records imported"), default=0)
    imported_at = models.DateTimeField(_("import finished"), null=True, blank=True)
    mapper_version = models.CharField(max_length=64, blank=True)
    changed_rows = models.PositiveIntegerField(_("rows changed so far"), default=0)
    held_at = models.DateTimeField(_("held since"), null=True, blank=True)
    held_changes = models.PositiveIntegerField(_("rows that would be changed"), default=0)
    held_of = models.PositiveIntegerField(_("linked rows"), default=0)
    accepted_at = models.DateTimeField(_("mass change accepted"), null=True, blank=True)

    class Meta:
        verbose_name = _("cursor")
        verbose_name_plural = _("cursors")
        constraints = [models.UniqueConstraint(fields=["group", "resource"], name="connec_cursor_unique")]

    def __str__(self) -> str:
        return self.resource

    @property
    def held_by(self) -> str:
        """``import`` or ``poll``: what waits for an operator; empty where nothing does."""
        if self.held_at is None:
            return ""
        return "poll" if self.import_started is None and self.polled_from is not None else "import"
