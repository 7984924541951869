"""Asking the hub whether a session still holds (Maestrano SDK, session check)."""

from __future__ import annotations

import datetime as dt
import enum
import json
import logging
from dataclasses import dataclass

import requests

from django_connec import __version__
from django_connec.conf import Marketplace
from django_connec.exceptions import ConnecConfigurationError
from django_connec.sso.addresses import session_url
from django_connec.sso.identity import read_time

__all__ = ["Answer", "Verdict", "ask"]

logger = logging.getLogger("django_connec.sso")

#: Seconds to connect, and to wait for the answer: a user is waiting for a page meanwhile.
TIMEOUT = (2.0, 3.0)
MAX_BYTES = 16 * 1024


class Verdict(enum.Enum):
    """What came of asking."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """The hub's answer; ``recheck_at`` is ``None`` where it gave no usable time."""

    verdict: Verdict
    recheck_at: dt.datetime | None = None


def ask(marketplace: Marketplace, user_uid: str, token: str) -> Answer:
    """Ask about one session. Raises nothing: whoever cannot be reached or talks nonsense has not answered.

    Args:
        marketplace: Whose hub.
        user_uid: The user's real id.
        token: The hub's name for the session.
    """
    try:
        response = requests.get(
            session_url(marketplace, user_uid, token),
            headers={"Accept": "application/json", "User-Agent": f"django-connec/{__version__}"},
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,
        )
        with response:
            return _read(response)
    except (requests.RequestException, OSError, ConnecConfigurationError) as error:
        # The words of the error hold the address, and that the session's name.
        logger.warning("sessions cannot be checked: %s (marketplace %s)", type(error).__name__, marketplace.name)
        return Answer(Verdict.UNKNOWN)


def _read(response: requests.Response) -> Answer:
    status = response.status_code
    if status in (408, 425, 429) or status >= 500 or 300 <= status < 400:
        logger.warning("sessions cannot be checked: the hub answered %d", status)
        return Answer(Verdict.UNKNOWN)
    if status >= 400:
        # No such user, no such session.
        return Answer(Verdict.INVALID)
    try:
        content = json.loads(response.raw.read(MAX_BYTES, decode_content=True))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("valid"), bool):
        logger.warning("sessions cannot be checked: the hub's answer is not understood")
        return Answer(Verdict.UNKNOWN)
    return Answer(Verdict.VALID if content["valid"] else Verdict.INVALID, read_time(content.get("recheck")))
