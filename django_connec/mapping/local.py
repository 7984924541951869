"""The mapped values of rows as they are here, in the form that digests and payloads are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from django_connec.conf import get_settings
from django_connec.mapping.mapper import Mapper
from django_connec.mapping.references import RemoteId
from django_connec.mapping.registry import registry
from django_connec.mapping.related import attach_related

__all__ = ["LocalValues"]


class LocalValues:
    """Values of many rows of one model; foreign keys become the identity of the record they lead to.

    Costs one query a referenced model, for all rows together.

    Args:
        mapper: Mapper of the rows.
        rows: Instances, read fresh.
        group_id: Primary key of the group they belong to.
        realm: Realm of the group's external ids.
        using: Alias of the database.
    """

    def __init__(self, mapper: Mapper, rows: Iterable[Any], group_id: int, realm: str, using: str) -> None:
        self._mapper = mapper
        self._targets: dict[str, dict[Any, RemoteId]] = {}
        self._provider, self._realm = get_settings().provider, realm
        listed = list(rows)
        attach_related(mapper, listed, using)
        by_model: dict[type[models.Model], set[Any]] = {}
        for bound in mapper.references:
            if bound.reference is not None:
                keys = {bound.get(row) for row in listed} - {None}
                by_model.setdefault(bound.reference._meta.concrete_model or bound.reference, set()).update(keys)
        found = {model: self._identities(model, keys, group_id, using) for model, keys in by_model.items() if keys}
        for bound in mapper.references:
            if bound.reference is not None:
                self._targets[bound.name] = found.get(bound.reference._meta.concrete_model or bound.reference, {})

    def values(self, row: Any) -> dict[str, Any]:
        """Return the row's value by field name; a reference whose record the hub does not know, or that leads
        out of the group, is left out."""
        result: dict[str, Any] = {}
        for bound in self._mapper.fields:
            value = bound.get(row)
            if bound.reference is not None and value is not None:
                value = self._targets[bound.name].get(value)
                if value is None or value.connec_id is None:
                    continue
            result[bound.name] = value
        return result

    def digests(self, row: Any) -> dict[str, str]:
        """Return the digest of the row's value by field name, of every field."""
        result: dict[str, str] = {}
        for bound in self._mapper.fields:
            value = bound.get(row)
            if bound.reference is not None and value is not None:
                value = self._targets[bound.name].get(value) or RemoteId(None, (("", "", f"{value}"),))
            result[bound.name] = bound.digest(value)
        return result

    def unresolved(self, row: Any) -> list[str]:
        """Return the references that lead to rows which the hub does not know yet."""
        return [
            bound.name
            for bound in self._mapper.references
            if bound.get(row) is not None and self._is_unknown(bound.name, bound.get(row))
        ]

    def _is_unknown(self, name: str, key: Any) -> bool:
        target = self._targets[name].get(key)
        return target is None or target.connec_id is None

    def _identities(self, model: type[models.Model], keys: set[Any], group_id: int, using: str) -> dict[Any, RemoteId]:
        target = registry.for_model(model)
        if target is None:
            return {}
        rows = model._base_manager.using(using).filter(pk__in=keys, **{target.meta.group: group_id}).order_by()
        return {
            pk: RemoteId(connec_id, ((self._provider, self._realm, target.identifier(pk)),))
            for pk, connec_id in rows.values_list("pk", "connec_id")
        }
