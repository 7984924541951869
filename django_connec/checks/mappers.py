"""Checks of every registered mapper, against its model and against the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register
from django.db import router

from django_connec.mapping import Mapper, registry

__all__ = ["check_mappers"]


@register("connec")
def check_mappers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Name every mistake in a mapper, with its cure."""
    from django.conf import settings

    found: list[CheckMessage] = []
    mappers = list(registry)
    if mappers and getattr(settings, "CONNEC", None) is None:
        found.append(
            Error(
                "There are mappers, but settings.CONNEC is missing.",
                hint='Set CONNEC = {"PROVIDER": "…", "MARKETPLACES": {…}}.',
                id="django_connec.E008",
            )
        )
    for mapper in mappers:
        for problem in mapper.problems():
            found.append(Error(problem.message, hint=problem.hint, obj=mapper, id=f"django_connec.{problem.code}"))
        found += _model_problems(mapper)
    found += _claims(mappers)
    return found


def _model_problems(mapper: Mapper) -> Iterator[CheckMessage]:
    from django_connec.models import ConnecGroup, ConnecSyncMixin

    if not issubclass(mapper.model, ConnecSyncMixin):
        yield Error(
            f"{mapper.model._meta.label} is mapped but is no ConnecSyncMixin model.",
            hint="Let the model subclass django_connec.models.ConnecSyncMixin and make its migration.",
            obj=mapper,
            id="django_connec.E112",
        )
    if router.db_for_write(mapper.model) != router.db_for_write(ConnecGroup):
        yield Error(
            f"{mapper.model._meta.label} is written to another database than ConnecGroup.",
            hint="Let the router keep django_connec and the mapped models together: a row and its group change in one "
            "transaction.",
            obj=mapper,
            id="django_connec.E113",
        )
    for name, bound in mapper.all_references():
        if bound.reference is not None and registry.for_model(bound.reference) is None:
            yield Error(
                f'{name}: "{bound.column.name}" leads to {bound.reference._meta.label}, which has no mapper.',
                hint=f"Register a mapper for {bound.reference.__name__}, or leave the reference out.",
                obj=mapper,
                id="django_connec.E114",
            )


def _claims(mappers: list[Mapper]) -> Iterator[CheckMessage]:
    for mapper in registry.duplicates:
        yield Error(
            f"{mapper.model._meta.label} has more than one mapper.",
            hint="Keep one; a model is one kind of record.",
            obj=mapper,
            id="django_connec.E115",
        )
    for one, other in combinations(mappers, 2):
        if one.meta.resource != other.meta.resource or not one.meta.resource:
            continue
        if not _are_apart(one, other):
            yield Error(
                f'{one} and {other} both claim the records of "{one.meta.resource}".',
                hint='Tell them apart with Meta.when, for example {"is_lead": True} and {"is_lead": False}, '
                "or override accepts.",
                obj=other,
                id="django_connec.E116",
            )
        if one.meta.id_prefix == other.meta.id_prefix:
            yield Error(
                f'{one} and {other} make the same external ids for "{one.meta.resource}".',
                hint="Give one of them an id_prefix of its own in Meta.",
                obj=other,
                id="django_connec.E117",
            )


def _are_apart(one: Mapper, other: Mapper) -> bool:
    shared = set(one.meta.when) & set(other.meta.when)
    if any(one.meta.when[path] != other.meta.when[path] for path in shared):
        return True
    return "accepts" in one.customises or "accepts" in other.customises
