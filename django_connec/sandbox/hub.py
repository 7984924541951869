"""``SandboxHub``: a Connec! hub on this machine, for development, demos and tests."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

from django_connec.sandbox.accounts import Accounts, GroupProfile, Membership, User
from django_connec.sandbox.accounts.api import AccountApi
from django_connec.sandbox.accounts.bills import Bills
from django_connec.sandbox.accounts.notices import Notice, Notices
from django_connec.sandbox.accounts.platform import Platform
from django_connec.sandbox.api import Api
from django_connec.sandbox.behaviour import Behaviour
from django_connec.sandbox.catalogue import SINGULAR, code_prefix, first_status, has_status
from django_connec.sandbox.controls import Controls
from django_connec.sandbox.faults import Faults
from django_connec.sandbox.idp import AnswerStyle, IdentityProvider
from django_connec.sandbox.ids import hub_entry, own_entries, read_attributes, show
from django_connec.sandbox.memory import MemoryStore
from django_connec.sandbox.pages import SandboxPages
from django_connec.sandbox.records import READ_ONLY, Caller
from django_connec.sandbox.seeds import Size, rows_of, sizes
from django_connec.sandbox.server import HubServer
from django_connec.sandbox.site import Marketplace
from django_connec.sandbox.sqlite import SQLiteStore
from django_connec.sandbox.store import Application, Row, Store
from django_connec.sandbox.times import stamp, text_of
from django_connec.sandbox.webhooks import Delivery, Notifier

__all__ = ["Call", "SandboxHub"]

#: Who writes where a person, or a test, acts as an application that is none of the registered ones.
ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API, as the log shows it; never what was in it."""

    method: str
    path: str
    status: int
    milliseconds: float
    operations: int


class SandboxHub:
    """A hub with a data set of its own an organisation, shared by the applications that have a group of it.

    It is independent of the client and the mapping of this package: both could be wrong together otherwise.
    Where a method takes an organisation, a group of it does as well. Used as a context manager, the hub is
    closed at the end.

    Args:
        database: SQLite file of its own; ``:memory:``, the default, keeps nothing.
        clock: Returns the hub's time, aware; the system's by default.
        delay: Seconds that changes are collected before applications are notified.
        attempts: Tries of one delivery.
        back_off: Seconds before its second try.
        timeout: Seconds that an application may take to answer a notification.
        at_most: Records in one notification.
        singular_as_list: Notify of the company in a list, as of other resources.
        changed: Told of each change in place of the applications, which are not notified then: organisation,
            resource, id, and who wrote it.
        store: Where the data is kept, in place of ``database``.
        behaviour: What the hub does where production's behaviour is not known.
        sso: How the identity provider answers; as Maestrano's, signed with SHA-256, by default.

    Attributes:
        accounts: Users, groups, memberships and where the applications are.
        bills: What the applications charged.
        notices: Cancels applications and takes users out of groups, and tells the applications.
        idp: The identity provider.
    """

    def __init__(
        self,
        database: str = ":memory:",
        *,
        clock: Callable[[], dt.datetime] | None = None,
        delay: float = 0.05,
        attempts: int = 5,
        back_off: float = 0.2,
        timeout: float = 10.0,
        singular_as_list: bool = True,
        changed: Callable[[str, str, str, str], None] | None = None,
        store: Store | None = None,
        sso: AnswerStyle | None = None,
        at_most: int = 500,
        behaviour: Behaviour | None = None,
    ) -> None:
        self.clock = clock or (lambda: dt.datetime.now(dt.UTC))
        self.store: Store = store or (MemoryStore() if database == ":memory:" else SQLiteStore(database))
        self.faults = Faults()
        self.notifier = Notifier(
            self.store,
            delay=delay,
            attempts=attempts,
            back_off=back_off,
            timeout=timeout,
            clock=lambda: self.clock(),
            singular_as_list=singular_as_list,
            at_most=at_most,
        )
        self._changed = changed or self.notifier.changed
        self.api = Api(self.store, lambda: self.clock(), self._changed, self.faults, self.notifier.commit, behaviour)
        self.calls: deque[Call] = deque(maxlen=10_000)
        self.accounts = Accounts(self.store, database, lambda: self.clock())
        self.bills = Bills(self.accounts.store, lambda: self.clock())
        self.notices = Notices(self.accounts, lambda: self.clock(), timeout=timeout)
        self.idp = IdentityProvider(self.accounts, lambda: self.clock(), keeps=database != ":memory:", style=sso)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def behaviour(self) -> Behaviour:
        """What the hub does where production's behaviour is not known; may be changed at any time."""
        return self.api.behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self.api.behaviour = behaviour

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
        """Register an application, or change how it is registered.

        Args:
            webhook_url: Where it is notified; by default at its ``host``, and nowhere without one.
            resources: What it subscribes to; everything by default.
            external_ids: Notifications carry ids in list form.
            echo: It is notified of its own writes too.
            tenant: It sees every organisation, by the organisation's own id.
            addresses: ``name``, ``host`` and the others of :class:`~django_connec.sandbox.accounts.Registration`.
        """
        registration = self.accounts.register(api_id, **addresses)
        if webhook_url is None and registration.host:
            webhook_url = registration.host + registration.path("notification")
        subscribed = None if resources is None else frozenset(resources)
        application = Application(api_id, api_key, webhook_url, subscribed, external_ids, echo, tenant)
        self.store.save_application(application)
        return application

    def subscribe(self, api_id: str, resources: Iterable[str] | None) -> None:
        """Choose the resources that an application is notified of; ``None``: all.

        Raises:
            LookupError: There is no such application.
        """
        application = next((a for a in self.store.applications() if a.api_id == api_id), None)
        if application is None:
            raise LookupError("no such application")
        subscribed = None if resources is None else frozenset(resources)
        self.store.save_application(replace(application, resources=subscribed))

    def add_session(self, token: str, org: str) -> None:
        """Let whoever has this token see an organisation, by ``?sso_session=`` in place of credentials."""
        self.api.sessions[token] = org

    def add_group(self, uid: str, *, api_id: str, org: str, **profile: Any) -> GroupProfile:
        """Let an application see an organisation's data under this group id.

        Args:
            profile: ``name`` and the others of :class:`~django_connec.sandbox.accounts.GroupProfile`.
        """
        self.store.save_group(uid, api_id, org)
        return self.accounts.save_group(uid, **{"status": "running", **profile, "api_id": api_id, "org": org})

    def add_user(
        self, uid: str | None = None, *, groups: Mapping[str, str | None] | None = None, **details: Any
    ) -> User:
        """Make a user who can sign on, or change one.

        Args:
            uid: The next ``usr-…`` by default.
            groups: The role in each group that the user belongs to, such as ``{"cld-7p2k": "Admin"}``.
            details: ``name``, ``surname``, ``email`` and the others of
                :class:`~django_connec.sandbox.accounts.User`.
        """
        user = self.accounts.save_user(uid, **details)
        for group, role in (groups or {}).items():
            self.add_member(user.uid, group, role)
        return user

    def add_member(self, user: str, group: str, role: str | None = "Member") -> Membership:
        """Let a user belong to a group, or change the role.

        Args:
            role: ``Member``, ``Power User``, ``Admin`` or ``Super Admin``; ``None``: a guest.

        Raises:
            LookupError: There is no such user or group.
            ValueError: There is no such role.
        """
        return self.accounts.save_member(user, group, role)

    def add_organisation(self, org: str, groups: Mapping[str, str]) -> None:
        """Let several applications share an organisation's data.

        Args:
            groups: The group id under which each application sees it, by application.
        """
        for api_id, uid in groups.items():
            self.add_group(uid, api_id=api_id, org=org)

    def revoke(self, uid: str) -> None:
        """Take a group away: its application is answered 401 from now on, and is not notified."""
        self.store.revoke(uid)

    def cancel(self, group: str) -> Notice:
        """Let a group cancel its application: the hub refuses the group from now on, and the application is told.

        Raises:
            LookupError: There is no such group, or its application has no host.
        """
        return self.notices.cancel(group)

    def remove_user(self, group: str, user: str) -> Notice:
        """Take a user out of a group, and tell the application, by the user's real uid.

        Raises:
            LookupError: There is no such group, the user does not belong to it, or its application has no host.
        """
        return self.notices.remove_user(group, user)

    # Data -----------------------------------------------------------------------------------------------

    def load(self, org: str, resource: str, records: Iterable[Mapping[str, Any]], *, notify: bool = False) -> int:
        """Put records in as they are; ids and times are kept where they are given.

        Args:
            notify: Tell the applications, as if another one had written; nobody is told otherwise.

        Returns:
            How many.

        Raises:
            ValueError: A time, or a reference, cannot be read; nothing is put in then.
        """
        org, _ = self._place(org)
        now = stamp(self.clock())
        rows: list[Row] = []
        with self.store.transaction():
            for record in records:
                given = record.get("id")
                hub_id = hub_entry(given) or str(uuid.uuid4())
                body = read_attributes(
                    self.store, org, resource, {k: v for k, v in record.items() if k not in READ_ONLY}
                )
                if "code" not in body and resource not in SINGULAR:
                    body["code"] = f"{code_prefix(resource)}{self.store.next_number(org, resource)}"
                if has_status(resource):
                    body.setdefault("status", first_status(resource))
                created = text_of(str(record.get("created_at") or now))
                rows.append(Row(hub_id, created, text_of(str(record.get("updated_at") or created)), body))
                for provider, realm, external in own_entries(given):
                    self.store.set_external(org, resource, provider, realm, external, hub_id)
            self.store.save_many(org, resource, rows)
        if notify:
            for row in rows:
                self._changed(org, resource, row.id, ELSEWHERE)
        return len(rows)

    def seed(self, org: str, size: Size = "small") -> dict[str, int]:
        """Fill an organisation with invented records of every resource; nobody is notified.

        The same records every time, ids included, so that seeding again changes nothing but what was changed.

        Args:
            size: ``small``, ``large``, how many records in all, or how many of each resource.

        Returns:
            How many of each resource.

        Raises:
            ValueError: The size is none of these.
        """
        org, _ = self._place(org)
        counts = sizes(size)
        with self.store.transaction():
            for resource, count in counts.items():
                have = self.store.count(org, resource)
                self.store.save_many(org, resource, rows_of(org, resource, counts))
                if resource not in SINGULAR and not have:
                    self.store.next_number(org, resource, count)
        return counts

    def create(
        self, org: str, resource: str, attributes: Mapping[str, Any] | None = None, /, **more: Any
    ) -> dict[str, Any]:
        """Make a record as another application would; everyone who subscribed is notified.

        Raises:
            Refused: The hub would have answered with an error.
        """
        write = self.api.writer.write_singular if resource in SINGULAR else self.api.writer.create
        row, _ = write(self._elsewhere(org), resource, {**(attributes or {}), **more})
        return self._show(org, resource, row)

    def update(
        self, org: str, resource: str, id: str, attributes: Mapping[str, Any] | None = None, /, **more: Any
    ) -> dict[str, Any]:
        """Change a record as another application would; everyone who subscribed is notified.

        Raises:
            Refused: The hub would have answered with an error.
        """
        changes = {**(attributes or {}), **more}
        return self._show(org, resource, self.api.writer.update(self._elsewhere(org), resource, id, changes))

    def merge(self, org: str, resource: str, keeper: str, loser: str) -> None:
        """Make two records one."""
        self.api.writer.merge(self._elsewhere(org), resource, keeper, loser)

    def records(self, org: str, resource: str, *, external_ids: bool = False) -> list[dict[str, Any]]:
        """Return all records of a resource."""
        org, group = self._place(org)
        rows = self.store.find(org, resource)
        return show(self.store, org, resource, rows, group_uid=group, external_ids=external_ids)

    def get(self, org: str, resource: str, id: str, *, external_ids: bool = False) -> dict[str, Any] | None:
        """Return one record; ``None`` where there is none."""
        org, group = self._place(org)
        row = self.store.get(org, resource, id)
        if row is None:
            return None
        return show(self.store, org, resource, [row], group_uid=group, external_ids=external_ids)[0]

    def by_external(self, org: str, resource: str, provider: str, realm: str, external: str) -> dict[str, Any] | None:
        """Return the record to which an application gave this id."""
        id = self.store.by_external(self._place(org)[0], resource, provider, realm, external)
        return None if id is None else self.get(org, resource, id)

    @property
    def deliveries(self) -> list[Delivery]:
        """What was delivered to whom, oldest first."""
        return list(self.notifier.log)

    def flush(self, timeout: float = 30.0) -> bool:
        """Wait until every change noted so far is delivered or given up."""
        return self.notifier.flush(timeout)

    def redeliver(self, delivery: Delivery | int) -> Delivery:
        """Send the content of a delivery again, as it was, and wait until it is delivered or given up.

        Args:
            delivery: One of :attr:`deliveries`, or its number.

        Raises:
            LookupError: Its content is no longer kept.
        """
        return self.notifier.redeliver(delivery if isinstance(delivery, int) else delivery.number)

    def clear_log(self) -> None:
        """Forget the calls, deliveries and notices so far."""
        self.calls.clear()
        self.notices.log.clear()
        self.notifier.forget()

    # Serve ----------------------------------------------------------------------------------------------

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Serve on 127.0.0.1 for the block; yields scheme, host and port."""
        server = HubServer(
            self.api,
            self.faults,
            self._log,
            Controls(self).answer,
            port,
            marketplace=Marketplace(self.idp, AccountApi(self.accounts, self.bills), Platform(self.accounts, self.idp)),
            pages=SandboxPages(self),
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="connec-sandbox")
        thread.start()
        try:
            yield server.url
        finally:
            server.stop()
            thread.join(timeout=10)

    def close(self) -> None:
        """Stop notifying and let go of the database."""
        self.notifier.close()
        self.accounts.close()
        self.store.close()

    def _log(self, method: str, path: str, status: int, milliseconds: float, operations: int) -> None:
        self.calls.append(Call(method, path, status, milliseconds, operations))

    def _place(self, of: str) -> tuple[str, str]:
        """Return the organisation that is meant, and the group where one was named."""
        org = self.store.org_behind(of)
        return (of, "") if org is None else (org, of)

    def _elsewhere(self, of: str) -> Caller:
        org, group = self._place(of)
        return Caller(ELSEWHERE, group, org, False)

    def _show(self, of: str, resource: str, row: Row) -> dict[str, Any]:
        org, group = self._place(of)
        return show(self.store, org, resource, [row], group_uid=group, external_ids=False)[0]
