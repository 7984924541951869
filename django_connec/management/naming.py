"""Read the names that are given to commands: models, rows and resources."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import models
from django.utils.translation import gettext as _

from django_connec.management.options import COULD_NOT_RUN
from django_connec.mapping import Mapper, registry

__all__ = ["check_resource", "find_mapper", "find_model", "read_pk"]


def find_model(name: str) -> type[models.Model]:
    """Return the model with this ``app_label.Model``.

    Raises:
        CommandError: There is none (exit code 2).
    """
    try:
        return apps.get_model(name)
    except (LookupError, ValueError):
        raise CommandError(
            _('There is no model "%(name)s"; write it like books.Customer.') % {"name": name}, returncode=COULD_NOT_RUN
        ) from None


def find_mapper(name: str) -> Mapper:
    """Return the mapper of the model with this ``app_label.Model``.

    Raises:
        CommandError: There is no such model, or it has no mapper (exit code 2).
    """
    model = find_model(name)
    mapper = registry.for_model(model)
    if mapper is None:
        known = ", ".join(sorted(m.model._meta.label for m in registry)) or _("none")
        raise CommandError(
            _("%(name)s has no mapper; there are mappers for: %(known)s.")
            % {"name": model._meta.label, "known": known},
            returncode=COULD_NOT_RUN,
        )
    return mapper


def read_pk(mapper: Mapper, text: str) -> Any:
    """Return a primary key that was written as text.

    Raises:
        CommandError: It cannot be one (exit code 2).
    """
    column: Any = mapper.model._meta.pk
    while column.remote_field is not None:
        column = column.target_field
    try:
        pk = column.to_python(text)
    except ValidationError:
        pk = None
    if pk is None or (isinstance(pk, int) and not -(2**63) <= pk < 2**63):
        raise CommandError(
            _("The primary key does not fit %(name)s, which has a %(kind)s.")
            % {"name": mapper.model._meta.label, "kind": type(column).__name__},
            returncode=COULD_NOT_RUN,
        )
    return pk


def check_resource(name: str) -> None:
    """See that a resource has a mapper.

    Raises:
        CommandError: It has none (exit code 2).
    """
    if name not in registry.resources():
        raise CommandError(
            _("No mapper for %(unknown)s; there are: %(known)s.")
            % {"unknown": name, "known": ", ".join(registry.resources())},
            returncode=COULD_NOT_RUN,
        )
