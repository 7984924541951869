"""What happened: calls, notifications and account webhooks; and making trouble on demand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext_lazy as _

from django_connec.sandbox.faults import Fault
from django_connec.sandbox.messages import Response
from django_connec.sandbox.pages.web import Visit, local_path, page, redirect

__all__ = ["TROUBLE", "end_trouble", "forget", "make_trouble", "redeliver", "rows", "show"]

SHOWN = 25


@dataclass(frozen=True, slots=True)
class Trouble:
    """A button: what it says, and the fault that it sets."""

    name: str
    label: object
    fault: Fault


TROUBLE = (
    Trouble("slow", _("Slow: every call takes 3 seconds"), Fault("slow", times=-1, seconds=3)),
    Trouble("down", _("Down: every call is answered 503"), Fault("status", times=-1, status=503)),
    Trouble("busy", _("Busy: the next 5 calls are answered 429"), Fault("status", times=5, status=429, retry_after=30)),
    Trouble("lose", _("Lose the answer of the next write"), Fault("lose_answer", path="^(POST|PUT) ")),
    Trouble("garbage", _("Answer the next call with garbage"), Fault("garbage")),
)


def show(visit: Visit) -> Response:
    """Show the log, which goes on by itself."""
    return page(visit, "activity.html", {"trouble": TROUBLE, "faults": visit.hub.faults.remaining()})


def rows(visit: Visit) -> Response:
    """Return the log's rows; nothing (204) where the browser has them already."""
    hub = visit.hub
    context = {
        "calls": list(islice(reversed(hub.calls), SHOWN)),
        "deliveries": hub.deliveries[: -SHOWN - 1 : -1],
        "notices": list(islice(reversed(hub.notices.log), SHOWN)),
        "names": {a.api_id: hub.accounts.registration(a.api_id).name for a in hub.store.applications()},
        "faults": hub.faults.remaining(),
    }
    version = hashlib.sha256(repr(context).encode()).hexdigest()[:16]
    if visit.query.get("seen") == version:
        return Response(204, b"", {"Cache-Control": "no-store"})
    return page(visit, "rows.html", {**context, "version": version})


def forget(visit: Visit) -> Response:
    """Empty the log."""
    visit.hub.clear_log()
    return redirect("/activity")


def redeliver(visit: Visit) -> Response:
    """Send a notification again, as it was.

    Raises:
        LookupError: Its content is no longer kept.
        ValueError: That is no number.
    """
    visit.hub.redeliver(int(visit.form.get("number", "")))
    return redirect("/activity")


def make_trouble(visit: Visit) -> Response:
    """Set a fault."""
    wanted = next((t for t in TROUBLE if t.name == visit.form.get("kind")), None)
    if wanted is None:
        raise LookupError("no such trouble")
    f = wanted.fault
    visit.hub.faults.add(Fault(f.kind, f.times, f.path, f.status, f.retry_after, f.seconds))
    return redirect(local_path(visit.form.get("back", "/activity")))


def end_trouble(visit: Visit) -> Response:
    """Forget all faults."""
    visit.hub.faults.clear()
    return redirect(local_path(visit.form.get("back", "/activity")))
