"""How ``connec_explain`` shows a row to the person at the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_connec.operating.explaining import Explanation, Reason
from django_connec.operating.fieldstates import FieldState

__all__ = ["lines_of"]

REASONS = {
    "cancelled": gettext_lazy("the customer has cancelled"),
    "sharing-off": gettext_lazy("sharing is off for the group"),
    "stopped": gettext_lazy("the hub turned the group away"),
    "waiting": gettext_lazy("the group waits for the hub until"),
    "push-off": gettext_lazy("sending is switched off for the resource"),
    "no-group": gettext_lazy("it belongs to no group: this path leads to none"),
    "moved": gettext_lazy("it goes to another group: deleted in the one, made in the other"),
    "not-marked": gettext_lazy("it is not marked: nothing was changed through Django since it was last sent"),
    "failed": gettext_lazy("it failed and is not due before"),
    "given-up": gettext_lazy("it failed and was given up"),
    "handed-over": gettext_lazy("its record is another model's now"),
    "should-push": gettext_lazy("should_push said no"),
    "history": gettext_lazy("it was made before the link, and the group shares no historical data"),
    "unchanged": gettext_lazy("nothing differs from what was agreed"),
    "references": gettext_lazy("the hub does not know yet what it refers to"),
    "not-encodable": gettext_lazy("it cannot be encoded"),
    "deleted": gettext_lazy("the row was deleted here"),
    "unknown": gettext_lazy("there is no such row"),
}
FIELD_REASONS = {
    "pull-only": gettext_lazy("only read"),
    "create-only": gettext_lazy("only sent on create"),
    "contested": gettext_lazy("both sides changed it, and nobody has decided yet"),
    "agreed": gettext_lazy("as agreed"),
    "blank": gettext_lazy("empty, and never agreed on"),
    "reference": gettext_lazy("the hub does not know what it refers to"),
    "row": gettext_lazy("the row is not sent"),
}


def lines_of(found: Explanation) -> Iterator[str]:
    """Yield the lines that say everything about a row."""
    yield f"{found.model} {found.pk}: {found.resource}"
    yield "  " + _("hub id: %(id)s") % {"id": found.connec_id or _("none")}
    if found.hub_updated_at is not None:
        yield "  " + _("hub's version: %(time)s") % {"time": found.hub_updated_at.isoformat()}
    if found.group is not None:
        yield "  " + _("group: %(name)s (%(uid)s), %(state)s") % found.group
    if found.changed_at is not None:
        yield "  " + _("pending since %(time)s") % {"time": found.changed_at.isoformat()}
    elif found.exists:
        yield "  " + _("nothing is pending")
    if found.would_send:
        yield "  " + _("the next drain sends it")
    else:
        yield "  " + _("not sent, because")
        yield from (f"    - {_reason(reason)}" for reason in found.reasons)
    yield from _operation(found)
    if found.fields:
        yield "  " + _("fields")
        yield from (f"    {_field(entry)}" for entry in found.fields)
    for title, entries in (
        (_("failures"), found.failures),
        (_("parked records"), found.parked),
        (_("open conflicts"), found.conflicts),
        (_("tombstones"), found.tombstones),
        (_("ids to link back"), found.link_backs),
    ):
        if entries:
            yield f"  {title}"
            yield from (f"    - {_entry(entry)}" for entry in entries)


def _reason(reason: Reason) -> str:
    text = str(REASONS[reason.code])
    return f"{text}: {reason.detail}" if reason.detail else text


def _operation(found: Explanation) -> Iterator[str]:
    if found.operation is None:
        return
    target = "/".join(part for part in (found.resource, found.operation["id"]) if part)
    verb = str(found.operation["method"]).upper()
    yield "  " + (_("would be sent") if found.would_send else _("would be sent otherwise")) + f": {verb} {target}"
    text = json.dumps(found.operation["attributes"], indent=2, ensure_ascii=False, default=str)
    yield from (f"    {line}" for line in text.splitlines())


def _field(entry: FieldState) -> str:
    sent = _("sent") if entry.is_sent else str(FIELD_REASONS[entry.why_not])
    value = json.dumps(entry.value, ensure_ascii=False, default=str)
    return f"{entry.name} ({entry.path}) = {value}: {entry.state}, {sent}"


def _entry(entry: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in entry.items() if value not in (None, ""))
