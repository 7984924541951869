"""The form of a group: its switches, and what is shared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from django_connec.conf import get_settings
from django_connec.mapping import registry
from django_connec.mapping.values import kind_of
from django_connec.models import ConnecGroup

__all__ = ["ConnecGroupForm", "entity_problems"]

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[ConnecGroup]
else:
    # Generic only in the type stubs.
    ModelForm = forms.ModelForm

DIRECTIONS = ("pull", "push")


class ConnecGroupForm(ModelForm):
    """Refuses an ``entities`` that would not do what its author means."""

    class Meta:
        model = ConnecGroup
        fields = (
            "marketplace",
            "uid",
            "name",
            "org_uid",
            "is_active",
            "sharing_enabled",
            "historical_data",
            "realm",
            "entities",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "entities" in self.fields:
            # What has changed is told from what is stored, not from what the browser says was there.
            self.fields["entities"].show_hidden_initial = False
        if "marketplace" in self.fields:
            names = get_settings().marketplaces
            self.fields["marketplace"] = forms.ChoiceField(
                label=_("marketplace"), choices=[(name, name) for name in names]
            )

    def clean_entities(self) -> Any:
        """Check the switches and write out the direction that an entry leaves out."""
        if self.instance.pk and "entities" not in self.changed_data:
            # What an older version of the mappers left must not keep the operator from the other switches.
            return self.instance.entities
        value = self.cleaned_data["entities"]
        if value is None:
            return {}
        problems = list(entity_problems(value))
        if problems:
            raise ValidationError(problems)
        return {resource: {name: entry.get(name, True) for name in DIRECTIONS} for resource, entry in value.items()}


def entity_problems(value: Any) -> Iterator[ValidationError]:
    """Yield what is wrong with a value for ``ConnecGroup.entities``, naming the key."""
    shape = '{"people": {"pull": true, "push": false}}'
    if not isinstance(value, dict):
        yield ValidationError(
            _("This must be an object such as %(shape)s, not %(kind)s."),
            code="shape",
            params={"shape": shape, "kind": kind_of(value)},
        )
        return
    known = registry.resources()
    for resource, entry in value.items():
        if resource not in known:
            yield ValidationError(
                _('"%(key)s" is no mapped resource. Mapped are: %(known)s.'),
                code="resource",
                params={"key": resource, "known": ", ".join(known) or "-"},
            )
        elif not isinstance(entry, dict):
            yield ValidationError(
                _('"%(key)s" must be an object such as {"pull": true, "push": false}, not %(kind)s.'),
                code="entry",
                params={"key": resource, "kind": kind_of(entry)},
            )
        else:
            yield from _switch_problems(resource, entry)


def _switch_problems(resource: str, entry: dict[str, Any]) -> Iterator[ValidationError]:
    for name, switch in entry.items():
        if name not in DIRECTIONS:
            yield ValidationError(
                _('"%(key)s" is unknown. Known are: "pull" and "push".'),
                code="direction",
                params={"key": f"{resource}.{name}"},
            )
        elif not isinstance(switch, bool):
            yield ValidationError(
                _('"%(key)s" must be true or false, not %(kind)s.'),
                code="switch",
                params={"key": f"{resource}.{name}", "kind": kind_of(switch)},
            )
