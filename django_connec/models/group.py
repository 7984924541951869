"""``ConnecGroup``: one customer of one marketplace, and what he shares."""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_connec.exceptions import ResourceOff, SharingEnded
from django_connec.signals import group_linked, group_unlinked

__all__ = ["ConnecGroup", "ConnecGroupQuerySet"]

SharingDirection = Literal["pull", "push"]
Obstacle = Literal["", "cancelled", "sharing-off", "stopped", "waiting"]

#: What the customer may change while his group is being worked on.
SWITCHES = ("is_active", "sharing_enabled", "entities", "historical_data")


class ConnecGroupQuerySet(models.QuerySet["ConnecGroup"]):
    """Groups, by whether anything may be read or sent for them."""

    def linked(self) -> Self:
        """Groups whose customer has this application and shares data with it."""
        return self.filter(is_active=True, sharing_enabled=True)

    def cancelled(self) -> Self:
        """Groups whose customer has removed this application, latest first."""
        return self.filter(is_active=False).order_by("-unlinked_at", "-pk")

    def working(self) -> Self:
        """Linked groups that the hub has not turned away (401/403)."""
        return self.linked().filter(stopped_at__isnull=True)


class ConnecGroup(models.Model):
    """One customer's instance of this application: whose data, where it lives and what is shared.

    ``uid`` (``cld-…``) comes with single sign-on and is unique only within its marketplace (Connec! API v2,
    per-marketplace configuration).
    """

    marketplace = models.CharField(_("marketplace"), max_length=64, default="default")
    uid = models.CharField(
        _("group id"), max_length=150, help_text=_("The customer's id at the hub, for example cld-7p2k.")
    )
    name = models.CharField(_("name"), max_length=255, blank=True)
    org_uid = models.CharField(_("organisation id"), max_length=150, blank=True)
    is_active = models.BooleanField(_("linked"), default=True, help_text=_("Off: the customer has cancelled."))
    sharing_enabled = models.BooleanField(
        _("sharing"), default=True, help_text=_("Off: nothing is read or sent until it is switched on again.")
    )
    realm = models.CharField(
        _("realm"),
        max_length=150,
        blank=True,
        help_text=_("Account id in this application's external ids; the group id where empty."),
    )
    entities = models.JSONField(
        _("entities"),
        default=dict,
        blank=True,
        help_text=_('What is shared, by resource: {"people": {"pull": true, "push": false}}. Absent: both ways.'),
    )
    historical_data = models.BooleanField(
        _("historical data"),
        default=True,
        help_text=_("Off: only records made since the link are shared, in both directions."),
    )
    linked_at = models.DateTimeField(_("linked at"), default=timezone.now)
    unlinked_at = models.DateTimeField(_("unlinked at"), null=True, blank=True)

    stopped_at = models.DateTimeField(_("stopped at"), null=True, blank=True, editable=False)
    stopped_reason = models.CharField(_("reason"), max_length=255, blank=True, editable=False)
    retry_at = models.DateTimeField(_("next attempt"), null=True, blank=True, editable=False)
    retry_count = models.PositiveIntegerField(_("attempts"), default=0, editable=False)
    wake_requested_at = models.DateTimeField(null=True, blank=True, editable=False)
    sync_requested_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ConnecGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        constraints = [models.UniqueConstraint(fields=["marketplace", "uid"], name="connec_group_unique")]

    def __str__(self) -> str:
        return self.name or self.uid

    @property
    def is_linked(self) -> bool:
        """Something may be read or sent for this group."""
        return self.is_active and self.sharing_enabled

    def obstacle(self, now: dt.datetime) -> Obstacle:
        """Return what keeps the group from being worked on; empty where nothing does.

        ``"waiting"`` is its wait for a hub that could not be reached, which whoever asks for it may cut short.
        """
        if not self.is_active:
            return "cancelled"
        if not self.sharing_enabled:
            return "sharing-off"
        if self.stopped_at is not None:
            return "stopped"
        return "waiting" if self.retry_at is not None and self.retry_at > now else ""

    @property
    def effective_realm(self) -> str:
        """The ``realm`` of our external ids (Connec! API v2, external-id mode)."""
        return self.realm or self.uid

    def shares(self, resource: str, direction: SharingDirection) -> bool:
        """Tell whether a resource is shared in a direction; one that ``entities`` does not name is."""
        entry = self.entities.get(resource) if isinstance(self.entities, dict) else None
        return bool(entry.get(direction, True)) if isinstance(entry, dict) else True

    def require_sharing(self, resource: str = "", direction: SharingDirection = "pull") -> None:
        """Look at the switches as they are stored now, before the next step of work that is under way. One query.

        Args:
            resource: What the step is about; empty: nothing in particular.
            direction: Which way it goes.

        Raises:
            ResourceOff: This resource may not be read or sent any more, others may.
            SharingEnded: Nothing more may be read or sent.
        """
        stored = type(self)._base_manager.using(self._state.db).filter(pk=self.pk).values(*SWITCHES).first()
        for name, value in (stored or {"is_active": False}).items():
            setattr(self, name, value)
        if not self.is_linked:
            raise SharingEnded(self.uid)
        if resource and not self.shares(resource, direction):
            raise ResourceOff(f"{self.uid} {resource}")

    def is_within_history(self, made_at: dt.datetime | None) -> bool:
        """Tell whether a record made at this time may be shared; one of unknown age may."""
        # The hub shows whole seconds: what was made in the second of the link was made since.
        return self.historical_data or made_at is None or made_at >= self.linked_at.replace(microsecond=0)

    def link(self) -> None:
        """Link (again), forget what stopped the group before, and send ``group_linked``."""
        created = self.pk is None
        self.is_active = True
        self.unlinked_at = None
        if created or self.historical_data:
            # Without historical data it says since when records are shared: a second link must not hide some again.
            self.linked_at = timezone.now()
        self._clear_stop()
        self.save()
        group_linked.send_robust(type(self), group=self, created=created)

    def unlink(self) -> None:
        """Stop reading and sending at once and send ``group_unlinked``; the rows here stay, and :meth:`link` resumes.

        Work that is under way ends before its next step. Once more changes nothing, and sends nothing.
        """
        now = timezone.now()
        linked = type(self)._base_manager.using(self._state.db).filter(pk=self.pk, is_active=True)
        ended = linked.update(is_active=False, unlinked_at=now)
        self.is_active = False
        if ended:
            self.unlinked_at = now
            group_unlinked.send_robust(type(self), group=self)

    def predecessors(self) -> ConnecGroupQuerySet:
        """Return the cancelled groups of the same organisation and marketplace, latest first.

        A customer who removes this application and adds it again comes back under another group id (Connec! API
        v2, addressing). One without an organisation id has none.
        """
        groups = ConnecGroup.objects.cancelled().filter(marketplace=self.marketplace, org_uid=self.org_uid)
        return groups.exclude(pk=self.pk).exclude(org_uid="")

    def relink_from(self, old: ConnecGroup) -> int:
        """Take over the rows, ids, choices and bookkeeping of a cancelled group of the same customer.

        See :func:`django_connec.relinking.relink`, which says what moves and what it raises.

        Returns:
            How many rows moved.
        """
        from django_connec.relinking import relink

        return relink(self, old)

    def stop(self, reason: str) -> None:
        """Take the group out of work until :meth:`resume`: the hub answers 401 or 403."""
        self.stopped_at, self.stopped_reason = timezone.now(), reason[:255]
        self.save(update_fields=["stopped_at", "stopped_reason"])

    def resume(self) -> None:
        """Let a stopped or waiting group work again, now."""
        self._clear_stop()
        self.save(update_fields=["stopped_at", "stopped_reason", "retry_at", "retry_count"])

    def _clear_stop(self) -> None:
        self.stopped_at, self.stopped_reason = None, ""
        self.retry_at, self.retry_count = None, 0
