"""Write the mapper: what could be paired as fields, the rest as comments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import models

from django_connec import mapping
from django_connec.mapping import Mapper, registry
from django_connec.mapping.fields import FieldProblem, suited_field
from django_connec.mapping.resources import is_singular
from django_connec.models import ConnecGroup, ConnecSyncMixin
from django_connec.startmapper.attributes import Attribute
from django_connec.startmapper.pairing import pair

__all__ = ["draft_mapper"]

#: What identifies a record at first contact, the surest first.
IDENTIFYING = ("email.address", "reference", "transaction_number", "employee_id", "name")


class _Line:
    """One field of the mapper: ``name = kind(arguments)``."""

    def __init__(self, name: str, kind: str, *arguments: str, **options: str) -> None:
        self.name, self.kind = name, kind
        self.text = f"{name} = {kind}({', '.join([*arguments, *(f'{k}={v}' for k, v in options.items())])})"


def draft_mapper(model: type[models.Model], resource: str, attributes: Sequence[Attribute]) -> str:
    """Return the source of a mapper, ready to be a model's ``connec.py``.

    It imports, registers and passes the system checks as it is, where the model is a ``ConnecSyncMixin``.

    Args:
        model: The model to map; it may have a mapper, which this one is to replace.
        resource: The hub's name, for example ``"people"``.
        attributes: What its records have, see :func:`~django_connec.startmapper.read_schema`.
    """
    path, tied = _group_path(model)
    columns = [c for c in model._meta.concrete_fields if not _is_ours(c) and c.name != tied]
    usable = [c for c in columns if not c.is_relation or _is_mapped(c, model)]
    pairs = pair(usable, attributes)
    lines: list[_Line] = []
    unmapped: list[str] = []
    for column in columns:
        line = _line(model, column, pairs[column.name]) if column.name in pairs else None
        if line is None:
            unmapped.append(f"{column.name} ({type(column).__name__}){_why(column, model)}")
            pairs.pop(column.name, None)
        else:
            lines.append(line)
    mapped = {attribute.path for attribute in pairs.values()}
    others = [m for m in registry.for_resource(resource) if m.model is not model._meta.concrete_model]
    return "\n".join(
        [
            *_head(model, [line.kind for line in lines]),
            *_meta(model, resource, path, attributes, mapped, shared=bool(others)),
            *[f"    {line.text}" for line in lines],
            *_comments("Fields of the model that nothing was found for:", unmapped),
            *_comments(
                "Attributes of the hub's that no field was found for:",
                [_about(a) for a in attributes if a.path not in mapped],
            ),
            *(_accepts() if others else ()),
            "",
        ]
    )


def _head(model: type[models.Model], kinds: Sequence[str]) -> Iterator[str]:
    if not issubclass(model, ConnecSyncMixin):
        yield f"# {model.__name__} must subclass django_connec.models.ConnecSyncMixin, and needs a migration, first."
    if registry.for_model(model) is not None:
        yield f"# {model.__name__} has a mapper: this one is to replace it."
    yield f"from django_connec.mapping import {', '.join(sorted({*kinds, 'Mapper', 'register'}))}"
    yield f"from {model.__module__} import {model.__name__}"
    yield from ("", "", f"@register({model.__name__})", f"class {model.__name__}Mapper(Mapper):")


def _meta(
    model: type[models.Model],
    resource: str,
    path: str,
    attributes: Sequence[Attribute],
    mapped: set[str],
    *,
    shared: bool,
) -> Iterator[str]:
    yield "    class Meta:"
    yield f"        resource = {resource!r}"
    yield f"        group = {path!r}"
    if path == "connec_group":
        yield "        # No foreign key leads to a ConnecGroup: set connec_group on your rows, or name a path above."
    match = next((p for p in IDENTIFYING if p in mapped), None)
    if match is not None and not is_singular(resource):
        yield f"        match_on = [{match!r}]  # is a record with an equal value the same one?"
    if not any(a.path == "status" for a in attributes):
        yield "        delete_status = None  # the records have no status"
    if shared:
        yield f"        id_prefix = {model._meta.model_name + '-' if model._meta.model_name else ''!r}"
    yield ""


def _accepts() -> Iterator[str]:
    yield ""
    yield "    def accepts(self, record):"
    yield "        # Another mapper has this resource too: say which records are this model's, here or by Meta.when."
    yield "        return False"


def _comments(title: str, entries: Sequence[str]) -> Iterator[str]:
    if entries:
        yield ""
        yield f"    # {title}"
        yield from (f"    # {entry}" for entry in entries)


def _about(attribute: Attribute) -> str:
    kind = " ".join(part for part in (attribute.kind, attribute.format) if part)
    return f"{attribute.path}{f' ({kind})' if kind.replace(' ', '').replace('-', '').isalnum() else ''}"


def _line(model: type[models.Model], column: Any, attribute: Attribute) -> _Line | None:
    """Return the field for a pair; ``None`` where no declaration takes it."""
    # A field must not take the place of what a mapper has of its own.
    is_taken = hasattr(Mapper, column.name) or column.name in ("model", "meta")
    name = f"{column.name}_field" if is_taken else column.name
    kind, arguments, values = _declaration(column, attribute)
    options = {"source": column.name} if is_taken else {}
    if kind not in mapping.__all__:
        return None
    bare = {"bare": True} if kind == "DateField" and attribute.format != "date-time" else {}
    declaration = getattr(mapping, kind)(attribute.path, *values, **options, **bare)
    try:
        declaration.bind(name, model)
    except FieldProblem:
        return None
    shown = [repr(attribute.path)] if attribute.path != name or arguments else []
    return _Line(name, kind, *shown, *arguments, **{k: repr(v) for k, v in (options | bare).items()})


def _declaration(column: Any, attribute: Attribute) -> tuple[str, list[str], list[Any]]:
    if isinstance(column, models.BooleanField):
        if attribute.words:
            words: dict[Any, str] = {True: "ACTIVE", False: "INACTIVE"}
            return "ChoiceField", [repr(words)], [words]
        return "BooleanField", [], []
    choices = _choices(column, attribute)
    if choices:
        return "ChoiceField", [repr(choices)], [choices]
    return suited_field(column), [], []


def _choices(column: Any, attribute: Attribute) -> dict[Any, str]:
    """Return the word of each choice: the hub's, found by value or label, or else the value in capitals."""
    found: dict[Any, str] = {}
    known = {word.upper(): word for word in attribute.words}
    for value, label in column.flatchoices if attribute.kind in ("string", "") else ():
        if type(value) not in (str, int) or value == "":
            continue
        guesses = [str(text).upper().replace(" ", "_").replace("-", "_") for text in (value, label)]
        word = next((known[guess] for guess in guesses if guess in known), None)
        if word is None and not known:
            word = guesses[0]
        if word is not None and word not in found.values():
            found[value] = word
    return found


def _group_path(model: type[models.Model]) -> tuple[str, str]:
    """Return how a row finds its group, and the model's field that this begins with."""
    keys: list[Any] = [c for c in model._meta.concrete_fields if isinstance(c, models.ForeignKey)]
    for key in keys:
        if key.related_model is ConnecGroup and key.name != "connec_group":
            return key.name, key.name
    for key in keys:
        target: Any = key.related_model
        if key.name == "connec_group" or issubclass(target, ConnecSyncMixin):
            continue
        for back in target._meta.concrete_fields:
            if isinstance(back, models.ForeignKey) and back.related_model is ConnecGroup:
                return f"{key.name}__{back.name}", key.name
    return "connec_group", ""


def _is_ours(column: Any) -> bool:
    return bool(column.primary_key or column.name.startswith("connec_"))


def _is_mapped(column: Any, model: type[models.Model]) -> bool:
    target = column.related_model
    return isinstance(target, type) and (target is model or registry.for_model(target) is not None)


def _why(column: Any, model: type[models.Model]) -> str:
    if column.is_relation and not _is_mapped(column, model):
        return f": {column.related_model.__name__} has no mapper"
    return ""
