"""``Conflict``: both sides changed the same thing, or two rows claim one record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_connec.mapping.references import MAX_ID_LENGTH
from django_connec.models.group import ConnecGroup

__all__ = ["Conflict", "ConflictQuerySet"]


class ConflictQuerySet(models.QuerySet["Conflict"]):
    """Conflicts, by whether anything is still to be done about them."""

    def unsettled(self) -> Self:
        """Conflicts that wait for an operator, or for the value that he has chosen."""
        return self.filter(decision__in=[Conflict.Decision.OPEN, Conflict.Decision.CHOSEN])

    def record_new(self, conflicts: Sequence[Conflict]) -> list[Conflict]:
        """Store those of these claims that are not open already: a record that waits is looked at again and again.

        Returns:
            What was stored.
        """
        if not conflicts:
            return []
        known = {
            conflict.claim: conflict
            for conflict in self.filter(
                group__in={conflict.group_id for conflict in conflicts},
                decision=Conflict.Decision.OPEN,
                connec_id__in={conflict.connec_id for conflict in conflicts},
            )
        }
        fresh: list[Conflict] = []
        for conflict in conflicts:
            held = known.get(conflict.claim)
            if held is None:
                fresh.append(conflict)
            elif held.local_value != conflict.local_value:
                self.filter(pk=held.pk).update(local_value=conflict.local_value)
        return self.bulk_create(fresh)


class Conflict(models.Model):
    """One conflict, how it was settled, or that an operator has to.

    Where several rows match a record, ``local_value`` lists their primary keys as text.
    """

    class Kind(models.TextChoices):
        FIELD = "field", _("both sides changed a field")
        DUPLICATE = "duplicate", _("two rows, one record")
        MATCH = "match", _("several rows match a record")
        STALE_ID = "stale-id", _("our id on the record belongs to another row")

    class Decision(models.TextChoices):
        CONNEC = "connec", _("the hub's value was taken")
        LOCAL = "local", _("our value was kept")
        OPEN = "open", _("open")
        CHOSEN = "chosen", _("the hub's value was chosen and is being fetched")
        ROW = "row", _("a row was chosen")
        GONE = "gone", _("it is no conflict any more")

    group = models.ForeignKey(ConnecGroup, on_delete=models.CASCADE, related_name="conflicts", verbose_name=_("group"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    resource = models.CharField(_("resource"), max_length=64)
    model_label = models.CharField(_("model"), max_length=100)
    object_id = models.CharField(_("primary key"), max_length=64, blank=True)
    connec_id = models.CharField(_("hub id"), max_length=MAX_ID_LENGTH, blank=True)
    field = models.CharField(_("field"), max_length=64, blank=True)
    local_value = models.JSONField(null=True, blank=True, editable=False)
    remote_value = models.JSONField(null=True, blank=True, editable=False)
    decision = models.CharField(_("decision"), max_length=8, choices=Decision.choices, default=Decision.OPEN)
    found_at = models.DateTimeField(_("found at"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)

    objects = ConflictQuerySet.as_manager()

    class Meta:
        verbose_name = _("conflict")
        verbose_name_plural = _("conflicts")
        indexes = [models.Index(fields=["group", "decision", "-found_at"], name="connec_conflict_open")]

    def __str__(self) -> str:
        return f"{self.model_label} {self.object_id} {self.field}".strip()

    @property
    def claim(self) -> tuple[object, ...]:
        """What is claimed, and by which row where it is one row's claim."""
        row = "" if self.kind == self.Kind.MATCH else self.object_id
        return (self.group_id, self.kind, self.model_label, self.connec_id, row)
