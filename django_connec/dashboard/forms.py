"""The form of the sharing page: a switch for everything, one a resource and direction, and the historical data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from django_connec.dashboard.choices import Choices, has_begun
from django_connec.mapping import registry
from django_connec.models import ConnecGroup

__all__ = ["Row", "SharingForm"]


@dataclass(frozen=True, slots=True)
class Row:
    """One resource: its name here, and its switches; ``None`` where nothing can go that way."""

    resource: str
    label: str
    pull: forms.BoundField | None
    push: forms.BoundField | None


class SharingForm(forms.Form):
    """What a group shares. Switches are named ``pull:<resource>`` and ``push:<resource>``.

    Args:
        group: Whose choices.
    """

    sharing_enabled = forms.BooleanField(label=_("Share data with my other applications"), required=False)
    historical_data = forms.BooleanField(label=_("Share what was made before the link, too"), required=False)

    def __init__(self, group: ConnecGroup, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group
        self.fields["sharing_enabled"].initial = group.sharing_enabled
        history = self.fields["historical_data"]
        history.initial = group.historical_data
        # It cannot be unshared. Django takes the initial value of a disabled field, whatever is posted.
        history.disabled = group.historical_data and has_begun(group)
        for resource in registry.resources():
            label = _label(resource)
            for direction, words in (
                ("pull", _("%(name)s: from my other applications to here")),
                ("push", _("%(name)s: from here to my other applications")),
            ):
                if _goes(resource, direction):
                    self.fields[f"{direction}:{resource}"] = forms.BooleanField(
                        label=words % {"name": label},
                        required=False,
                        initial=group.shares(resource, direction),  # type: ignore[arg-type] # one of the two
                        widget=forms.CheckboxInput(attrs={"aria-label": words % {"name": label}}),
                    )

    def rows(self) -> Iterator[Row]:
        """Yield the resources in the order in which they are shared."""
        for resource in registry.resources():
            names = [f"{direction}:{resource}" for direction in ("pull", "push")]
            pull, push = (self[name] if name in self.fields else None for name in names)
            yield Row(resource, _label(resource), pull, push)

    def choices(self) -> Choices:
        """Return what a valid form says."""
        entities: dict[str, dict[str, bool]] = {}
        for name, value in self.cleaned_data.items():
            direction, colon, resource = name.partition(":")
            if colon:
                entities.setdefault(resource, {})[direction] = value
        return Choices(
            sharing_enabled=self.cleaned_data["sharing_enabled"],
            entities=entities,
            historical_data=self.cleaned_data["historical_data"],
        )


def _label(resource: str) -> str:
    names = dict.fromkeys(str(m.model._meta.verbose_name_plural) for m in registry.for_resource(resource))
    return str(capfirst(", ".join(names)))


def _goes(resource: str, direction: str) -> bool:
    return any(getattr(bound, direction) for mapper in registry.for_resource(resource) for bound in mapper.fields)
