"""Notify the other applications of what changed (Connec! API v2, webhook notifications)."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import requests

from django_connec.sandbox.ids import show
from django_connec.sandbox.store import Application, Store

__all__ = ["Delivery", "Notifier"]


@dataclass(slots=True)
class Delivery:
    """One delivery, as the log shows it.

    Attributes:
        api_id: Application that it went to.
        records: How many records it carried.
        status: HTTP status of the last attempt; 0 where nobody answered.
        attempts: How often it was tried.
        milliseconds: How long the last attempt took.
    """

    api_id: str
    records: int
    status: int = 0
    attempts: int = 0
    milliseconds: float = 0.0


class Notifier:
    """Collects changes for a moment and delivers them: several records and groups in one call, never to
    their writer unless the application wants its echo, with retries.

    Production's retries are not documented; here they are a setting.

    Args:
        store: What the hub knows.
        delay: Seconds that changes are collected.
        attempts: Tries of one delivery.
        back_off: Seconds before the second try; doubled each time.
        singular_as_list: The form of ``company``, which is not documented.
    """

    def __init__(
        self,
        store: Store,
        *,
        delay: float = 0.05,
        attempts: int = 5,
        back_off: float = 0.2,
        singular_as_list: bool = True,
    ) -> None:
        self.store = store
        self.delay = delay
        self.attempts = attempts
        self.back_off = back_off
        self.singular_as_list = singular_as_list
        self.log: deque[Delivery] = deque(maxlen=1000)
        self._waiting: list[tuple[str, str, str, str]] = []
        self._busy = False
        self._closed = False
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None

    def changed(self, org: str, resource: str, id: str, writer: str) -> None:
        """Take note of a change; it is delivered by a thread of its own."""
        with self._condition:
            self._waiting.append((org, resource, id, writer))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="connec-sandbox-webhooks", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until everything noted so far is delivered or given up.

        Returns:
            ``False`` when it took longer than ``timeout`` seconds.
        """
        with self._condition:
            return self._condition.wait_for(lambda: not self._waiting and not self._busy, timeout)

    def close(self) -> None:
        """Stop delivering."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                self._busy = True
            time.sleep(self.delay)
            with self._condition:
                changes, self._waiting = self._waiting, []
            try:
                for application in self.store.applications():
                    self._notify(application, changes)
            finally:
                with self._condition:
                    self._busy = False
                    self._condition.notify_all()

    def _notify(self, application: Application, changes: list[tuple[str, str, str, str]]) -> None:
        if application.webhook_url is None:
            return
        wanted: dict[tuple[str, str], list[str]] = {}
        for org, resource, id, writer in changes:
            if writer == application.api_id and not application.echo:
                continue
            if application.resources is not None and resource not in application.resources:
                continue
            ids = wanted.setdefault((org, resource), [])
            if id not in ids:
                ids.append(id)
        body: dict[str, object] = {}
        count = 0
        for (org, resource), ids in wanted.items():
            for group, api_id in self.store.groups_of(org):
                if api_id != application.api_id:
                    continue
                rows = [row for row in (self.store.get(org, resource, id) for id in ids) if row is not None]
                shown = show(self.store, org, resource, rows, group_uid=group, external_ids=application.external_ids)
                count += len(shown)
                if resource == "company" and not self.singular_as_list and shown:
                    body[resource] = shown[0]
                else:
                    listed = body.setdefault(resource, [])
                    assert isinstance(listed, list)
                    listed += shown
        if count:
            self._deliver(application, body, count)

    def _deliver(self, application: Application, body: dict[str, object], count: int) -> None:
        delivery = Delivery(application.api_id, count)
        self.log.append(delivery)
        wait = self.back_off
        post: Callable[..., requests.Response] = requests.post
        while delivery.attempts < self.attempts and not self._closed:
            delivery.attempts += 1
            started = time.perf_counter()
            try:
                answer = post(
                    application.webhook_url,
                    json=body,
                    auth=(application.api_id, application.api_key),
                    timeout=10,
                    allow_redirects=False,
                )
                delivery.status = answer.status_code
            except requests.RequestException:
                delivery.status = 0
            delivery.milliseconds = (time.perf_counter() - started) * 1000
            if 200 <= delivery.status < 300:
                return
            if delivery.attempts < self.attempts:
                time.sleep(wait)
                wait *= 2
