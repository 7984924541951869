"""What is wrong with a mapper's declaration, for the system checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from django_connec.mapping.fields import CONFLICT_POLICIES, BoundField, FieldProblem
from django_connec.mapping.nested import BoundNested

if TYPE_CHECKING:
    from django_connec.mapping.mapper import Mapper

__all__ = ["ON_INACTIVE", "group_problems", "meta_problems", "overlaps"]

ON_INACTIVE = ("apply", "delete", "ignore")


def meta_problems(mapper: Mapper) -> Iterator[FieldProblem]:
    """Yield what is wrong with a mapper's ``Meta``."""
    for option, known in (("on_inactive", ON_INACTIVE), ("conflict", CONFLICT_POLICIES)):
        value = getattr(mapper.meta, option)
        if value not in known:
            yield FieldProblem("E107", f'Meta.{option} is "{value}".', f"Use one of: {', '.join(known)}.")
    mapped = {".".join(f.path) for f in mapper.bound_fields()}
    for path in {p for alternative in mapper.meta.match_on for p in alternative}:
        if path not in mapped:
            yield FieldProblem(
                "E108",
                f'match_on names "{path}", which no field maps.',
                f"Name one of: {', '.join(sorted(mapped))}.",
            )
    created = mapper.meta.created_field
    if created is not None:
        try:
            column = mapper.model._meta.get_field(created)
        except FieldDoesNotExist:
            column = None
        if not isinstance(column, models.DateTimeField):
            yield FieldProblem(
                "E108",
                f'created_field "{created}" is no DateTimeField.',
                "Name the model's field that says when a row was made.",
            )


def group_problems(mapper: Mapper) -> Iterator[FieldProblem]:
    """Yield what is wrong with the path to the group."""
    hops = mapper.meta.group.split("__")
    model: type[models.Model] = mapper.model
    for index, hop in enumerate(hops):
        try:
            step = model._meta.get_field(hop)
        except FieldDoesNotExist:
            step = None
        target = step.related_model if isinstance(step, models.ForeignKey) else None
        if not isinstance(target, type):
            yield FieldProblem(
                "E109",
                f'the group path "{mapper.meta.group}" breaks at "{hop}": {model.__name__} has no such foreign key.',
                'Write a path of foreign keys that ends at a ConnecGroup, for example "company__connec_group".',
            )
            return
        model = target
        if index < len(hops) - 1 and model._meta.label == "django_connec.ConnecGroup":
            break
    if model._meta.label != "django_connec.ConnecGroup":
        yield FieldProblem(
            "E109",
            f'the group path "{mapper.meta.group}" ends at {model._meta.label}, not at ConnecGroup.',
            'Let it end at a foreign key to ConnecGroup, for example "company__connec_group".',
        )
        return
    if len(hops) > 2 and "before_apply" not in mapper.customises:
        yield FieldProblem(
            "E110",
            f'the group path "{mapper.meta.group}" does not say which row a new one belongs to.',
            "Override before_apply to set it.",
        )


def overlaps(bound: Sequence[BoundField], nested: Sequence[BoundNested]) -> list[FieldProblem]:
    """Return what two declarations of one mapper both claim."""
    problems: list[FieldProblem] = []
    for rows in nested:
        problems += [
            FieldProblem("E111", f'{rows.name}: "{item.name}" maps "{rows.path}" too.', "Map it once.")
            for item in bound
            if item.top == rows.path
        ]
        problems += [
            FieldProblem("E111", f'{rows.name}: "{other.name}" maps "{rows.path}" too.', "Map it once.")
            for other in nested
            if other is not rows and other.path == rows.path
        ]
    taken: dict[str, str] = {}
    for item in bound:
        if not item.pull:
            continue
        if item.lookup in taken:
            problems.append(
                FieldProblem(
                    "E111",
                    f'{item.name}: "{taken[item.lookup]}" fills the same model field.',
                    'Let one of them have direction="push".',
                )
            )
        taken[item.lookup] = item.name
    for item in bound:
        for other in bound:
            if item is not other and len(item.path) < len(other.path) and other.path[: len(item.path)] == item.path:
                problems.append(
                    FieldProblem(
                        "E111",
                        f'{item.name}: its path holds that of "{other.name}".',
                        "Map either the block or its parts.",
                    )
                )
    return problems
