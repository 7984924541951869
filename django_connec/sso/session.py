"""What a session that came by sign-on remembers, under one key."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest

from django_connec.sso.identity import read_time

__all__ = ["KEY", "SsoSession"]

KEY = "connec_sso"


@dataclass(slots=True)
class SsoSession:
    """The hub's session behind ours (Maestrano SDK, session check).

    Attributes:
        marketplace: Through which the user came.
        group: Uid of the group he came for.
        user: His real id at the hub.
        membership: Primary key of his place in the group.
        token: The hub's name for the session.
        recheck_at: When the hub is to be asked again, ISO 8601.
        away_since: Since when the hub cannot be asked, ISO 8601; empty: it can.
    """

    marketplace: str
    group: str
    user: str
    membership: int
    token: str
    recheck_at: str
    away_since: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> SsoSession | None:
        """Return a request's; ``None`` where the session came in another way, or there is none."""
        raw: Any = request.session.get(KEY)
        if not isinstance(raw, dict):
            return None
        try:
            return cls(**raw)
        except TypeError:
            return None

    def store(self, request: HttpRequest) -> None:
        """Keep it with the session."""
        request.session[KEY] = asdict(self)

    @property
    def recheck(self) -> dt.datetime | None:
        """When the hub is to be asked again."""
        return read_time(self.recheck_at)

    @property
    def away(self) -> dt.datetime | None:
        """Since when it cannot be."""
        return read_time(self.away_since)
