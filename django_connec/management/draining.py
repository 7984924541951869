"""How ``connec_push`` and ``connec_drain`` work on groups and show it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from django_connec.management.options import GroupCommand
from django_connec.models import ConnecGroup
from django_connec.work import Report, work_group

__all__ = ["drain_groups"]


def drain_groups(
    command: GroupCommand, groups: Iterable[ConnecGroup], *, force: bool
) -> tuple[dict[str, Any], int, int]:
    """Do the due work of groups and print it.

    Returns:
        A summary by group, how many records failed and how many groups could not be worked on.
    """
    summary: dict[str, Any] = {}
    failed = broken = 0
    for group in groups:
        report = work_group(group, force=force)
        if report is None:
            command.say(_("%(uid)s: another process is at it, and has been told") % {"uid": group.uid})
            continue
        command.say(_show(group, report))
        failed += report.failed
        broken += bool(report.error)
        summary[group.uid] = {
            "pushed": report.drained.counts,
            "deleted": report.drained.deleted,
            "linked": report.drained.linked,
            "retried": report.retried.counts(),
            "error": report.error,
        }
    return summary, failed, broken


def _show(group: ConnecGroup, report: Report) -> str:
    drained = report.drained
    parts = [
        _("%(count)d %(resource)s sent") % {"count": counts["pushed"], "resource": resource}
        for resource, counts in drained.counts.items()
        if counts["pushed"]
    ]
    if drained.deleted:
        parts.append(_("%(count)d deletions sent") % {"count": drained.deleted})
    if drained.linked:
        parts.append(_("%(count)d ids linked back") % {"count": drained.linked})
    if report.failed:
        parts.append(_("%(count)d failed") % {"count": report.failed})
    if report.error:
        parts.append(_("stopped: %(error)s") % {"error": report.error})
    return f"{group} ({group.uid}): {', '.join(parts) or _('nothing to do')}"
