"""What a host's models inherit: ``ConnecSyncMixin`` for records, ``ConnecRowMixin`` for rows inside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.db import models, router, transaction
from django.db.backends.utils import names_digest
from django.db.models.options import Options
from django.db.models.signals import class_prepared, post_delete, post_save, pre_delete
from django.utils.functional import cached_property

from django_connec.mapping.references import MAX_ID_LENGTH
from django_connec.models.columns import BOOKKEEPING, CHANGED, GROUP, ID
from django_connec.models.managers import BaseManager, ConnecManager
from django_connec.models.row_managers import ConnecRowManager
from django_connec.tracking import deletions, rows, wakeups
from django_connec.tracking.clock import next_stamp
from django_connec.tracking.switch import is_tracking

__all__ = ["ConnecRowMixin", "ConnecSyncMixin"]


class ConnecSyncMixin(models.Model):
    """A model whose rows are records of the hub.

    Saving a row marks it in the same INSERT or UPDATE (``connec_changed_at``); the change and the fact that
    it must be pushed commit or roll back together, at no extra query. ``save(connec=False)`` and
    :func:`django_connec.connec_disabled` save without marking; fixtures never mark.

    On a row that exists, ``save()`` writes none of ``connec_group``, ``connec_id``, ``connec_updated_at`` and
    ``connec_state``, so a stale instance cannot bring back an old identity. A host that sets the group itself
    names it: ``save(update_fields=["connec_group"])``, or ``queryset.update(connec_group=…)``.
    """

    connec_group = models.ForeignKey(
        "django_connec.ConnecGroup",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        # The pair indexes below lead with it.
        db_index=False,
    )
    connec_id = models.CharField(max_length=MAX_ID_LENGTH, null=True, blank=True, editable=False)
    connec_updated_at = models.DateTimeField(null=True, blank=True, editable=False)
    connec_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    connec_state = models.JSONField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = ConnecManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, connec: bool = True, **kwargs: Any) -> None:
        """As Django's.

        Args:
            connec: ``False`` saves without marking the row for the hub.
        """
        named = kwargs.get("update_fields")
        if named is not None:
            # Any iterable will do for Django, also one that can be read only once.
            named = kwargs["update_fields"] = frozenset(named)
        self.__dict__["_connec_options"] = (connec, named is not None and bool({"connec_group", GROUP} & set(named)))
        try:
            super().save(*args, **kwargs)
        finally:
            self.__dict__.pop("_connec_options", None)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """As Django's; the tombstones of all rows that go with this one are written together."""
        alias = using or router.db_for_write(type(self), instance=self)
        with deletions.collecting(alias):
            return super().delete(using=using, keep_parents=keep_parents)

    async def asave(self, *args: Any, connec: bool = True, **kwargs: Any) -> None:
        """As Django's, with the same ``connec`` as :meth:`save`."""
        await sync_to_async(self.save)(*args, connec=connec, **kwargs)

    def save_base(
        self,
        raw: bool = False,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        held = self.__dict__
        # A receiver may save the same instance again, inside this very call.
        outer = held.get("_connec_write")
        if raw or held.get("_connec_engine"):
            held["_connec_write"] = None
        else:
            connec, names_group = held.get("_connec_options", (True, False))
            marking = connec and is_tracking()
            skip = BOOKKEEPING
            if names_group:
                skip = skip - {GROUP}
            if marking:
                held[CHANGED] = next_stamp()
                if update_fields is not None:
                    update_fields = frozenset(update_fields) | {CHANGED}
            else:
                skip = skip | {CHANGED}
            held["_connec_write"] = (skip, marking)
        try:
            super().save_base(
                raw=raw,
                force_insert=force_insert,
                force_update=force_update,
                using=using,
                update_fields=update_fields,
            )
        finally:
            held["_connec_write"] = outer

    # Django's documented signature has grown an argument between versions; only the third one is ours.
    def _do_update(  # type: ignore[override]
        self, base_qs: Any, using: Any, pk_val: Any, values: list[Any], *args: Any, **kwargs: Any
    ) -> Any:
        write = self.__dict__.get("_connec_write")
        if write is not None:
            skip = write[0]
            values = [value for value in values if value[0].attname not in skip]
        return super()._do_update(base_qs, using, pk_val, values, *args, **kwargs)

    def _do_insert(self, *args: Any, **kwargs: Any) -> Any:
        write = self.__dict__.get("_connec_write")
        if write is not None:
            # copy.pk = None; copy.save(): the copy is a new row, whatever identity it was loaded with.
            held = self.__dict__
            held["connec_id"] = held["connec_updated_at"] = held["connec_state"] = None
            if not write[1]:
                held[CHANGED] = None
        return super()._do_insert(*args, **kwargs)  # type: ignore[misc] # not in the stubs


class ConnecRowMixin(models.Model):
    """A model whose rows are embedded in another's record, as an invoice's lines are.

    A row keeps the hub's row id; saving or deleting it marks its parent, one UPDATE more in the same
    transaction. The parent is the only foreign key to a :class:`ConnecSyncMixin` model; where there are
    several, ``connec_parent`` names it.
    """

    #: Name of the foreign key to the record that this row belongs to.
    connec_parent: ClassVar[str | None] = None

    connec_id = models.CharField(max_length=MAX_ID_LENGTH, null=True, blank=True, editable=False)
    connec_state = models.JSONField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = ConnecRowManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, connec: bool = True, **kwargs: Any) -> None:
        """As Django's.

        Args:
            connec: ``False`` saves without marking the record that the row belongs to.
        """
        self.__dict__["_connec_marks"] = connec
        try:
            super().save(*args, **kwargs)
        finally:
            self.__dict__.pop("_connec_marks", None)

    async def asave(self, *args: Any, connec: bool = True, **kwargs: Any) -> None:
        """As Django's, with the same ``connec`` as :meth:`save`."""
        await sync_to_async(self.save)(*args, connec=connec, **kwargs)

    def save_base(
        self,
        raw: bool = False,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        alias = using or router.db_for_write(type(self), instance=self)
        held = self.__dict__
        outer = held.get("_connec_keeps")
        held["_connec_keeps"] = not raw and not held.get("_connec_engine")
        try:
            # The row and the mark of its record are one change.
            with transaction.atomic(using=alias, savepoint=False):
                super().save_base(
                    raw=raw,
                    force_insert=force_insert,
                    force_update=force_update,
                    using=alias,
                    update_fields=update_fields,
                )
        finally:
            held["_connec_keeps"] = outer

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Any:
        """As Django's; remembers which record the row belonged to when it was read."""
        instance = super().from_db(*args, **kwargs)
        key = rows.parent_field(cls)
        if key is not None:
            instance.__dict__["_connec_belonged"] = instance.__dict__.get(key.attname)
        return instance

    # As for records: a stale instance must not bring back an old identity, nor a copy another row's.
    def _do_update(  # type: ignore[override] # Django's documented signature has grown an argument
        self, base_qs: Any, using: Any, pk_val: Any, values: list[Any], *args: Any, **kwargs: Any
    ) -> Any:
        if self.__dict__.get("_connec_keeps"):
            values = [value for value in values if value[0].attname not in BOOKKEEPING]
        return super()._do_update(base_qs, using, pk_val, values, *args, **kwargs)

    def _do_insert(self, *args: Any, **kwargs: Any) -> Any:
        if self.__dict__.get("_connec_keeps"):
            self.__dict__["connec_id"] = self.__dict__["connec_state"] = None
            self.__dict__.pop("_connec_belonged", None)
        return super()._do_insert(*args, **kwargs)  # type: ignore[misc] # not in the stubs

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """As Django's; the mark of its record is in the same transaction."""
        alias = kwargs.get("using") or (args[0] if args else None) or router.db_for_write(type(self), instance=self)
        with transaction.atomic(using=alias, savepoint=False):
            return super().delete(*args, **kwargs)


def _attach(sender: type[models.Model], **_: Any) -> None:
    """Give a subclass its constraint, indexes and receivers.

    Abstract ``Meta`` options are lost where the host's model declares a ``Meta`` of its own, and receivers by
    sender do not hear proxies: so both are attached to each class as it is made.
    """
    options = sender._meta
    if options.abstract:
        return
    if issubclass(sender, ConnecSyncMixin):
        if type(options) is Options:
            options.__class__ = _TrackedOptions
        if any(column.name == ID for column in options.local_concrete_fields) and not options.proxy:
            _add_constraint(sender)
        uid = f"django_connec:{options.label_lower}"
        post_save.connect(wakeups.on_post_save, sender=sender, dispatch_uid=uid)
        pre_delete.connect(deletions.on_pre_delete, sender=sender, dispatch_uid=uid)
    elif issubclass(sender, ConnecRowMixin):
        uid = f"django_connec:{options.label_lower}"
        post_save.connect(rows.on_post_save, sender=sender, dispatch_uid=uid)
        post_delete.connect(rows.on_post_delete, sender=sender, dispatch_uid=uid)


def _add_constraint(model: type[models.Model]) -> None:
    options = model._meta
    # 30 characters is the longest name that Django's checks let every database have.
    suffix = names_digest(options.db_table, "connec", length=8)
    constraint = models.UniqueConstraint(fields=["connec_group", ID], name=f"connec_{suffix}_uniq")
    pending = models.Index(fields=["connec_group", CHANGED], name=f"connec_{suffix}_pend")
    options.constraints = [*options.constraints, constraint]
    options.indexes = [*options.indexes, pending]
    # The migration autodetector reads a model's options only where the class is known to have set them.
    options.original_attrs.update(constraints=options.constraints, indexes=options.indexes)


class _TrackedOptions(Options):  # type: ignore[type-arg] # generic in the stubs only
    """``Model._meta`` whose base manager notices changes.

    Django itself changes rows through the base manager (``on_delete=SET_NULL``, ``related.add()``) and sends
    no signal. A base manager that is declared, in ``Meta`` or on the class, would show in every host's
    migrations; one that the host declares is left alone.
    """

    @cached_property
    def base_manager(self) -> models.Manager[Any]:
        plain = super().base_manager
        if type(plain) is not models.Manager or not plain.auto_created:
            return plain
        manager: models.Manager[Any] = BaseManager()
        manager.name, manager.model, manager.auto_created = plain.name, self.model, True
        return manager


class_prepared.connect(_attach, dispatch_uid="django_connec.models.mixins")
