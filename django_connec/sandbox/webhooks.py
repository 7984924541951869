"""Notify the other applications of what changed (Connec! API v2, webhook notifications)."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django_connec.sandbox.catalogue import SINGULAR
from django_connec.sandbox.deliveries import Delivery, post
from django_connec.sandbox.ids import show
from django_connec.sandbox.store import Application, Store
from django_connec.sandbox.times import stamp

__all__ = ["Delivery", "Notifier"]

logger = logging.getLogger(__name__)

#: Organisation, resource and id of a record that changed; the group that is to be told, ``None`` for all.
Change = tuple[str, str, str, "str | None"]
#: Deliveries whose content is kept, so that they can be sent again.
KEPT = 200


@dataclass(slots=True)
class _Outbox:
    """What one application is still to be told. ``noted`` and ``done`` count changes, so that waiting for those
    noted so far does not wait for those noted later."""

    waiting: list[Change] = field(default_factory=list)
    noted: int = 0
    done: int = 0
    thread: threading.Thread | None = None


class Notifier:
    """Collects changes for a moment and delivers them: several records and groups in one call, never to
    their writer unless the application wants its echo, with retries. A thread an application: one that is
    slow or dead does not hold up the others.

    Production's retries are not documented; here they are a setting.

    Args:
        store: What the hub knows.
        delay: Seconds that changes are collected.
        attempts: Tries of one delivery.
        back_off: Seconds before the second try; doubled each time.
        timeout: Seconds that an application may take to answer.
        clock: Returns the hub's time, aware; for the log.
        singular_as_list: The form of ``company``, which is not documented.
        at_most: Records in one delivery.
    """

    def __init__(
        self,
        store: Store,
        *,
        delay: float = 0.05,
        attempts: int = 5,
        back_off: float = 0.2,
        timeout: float = 10.0,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        singular_as_list: bool = True,
        at_most: int = 500,
    ) -> None:
        self.store = store
        self.delay = delay
        self.attempts = attempts
        self.back_off = back_off
        self.timeout = timeout
        self.singular_as_list = singular_as_list
        self.at_most = at_most
        self.log: deque[Delivery] = deque(maxlen=1000)
        self.clock = clock
        self._kept: dict[int, tuple[Application, dict[str, object]]] = {}
        self._numbers = itertools.count(1)
        self._outboxes: dict[str, _Outbox] = {}
        self._stop = threading.Event()
        # Never held while the store is asked: writers note changes while they hold the store.
        self._condition = threading.Condition()

    def changed(self, org: str, resource: str, id: str, writer: str) -> None:
        """Take note of a change; each application that wants it is told by a thread of its own."""
        applications = [a for a in self.store.applications() if _wants(a, resource, writer)]
        self._enqueue(applications, (org, resource, id, None))

    def commit(self, org: str, resource: str, id: str, group: str) -> None:
        """Tell one group's application of a record, whatever it subscribed to and whoever wrote it."""
        holders = {api_id for uid, api_id in self.store.groups_of(org) if uid == group}
        applications = [a for a in self.store.applications() if a.api_id in holders and a.webhook_url is not None]
        self._enqueue(applications, (org, resource, id, group))

    def _enqueue(self, applications: list[Application], change: Change) -> None:
        with self._condition:
            if self._stop.is_set():
                return
            for application in applications:
                outbox = self._outboxes.setdefault(application.api_id, _Outbox())
                outbox.waiting.append(change)
                outbox.noted += 1
                if outbox.thread is None:
                    outbox.thread = threading.Thread(
                        target=self._run,
                        args=(application.api_id, outbox),
                        name=f"connec-sandbox-webhooks-{application.api_id}",
                        daemon=True,
                    )
                    outbox.thread.start()
            self._condition.notify_all()

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until everything noted so far is delivered or given up.

        Returns:
            ``False`` when it took longer than ``timeout`` seconds, or when the hub was closed meanwhile.
        """
        with self._condition:
            noted = [(outbox, outbox.noted) for outbox in self._outboxes.values()]

            def delivered() -> bool:
                return all(outbox.done >= count for outbox, count in noted)

            self._condition.wait_for(lambda: delivered() or self._stop.is_set(), timeout)
            return delivered()

    def redeliver(self, number: int) -> Delivery:
        """Send the content of a delivery again, as it was, and wait until it is delivered or given up.

        Raises:
            LookupError: There is no such delivery, or its content is no longer kept.
        """
        with self._condition:
            if number not in self._kept:
                raise LookupError(f"delivery {number} is not kept")
            application, body = self._kept[number]
            count = next(delivery.records for delivery in self.log if delivery.number == number)
        delivery = self._note(application, body, count)
        self._attempt(delivery, application, body)
        return delivery

    def forget(self) -> None:
        """Forget the deliveries so far."""
        with self._condition:
            self.log.clear()
            self._kept.clear()

    def close(self) -> None:
        """Stop delivering; what was not delivered is given up."""
        with self._condition:
            self._stop.set()
            self._condition.notify_all()
            threads = [outbox.thread for outbox in self._outboxes.values() if outbox.thread is not None]
        for thread in threads:
            thread.join(timeout=self.timeout + 1)

    def _run(self, api_id: str, outbox: _Outbox) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: outbox.waiting or self._stop.is_set())
            if self._stop.wait(self.delay):
                return
            with self._condition:
                changes, outbox.waiting = outbox.waiting, []
            try:
                self._notify(api_id, changes)
            except Exception as error:
                # The thread has to live: later changes are still to be delivered.
                if not self._stop.is_set():
                    # What an exception says may quote a record.
                    logger.error("A notification could not be made: %s", type(error).__name__)
            finally:
                with self._condition:
                    outbox.done += len(changes)
                    self._condition.notify_all()

    def _notify(self, api_id: str, changes: list[Change]) -> None:
        application = next((a for a in self.store.applications() if a.api_id == api_id), None)
        if application is None or application.webhook_url is None:
            return
        records = list(self._records(application, changes))
        for start in range(0, len(records), self.at_most):
            part = records[start : start + self.at_most]
            self._attempt(self._note(application, body := self._body(part), len(part)), application, body)

    def _records(self, application: Application, changes: list[Change]) -> Iterator[tuple[str, object]]:
        """Yield each record that an application is to be told of, as each of its groups sees it."""
        wanted: dict[tuple[str, str, str | None], list[str]] = {}
        for org, resource, id, group in changes:
            wanted.setdefault((org, resource, group), []).append(id)
        for (org, resource, only), ids in wanted.items():
            found = (self.store.get(org, resource, id) for id in dict.fromkeys(ids))
            # Two that were merged meanwhile are one.
            rows = list({row.id: row for row in found if row is not None}.values())
            for group, of in self.store.groups_of(org):
                if of == application.api_id and only in (None, group):
                    for record in show(
                        self.store, org, resource, rows, group_uid=group, external_ids=application.external_ids
                    ):
                        yield resource, record

    def _body(self, records: list[tuple[str, object]]) -> dict[str, object]:
        body: dict[str, object] = {}
        for resource, record in records:
            if resource in SINGULAR and not self.singular_as_list and resource not in body:
                body[resource] = record
                continue
            listed = body.setdefault(resource, [])
            if not isinstance(listed, list):
                # Of several groups: only a list holds them.
                listed = body[resource] = [listed]
            listed.append(record)
        return body

    def _note(self, application: Application, body: dict[str, object], count: int) -> Delivery:
        delivery = Delivery(application.api_id, count, number=next(self._numbers), at=stamp(self.clock()))
        delivery.url = application.webhook_url or ""
        with self._condition:
            self.log.append(delivery)
            self._kept[delivery.number] = (application, body)
            self._kept.pop(delivery.number - KEPT, None)
        return delivery

    def _attempt(self, delivery: Delivery, application: Application, body: dict[str, object]) -> None:
        wait = self.back_off
        while not self._stop.is_set():
            delivery.note(post(application, body, self.timeout))
            if 200 <= delivery.status < 300 or delivery.attempts >= self.attempts or self._stop.wait(wait):
                return
            wait *= 2


def _wants(application: Application, resource: str, writer: str) -> bool:
    if application.webhook_url is None or (writer == application.api_id and not application.echo):
        return False
    return application.resources is None or resource in application.resources
