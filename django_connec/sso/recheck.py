"""Whether a session that came by sign-on still holds: asked when due, once an interval, and what a silent hub means."""

from __future__ import annotations

import datetime as dt
import enum
import hashlib

from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

from django_connec.conf import Marketplace, get_settings
from django_connec.models import Membership
from django_connec.sso.hub_session import Verdict, ask
from django_connec.sso.identity import RECHECK_AFTER
from django_connec.sso.session import SsoSession

__all__ = ["State", "check"]

#: A hub that names a time in the past, or none, is not asked at every request; one in the next century is no promise.
SHORTEST, LONGEST = dt.timedelta(seconds=30), dt.timedelta(hours=24)
#: After a failure nobody asks this marketplace's hub for so long: users would wait for its time-out in turn.
PAUSE = dt.timedelta(seconds=30)
#: No question takes longer; who finds one under way goes on as before.
ASKING = 15


class State(enum.Enum):
    """What a session is good for."""

    GOOD = "good"
    ENDED = "ended"
    NOT_ALLOWED = "not-allowed"


def check(request: HttpRequest, session: SsoSession) -> State:
    """Return what a request's session is good for, and keep in it when to ask next.

    Args:
        request: The request; its session is written only when the hub was asked.
        session: What the session remembers of the sign-on.
    """
    now = timezone.now()
    if session.recheck is not None and session.recheck > now:
        return State.GOOD
    marketplace = get_settings().marketplaces.get(session.marketplace)
    if marketplace is None:
        return State.ENDED
    key = f"connec-sso:{hashlib.sha256(f'{session.marketplace} {session.token}'.encode()).hexdigest()}"
    known = cache.get(key)
    if isinstance(known, dt.datetime) and known > now:
        # Another request of this session has asked, and saved its session after this one was loaded.
        session.recheck_at, session.away_since = known.isoformat(), ""
        session.store(request)
        return State.GOOD
    if not cache.add(f"{key}:asking", True, ASKING):
        return State.GOOD if _within_grace(session, now) else State.ENDED
    try:
        return _ask(request, session, marketplace, key, now)
    finally:
        cache.delete(f"{key}:asking")


def _ask(request: HttpRequest, session: SsoSession, marketplace: Marketplace, key: str, now: dt.datetime) -> State:
    if not _is_member(session):
        return State.NOT_ALLOWED
    if not session.token:
        # There is nothing to ask with: the user signs on again, unnoticed where the hub still knows him.
        return State.ENDED
    pause = f"connec-sso:away:{marketplace.name}"
    verdict, answered = Verdict.UNKNOWN, None
    if cache.get(pause) is None:
        answer = ask(marketplace, session.user, session.token)
        verdict, answered = answer.verdict, answer.recheck_at
        if verdict is Verdict.UNKNOWN:
            cache.set(pause, True, PAUSE.total_seconds())
    if verdict is Verdict.INVALID:
        return State.ENDED
    if verdict is Verdict.VALID:
        next_at = min(max(answered or now + RECHECK_AFTER, now + SHORTEST), now + LONGEST)
        session.recheck_at, session.away_since = next_at.isoformat(), ""
        cache.set(key, next_at, (next_at - now).total_seconds())
        session.store(request)
        return State.GOOD
    if session.away is None:
        session.away_since = now.isoformat()
        session.store(request)
    return State.GOOD if _within_grace(session, now) else State.ENDED


def _within_grace(session: SsoSession, now: dt.datetime) -> bool:
    """A session goes on for a while from when the hub first could not be asked about it."""
    grace = dt.timedelta(minutes=get_settings().sso_grace_minutes)
    return session.away is None or now < session.away + grace


def _is_member(session: SsoSession) -> bool:
    """The group has not cancelled, and the user still has his place in it."""
    return Membership.objects.filter(pk=session.membership, group__is_active=True).exists()
