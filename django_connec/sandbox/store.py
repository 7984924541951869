"""What a hub asks of its storage: one small interface, in memory for tests and in SQLite for everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from django_connec.sandbox.query import Query

__all__ = ["EVERYTHING", "Application", "External", "Group", "Row", "Store"]

EVERYTHING = Query()

#: Provider, realm and id of an application's entry.
External = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Application:
    """One application of the marketplace, or somebody else with credentials of the API.

    Attributes:
        api_id: User name of its Basic credentials, both ways.
        api_key: Their password.
        webhook_url: Where it wants to be notified; ``None``: nowhere.
        resources: What it subscribed to; ``None``: everything.
        external_ids: Notifications carry ids in list form.
        echo: It is notified of its own writes too.
        tenant: It sees every organisation, by the organisation's own id (Connec! API v2, authentication).
    """

    api_id: str
    api_key: str
    webhook_url: str | None = None
    resources: frozenset[str] | None = None
    external_ids: bool = True
    echo: bool = False
    tenant: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A customer of one application: the name under which it sees an organisation's data."""

    uid: str
    api_id: str
    org: str
    revoked: bool


@dataclass(slots=True)
class Row:
    """One record as stored: ids and references are the hub's own. Whoever is given one may change it."""

    id: str
    created_at: str
    updated_at: str
    body: dict[str, Any]


class Store(Protocol):
    """All data of one hub. Safe to share between threads; writers take turns."""

    def transaction(self) -> AbstractContextManager[None]:
        """Hold the store for one operation: all of it is kept, or none. May be nested."""

    def close(self) -> None:
        """Let go of what is held open."""

    # Applications and groups

    def save_application(self, application: Application) -> None:
        """Register an application, or change how it is registered."""

    def applications(self) -> Sequence[Application]:
        """Return all applications, by their API ids."""

    def save_group(self, uid: str, api_id: str, org: str) -> None:
        """Let an application see an organisation under this group id; a revoked one sees it again."""

    def revoke(self, uid: str) -> None:
        """Take a group away from whoever has it."""

    def org_of(self, uid: str, api_id: str | None = None) -> str | None:
        """Return the organisation that a group belongs to, where the application may see it."""

    def org_behind(self, uid: str) -> str | None:
        """Return the organisation that a group belongs to, or belonged to before it was revoked."""

    def groups(self) -> list[Group]:
        """Return all groups, those that were revoked included, in the order in which they were made."""

    def groups_of(self, org: str) -> list[tuple[str, str]]:
        """Return the groups that share an organisation's data, each with its application."""

    # Records

    def get(self, org: str, resource: str, id: str) -> Row | None:
        """Return a record; the loser of a merge leads to its keeper."""

    def save(self, org: str, resource: str, row: Row) -> None:
        """Put a record in; one that is there keeps its place and its ``created_at``."""

    def save_many(self, org: str, resource: str, rows: Iterable[Row]) -> None:
        """Put many records in, ``created_at`` included; those that are there keep their places."""

    def delete(self, org: str, resource: str, id: str) -> None:
        """Forget a record and the ids that applications gave it, as no client can."""

    def find(self, org: str, resource: str, query: Query = EVERYTHING) -> list[Row]:
        """Return records."""

    def count(self, org: str, resource: str, query: Query = EVERYTHING) -> int:
        """Return how many records there are, whatever page is asked for."""

    def mentioning(self, org: str, id: str) -> list[tuple[str, Row]]:
        """Return all records that have this text as a value somewhere in them, each with its resource."""

    def next_number(self, org: str, resource: str, count: int = 1) -> int:
        """Take so many short numbers of a resource; return the first."""

    # Merges

    def keeper_of(self, org: str, resource: str, id: str) -> str:
        """Return the id of the record that this one was merged into; the id itself where it was not."""

    def merge(self, org: str, resource: str, keeper: str, loser: str) -> None:
        """Let one record be another from now on; its external ids go along."""

    # External ids

    def by_external(self, org: str, resource: str, provider: str, realm: str, external: str) -> str | None:
        """Return the record to which an application gave this id."""

    def set_external(self, org: str, resource: str, provider: str, realm: str, external: str, id: str) -> bool:
        """Attach an application's id to a record, in place of its earlier one; returns whether that is news."""

    def add_externals(self, org: str, resource: str, entries: Iterable[tuple[str, External]]) -> None:
        """Attach many ids to records that have none of these applications yet."""

    def externals(self, org: str, resource: str, ids: Sequence[str]) -> Mapping[str, list[dict[str, str]]]:
        """Return every application's entries of some records, by provider and realm."""
