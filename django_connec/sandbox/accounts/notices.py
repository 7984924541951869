"""Account webhooks: what the marketplace tells an application of its customers (Maestrano SDK, account webhooks)."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import requests

from django_connec.sandbox.accounts.directory import Accounts
from django_connec.sandbox.accounts.entities import Registration
from django_connec.sandbox.times import stamp

__all__ = ["Notice", "Notices"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One call of an account webhook, with its answer.

    Attributes:
        kind: ``cancel`` or ``leave``.
        user: Empty where the group cancelled.
        status: HTTP status of the answer; 0 where nobody answered.
        answer: The first 200 characters of its body.
        at: By the hub's clock, ISO 8601.
    """

    number: int
    api_id: str
    kind: str
    group: str
    user: str
    url: str
    status: int
    answer: str
    milliseconds: float
    at: str


class Notices:
    """Cancels applications and takes users out of groups, and tells the applications.

    Args:
        clock: Returns the hub's time, aware.
        timeout: Seconds that an application may take to answer.
    """

    def __init__(self, accounts: Accounts, clock: Callable[[], dt.datetime], *, timeout: float = 10.0) -> None:
        self.accounts = accounts
        self.clock = clock
        self.timeout = timeout
        self.log: deque[Notice] = deque(maxlen=1000)
        self._numbers = itertools.count(1)

    def cancel(self, group: str) -> Notice:
        """Let a group cancel its application: the hub refuses the group from now on, and the application is told.

        Raises:
            LookupError: There is no such group, or its application has no host.
        """
        api_id, url = self._place(group, lambda registration: registration.group_url(group))
        self.accounts.hub.revoke(group)
        self.accounts.save_group(group, status="terminated")
        return self._tell("cancel", api_id, group, "", url)

    def remove_user(self, group: str, user: str) -> Notice:
        """Take a user out of a group, and tell the application, by the user's real uid.

        Raises:
            LookupError: There is no such group, the user does not belong to it, or its application has no host.
        """
        api_id, url = self._place(group, lambda registration: registration.group_user_url(group, user))
        if not self.accounts.drop_member(user, group):
            raise LookupError("the user does not belong to the group")
        return self._tell("leave", api_id, group, user, url)

    def _place(self, group: str, url: Callable[[Registration], str]) -> tuple[str, str]:
        found = self.accounts.group(group)
        registration = None if found is None else self.accounts.registration(found.api_id)
        if registration is None or not registration.host:
            raise LookupError("there is no such group, or its application has no host")
        return registration.api_id, url(registration)

    def _tell(self, kind: str, api_id: str, group: str, user: str, url: str) -> Notice:
        key = next((a.api_key for a in self.accounts.hub.applications() if a.api_id == api_id), "")
        credentials = base64.b64encode(f"{api_id}:{key}".encode()).decode()
        started = time.perf_counter()
        status, answer = 0, ""
        with requests.Session() as session:
            # Neither a proxy nor a netrc of the developer has anything to do with calls on this machine.
            session.trust_env = False
            try:
                response = session.delete(
                    url,
                    headers={"Accept": "application/json", "Authorization": f"Basic {credentials}"},
                    timeout=self.timeout,
                    allow_redirects=False,
                )
                status, answer = response.status_code, response.text[:200]
            except (requests.RequestException, ValueError):
                status = 0
        notice = Notice(
            next(self._numbers),
            api_id,
            kind,
            group,
            user,
            url,
            status,
            answer,
            (time.perf_counter() - started) * 1000,
            stamp(self.clock()),
        )
        self.log.append(notice)
        return notice
