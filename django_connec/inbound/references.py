"""Resolve references to rows: one query a referenced model; what is missing is fetched, or the record waits."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models

from django_connec.client.api import ConnecClient
from django_connec.client.errors import ConnecError, ConnecUnavailable
from django_connec.client.filters import any_of
from django_connec.conf import get_settings
from django_connec.inbound.incoming import Incoming
from django_connec.mapping import registry
from django_connec.mapping.references import RemoteId
from django_connec.models import ConnecGroup
from django_connec.models.columns import GROUP, ID
from django_connec.sql import read_rows

__all__ = ["Missing", "fetch_by_id", "resolve"]

logger = logging.getLogger(__name__)

#: Ids named in one request's filter: 50 UUIDs stay well under what servers take as a URL.
IDS_PER_REQUEST = 50


class Missing:
    """A reference whose record is not here."""

    __slots__ = ("connec_id", "field", "resource")

    def __init__(self, field: str, resource: str, connec_id: str) -> None:
        self.field = field
        self.resource = resource
        self.connec_id = connec_id


def resolve(group: ConnecGroup, incoming: Sequence[Incoming], using: str) -> dict[int, Missing]:
    """Fill ``Incoming.references`` and return the first missing one of each record, by position.

    A target is found by the hub's id in the same group, or by our own external id.
    """
    wanted: dict[type[models.Model], set[str]] = {}
    own: dict[type[models.Model], set[Any]] = {}
    provider, realm = get_settings().provider, group.effective_realm
    for record in incoming:
        for _, item in record.parts():
            for bound in item.mapper.references:
                value = item.decoded.values.get(bound.name)
                if isinstance(value, RemoteId) and bound.reference is not None:
                    target = _concrete(bound.reference)
                    if value.connec_id:
                        wanted.setdefault(target, set()).add(value.connec_id)
                    key = _own_pk(target, value.own(provider, realm))
                    if key is not None and not value.connec_id:
                        own.setdefault(target, set()).add(key)
    found = {target: _by_connec_id(group, target, ids, using) for target, ids in wanted.items()}
    found_own = {target: _by_pk(group, target, pks, using) for target, pks in own.items()}
    missing: dict[int, Missing] = {}
    for position, record in enumerate(incoming):
        for prefix, item in record.parts():
            for bound in item.mapper.references:
                if bound.name not in item.decoded.values:
                    continue
                value = item.decoded.values[bound.name]
                if not isinstance(value, RemoteId) or bound.reference is None:
                    item.references[bound.name] = None
                    continue
                target = _concrete(bound.reference)
                pk = found.get(target, {}).get(value.connec_id or "")
                if pk is None and not value.connec_id:
                    pk = found_own.get(target, {}).get(_own_pk(target, value.own(provider, realm)))
                if pk is None:
                    mapper = registry.for_model(target)
                    resource = mapper.meta.resource if mapper else ""
                    gap = Missing(f"{prefix}{bound.name}", resource, value.connec_id or "")
                    missing.setdefault(position, gap)
                else:
                    item.references[bound.name] = pk
    return missing


def fetch_by_id(client: ConnecClient, group: ConnecGroup, resource: str, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Fetch records by the hub's ids, in external-id form, as few requests as possible.

    Returns:
        Those that the hub has and shows to this group; none where the hub refuses to be asked so.

    Raises:
        ConnecUnavailable: The hub cannot be reached now.
    """
    usable = sorted({i for i in ids if i and "'" not in i})
    records: list[dict[str, Any]] = []
    for start in range(0, len(usable), IDS_PER_REQUEST):
        part = usable[start : start + IDS_PER_REQUEST]
        try:
            for page in client.pages(group.uid, resource, filter=any_of("_id", part), top=IDS_PER_REQUEST):
                records += page.records
        except ConnecUnavailable:
            raise
        except ConnecError as error:
            logger.warning("could not fetch %s by id (status %s)", resource, error.status)
    return records


def _by_connec_id(group: ConnecGroup, model: type[models.Model], ids: set[str], using: str) -> dict[str, Any]:
    found: Any = read_rows(model, (ID, "pk"), using=using, among=(ID, ids), equal={GROUP: group.pk})
    return dict(found)


def _by_pk(group: ConnecGroup, model: type[models.Model], pks: set[Any], using: str) -> dict[Any, Any]:
    mapper = registry.for_model(model)
    if mapper is None:
        return {}
    rows = model._base_manager.using(using).filter(pk__in=pks, **{mapper.meta.group: group}).order_by()
    return {pk: pk for pk in rows.values_list("pk", flat=True)}


def _own_pk(model: type[models.Model], identifier: str | None) -> Any | None:
    mapper = registry.for_model(model)
    return None if mapper is None or identifier is None else mapper.pk_from(identifier)


def _concrete(model: type[models.Model]) -> type[models.Model]:
    return model._meta.concrete_model or model
