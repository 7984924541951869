"""``LocalHub``: the sandbox hub in the process of the tests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.urls import NoReverseMatch

from django_connec.conf import get_settings
from django_connec.models import ConnecGroup
from django_connec.sandbox import SandboxHub
from django_connec.sandbox.accounts import GroupProfile
from django_connec.sandbox.api import Api, Request, Response, error_response, path_and_query
from django_connec.sandbox.hub import Call
from django_connec.sandbox.store import Application
from django_connec.testing.adapter import HubAdapter
from django_connec.testing.outbox import Notice, Outbox, post_notice
from django_connec.testing.pushes import Push, read_push
from django_connec.testing.troubles import Moment, Trouble, Troubles

__all__ = ["LocalHub"]

ORG = "org-test"
GROUP = "cld-test"


class LocalHub(SandboxHub):
    """A sandbox hub without sockets, and with what tests need: what was sent, trouble, notifications in hand.

    Notifications go straight to the host's URLconf, by default as soon as a record changed; the engine applies
    them at the next drain, as a worker would. While :attr:`holds_notices` is set they are kept in
    :attr:`waiting`, a plain list: reverse it, double an entry, take one out, then call :meth:`deliver`.

    Attributes:
        adapter: Carries a client's requests here.
        pushes: What was sent, oldest first, refused records too.
        url: Scheme and host where it serves on a port; empty otherwise.
        holds_notices: Notifications wait for :meth:`deliver`.
        watchers: Called before and after each request of the API, with the moment and the request.
    """

    def __init__(self, *, clock: Callable[[], Any] | None = None) -> None:
        self.applications: dict[str, Application] = {}
        self._groups: dict[tuple[str, str], str] = {}
        self.outbox = Outbox(self)
        super().__init__(clock=clock, changed=self.outbox.note)
        self.api = _WatchedApi(self, self.api)
        self.adapter = HubAdapter(self)
        self.troubles = Troubles()
        self.pushes: list[Push] = []
        self.url = ""
        self.holds_notices = False
        self.watchers: list[Callable[[Moment, Request], None]] = []
        self.pass_time: Callable[[float], None] = lambda seconds: None
        self.waited = _Waited()

    # Set up ---------------------------------------------------------------------------------------------

    def add_application(
        self,
        api_id: str,
        api_key: str,
        *,
        webhook_url: str | None = None,
        resources: Iterable[str] | None = None,
        external_ids: bool = True,
        echo: bool = False,
        tenant: bool = False,
        **addresses: str,
    ) -> Application:
        """As the sandbox's. Notifications do not go to ``webhook_url``, but to the URLconf."""
        application = super().add_application(
            api_id,
            api_key,
            webhook_url=webhook_url,
            resources=resources,
            external_ids=external_ids,
            echo=echo,
            tenant=tenant,
            **addresses,
        )
        self.applications[api_id] = application
        return application

    def add_group(self, uid: str, *, api_id: str, org: str, **profile: Any) -> GroupProfile:
        """As the sandbox's; a group that was revoked is accessible again."""
        added = super().add_group(uid, api_id=api_id, org=org, **profile)
        self._groups[api_id, uid] = org
        return added

    def revoke(self, uid: str) -> None:
        """As the sandbox's."""
        super().revoke(uid)
        self._groups = {key: org for key, org in self._groups.items() if key[1] != uid}

    def groups_of(self, api_id: str, org: str) -> list[str]:
        """Return the ids of an application's groups of an organisation."""
        return [uid for (owner, uid), of in self._groups.items() if owner == api_id and of == org]

    def link(self, group: ConnecGroup | None = None, *, org: str = "", **fields: Any) -> ConnecGroup:
        """Make a group that this hub knows, or let it know one that there is.

        Args:
            group: One that is stored already; a new one by default.
            org: The organisation whose data it shows; one of its own by default.
            fields: Of a new one; ``marketplace`` is the first of the settings by default.
        """
        if group is None:
            known = len(self._groups)
            fields.setdefault("marketplace", next(iter(get_settings().marketplaces)))
            fields.setdefault("uid", f"{GROUP}-{known + 1}" if known else GROUP)
            group = ConnecGroup.objects.create(**fields)
        marketplace = get_settings().marketplaces[group.marketplace]
        org = org or group.org_uid or (ORG if group.uid == GROUP else f"org-{group.uid}")
        self.add_group(group.uid, api_id=marketplace.api_id, org=org)
        return group

    # Trouble --------------------------------------------------------------------------------------------

    def fail(self, what: str | int, **how: Any) -> Trouble:
        """Let requests fail from now on.

        Args:
            what: A status, or ``"down"``, ``"garbage"`` or ``"slow"``.
            how: Attributes of :class:`Trouble`: ``at``, ``times``, ``method``, ``route``, ``resource``,
                ``moment``, ``retry_after``, ``seconds``.

        Raises:
            ValueError: There is no such trouble.
        """
        if isinstance(what, int):
            trouble = Trouble("status", status=what, **how)
        elif what in ("down", "garbage", "slow"):
            if what == "slow":
                how.setdefault("seconds", 3600.0)
            trouble = Trouble(what, **how)  # type: ignore[arg-type] # one of Kind, as just seen
        else:
            raise ValueError(f'"{what}" is no status, and none of "down", "garbage" and "slow"')
        self.troubles.add(trouble)
        return trouble

    def meanwhile(self, action: Callable[[], object], **when: Any) -> Trouble:
        """Call something in the middle of a request: before the hub does what was asked, or after.

        Args:
            action: Called in the thread that asks.
            when: As in :meth:`fail`.
        """
        trouble = Trouble("meanwhile", action=action, **when)
        self.troubles.add(trouble)
        return trouble

    def recover(self) -> None:
        """End all trouble."""
        self.troubles.clear()
        self.faults.clear()

    # Data, as another application writes it ----------------------------------------------------------------

    def load(self, org: str, resource: str, records: Iterable[Mapping[str, Any]], *, notify: bool = False) -> int:
        """As the sandbox's."""
        count = super().load(org, resource, records, notify=notify)
        self.notify()
        return count

    def create(
        self, org: str, resource: str, attributes: Mapping[str, Any] | None = None, /, **more: Any
    ) -> dict[str, Any]:
        """As the sandbox's."""
        record = super().create(org, resource, attributes, **more)
        self.notify()
        return record

    def update(
        self, org: str, resource: str, id: str, attributes: Mapping[str, Any] | None = None, /, **more: Any
    ) -> dict[str, Any]:
        """As the sandbox's."""
        record = super().update(org, resource, id, attributes, **more)
        self.notify()
        return record

    def merge(self, org: str, resource: str, keeper: str, loser: str) -> None:
        """As the sandbox's."""
        super().merge(org, resource, keeper, loser)
        self.notify()

    # Notifications ----------------------------------------------------------------------------------------

    @property
    def waiting(self) -> list[Notice]:
        """Notifications that are not delivered yet, oldest first; a list that may be changed."""
        self.outbox.collect()
        return self.outbox.waiting

    def deliver(self, *notices: Notice) -> list[Notice]:
        """Deliver these notifications, in this order, whether or not they were delivered before; all that wait
        by default. One that the view does not answer with 2xx goes on waiting.

        Returns:
            What was delivered, each with its status.
        """
        waiting = self.waiting
        chosen = list(notices or waiting)
        for notice in chosen:
            notice.attempts += 1
            notice.status = post_notice(notice, self.applications[notice.api_id].api_key)
            if 200 <= notice.status < 300:
                self.outbox.delivered.append(notice)
                # The very same one may be in the list twice.
                at = next((i for i, other in enumerate(waiting) if other is notice), None)
                if at is not None:
                    del waiting[at]
        return chosen

    def flush(self, timeout: float = 30.0) -> bool:
        """Deliver all that waits; returns whether all of it was accepted."""
        self.deliver()
        return not self.outbox.waiting

    def clear_log(self) -> None:
        """Forget what was called, sent and delivered so far."""
        super().clear_log()
        self.pushes.clear()
        self.outbox.delivered.clear()

    def notify(self) -> None:
        """Deliver what waits, unless it is held back; in a project without the webhook it goes on waiting."""
        self.outbox.collect()
        if not self.holds_notices and self.outbox.waiting:
            try:
                self.deliver()
            except NoReverseMatch:
                return

    # What the adapter and the API tell ---------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Take so long to answer: counted where the caller is in this process, waited where it is not."""
        if self.waited.seconds is None:
            time.sleep(seconds)
        else:
            self.waited.seconds += seconds

    def note_call(self, method: str, path: str, body: bytes, status: int, seconds: float) -> None:
        """Log a call, as the sandbox's server does."""
        operations = 1 if status else 0
        if path == "/batch" and status:
            try:
                operations = len(json.loads(body)["ops"])
            except (ValueError, KeyError, TypeError):
                operations = 0
        self.calls.append(Call(method, path, status, seconds * 1000, operations))


class _Waited(threading.local):
    #: Seconds that the request of this thread waited so far; ``None`` where it came through a socket.
    seconds: float | None = None


class _Inside(threading.local):
    #: The hub is at the operations of a batch in this thread.
    is_open = False


class _WatchedApi(Api):
    """The hub's API, with what befalls a request, and a list of what was sent."""

    def __init__(self, hub: LocalHub, inner: Api) -> None:
        super().__init__(inner.store, inner.clock, inner.changed, inner.faults)
        self.hub = hub
        self._inside = _Inside()

    def handle(self, request: Request, origin: str = "http://hub.invalid") -> Response:
        if self._inside.is_open:
            # An operation of a batch.
            return self._handle(request, origin)
        return self._befallen(request, origin)

    def _befallen(self, request: Request, origin: str) -> Response:
        for watch in self.hub.watchers:
            watch("before", request)
        troubles = self.hub.troubles.take(request)
        answer: Response | None = None
        for trouble in (t for t in troubles if t.moment == "before"):
            answer = self._happen(trouble, request) or answer
        if answer is None:
            answer = self._handle(request, origin)
            for trouble in (t for t in troubles if t.moment == "after"):
                answer = self._happen(trouble, request) or answer
        for watch in self.hub.watchers:
            watch("after", request)
        return answer

    def _happen(self, trouble: Trouble, request: Request) -> Response | None:
        """Let trouble happen; returns what is answered instead, if anything."""
        if trouble.kind == "down":
            if self.hub.waited.seconds is None:
                # The sandbox's server knows nothing of it.
                path, _ = path_and_query(request.target)
                self.hub.note_call(request.method, path, request.body, 0, 0.0)
            raise ConnectionResetError("the hub is down, as a test wants it")
        if trouble.kind == "slow":
            self.hub.wait(trouble.seconds)
            return None
        if trouble.kind == "meanwhile":
            assert trouble.action is not None
            trouble.action()
            return None
        if trouble.kind == "garbage":
            return Response(200, "<html>Bad gateway</html>")
        answer = error_response(trouble.status, "Trouble on demand")
        if trouble.retry_after is not None:
            answer.headers["Retry-After"] = str(trouble.retry_after)
        return answer

    def _handle(self, request: Request, origin: str) -> Response:
        outer, self._inside.is_open = self._inside.is_open, True
        try:
            response = super().handle(request, origin)
        finally:
            self._inside.is_open = outer
        push = read_push(request, response)
        if push is not None:
            self.hub.pushes.append(push)
        return response
