"""Assertions on what was pushed, that say what was pushed instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models

from django_connec.conf import get_settings
from django_connec.mapping import Mapper, registry
from django_connec.mapping.fields import BoundField
from django_connec.mapping.paths import make_reader
from django_connec.mapping.references import parse_remote_id
from django_connec.mapping.values import MISSING, is_blank
from django_connec.testing.pushes import Push

__all__ = ["assert_nothing_pushed", "assert_pushed"]

#: Pushes that a message shows at most.
SHOWN = 20


def assert_pushed(pushes: Sequence[Push], target: Any, attributes: dict[str, Any]) -> Push:
    """Fail unless one of the pushes is of this row, or of this model, with these attributes.

    Args:
        pushes: What was sent.
        target: An instance, also one that was deleted since, or a model.
        attributes: Values by the mapper's field, as the row has them, or by the hub's attribute, as the hub has
            them, with two underscores where a dotted path has a dot.

    Returns:
        The last push that fits.

    Raises:
        AssertionError: There is none.
        LookupError: The model has no mapper, or neither it nor the hub's records can have such an attribute.
    """
    mapper = _mapper(target)
    row = None if isinstance(target, type) else _fresh(mapper, target)
    of_model = [push for push in pushes if push.resource == mapper.meta.resource]
    candidates = [push for push in of_model if row is None or _is_of(push, mapper, row)]
    accepted = [push for push in candidates if push.is_accepted]
    for push in reversed(accepted):
        if all(_fits(mapper, push, name, value) for name, value in attributes.items()):
            return push
    what = mapper.model.__name__ if row is None else f"{mapper.model.__name__} {row.pk}"
    wanted = "".join(f"\n    {name} = {value!r}" for name, value in attributes.items())
    problem = f"{what} was not pushed{' with' if wanted else ''}{wanted}"
    raise AssertionError(f"{problem}\n{_instead(mapper, row, candidates, of_model, pushes)}")


def assert_nothing_pushed(pushes: Sequence[Push], target: Any = None) -> None:
    """Fail if anything was sent, accepted or not.

    Args:
        pushes: What was sent.
        target: Only this row, or this model; everything by default.

    Raises:
        AssertionError: Something was; it says what.
    """
    found = list(pushes)
    if target is not None:
        mapper = _mapper(target)
        found = [push for push in found if push.resource == mapper.meta.resource]
        if not isinstance(target, type):
            row = _fresh(mapper, target)
            found = [push for push in found if _is_of(push, mapper, row)]
    if found:
        raise AssertionError(f"expected nothing to be pushed, but there was:{_listed(found)}")


def _mapper(target: Any) -> Mapper:
    model = target if isinstance(target, type) else type(target)
    mapper = registry.for_model(model) if issubclass(model, models.Model) else None
    if mapper is None:
        raise LookupError(f"{model.__name__} has no mapper: register one in connec.py")
    return mapper


def _fresh(mapper: Mapper, instance: Any) -> Any:
    """Return the row as it is stored: the drain wrote its id, and the instance in hand does not know it."""
    return mapper.model._base_manager.filter(pk=instance.pk).first() or instance


def _is_of(push: Push, mapper: Mapper, row: Any) -> bool:
    if row.connec_id is not None and push.id == row.connec_id:
        return True
    provider = get_settings().provider
    return row.pk is not None and any(
        entry[0] == provider and entry[2] == mapper.identifier(row.pk) for entry in push.external_ids
    )


def _fits(mapper: Mapper, push: Push, name: str, value: Any) -> bool:
    bound = next((field for field in mapper.fields if field.name == name), None)
    if bound is None:
        found = make_reader(tuple(name.split("__")))(push.attributes)
        return bool(found == value) or _both_blank(push, found, value)
    found = bound.read(push.attributes)
    if _both_blank(push, found, value):
        return True
    if found is MISSING:
        return False
    return bool(_wire(bound, value) == _plain(bound, found))


def _both_blank(push: Push, found: Any, value: Any) -> bool:
    # A create leaves empty values out; an update has to say that something was emptied.
    return is_blank(value) and (is_blank(found) if found is not MISSING else push.method == "POST")


def _wire(bound: BoundField, value: Any) -> Any:
    if bound.reference is None:
        return bound.encode(value)
    if isinstance(value, models.Model):
        mapper = _mapper(value)
        return _fresh(mapper, value).connec_id
    return value


def _plain(bound: BoundField, found: Any) -> Any:
    if bound.reference is None:
        return found
    remote = parse_remote_id(found)
    return None if remote is None else remote.connec_id


def _instead(
    mapper: Mapper, row: Any, candidates: Sequence[Push], of_model: Sequence[Push], pushes: Sequence[Push]
) -> str:
    if candidates:
        return f"What was pushed of it:{_listed(candidates)}"
    state = ""
    if row is not None and row.pk is not None and getattr(row, "connec_changed_at", None) is not None:
        state = "\nThe row is still waiting to be pushed: was there a drain, and did it come to an end?"
    if of_model:
        return f"Other {mapper.meta.resource} were:{_listed(of_model)}{state}"
    if pushes:
        return f"Other resources were:{_listed(pushes)}{state}"
    return f"Nothing was pushed at all.{state}"


def _listed(pushes: Sequence[Push]) -> str:
    lines = [f"\n    {push}" for push in pushes[-SHOWN:]]
    if len(pushes) > SHOWN:
        lines.insert(0, f"\n    … {len(pushes) - SHOWN} earlier ones")
    return "".join(lines)
