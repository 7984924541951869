"""Rows for every list, with a secret in every place where one could be."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from django_connec.models import (
    Conflict,
    ConnecGroup,
    ConnecIdentity,
    Failure,
    Lease,
    LinkBack,
    Membership,
    Notification,
    ParkedRecord,
    RequestSlot,
    SyncCursor,
    SyncRun,
    Tombstone,
)
from tests.app.models import Company, Person

SECRET = "s3cret-salary"
RECORD = json.dumps({"id": "x", "note": SECRET}).encode()

#: Every stored model but the group, by the name that its addresses have.
BOOKKEEPING: dict[str, Any] = {
    "notification": Notification,
    "failure": Failure,
    "conflict": Conflict,
    "parkedrecord": ParkedRecord,
    "tombstone": Tombstone,
    "linkback": LinkBack,
    "syncrun": SyncRun,
    "synccursor": SyncCursor,
    "lease": Lease,
    "requestslot": RequestSlot,
    "connecidentity": ConnecIdentity,
    "membership": Membership,
}
MODELS: dict[str, Any] = {"connecgroup": ConnecGroup, **BOOKKEEPING}


def make_group(number: int) -> ConnecGroup:
    """A group with a row in every table."""
    now = timezone.now()
    group = ConnecGroup.objects.create(uid=f"cld-g{number}", name=f"Customer {number}")
    Notification.objects.create(
        marketplace="default",
        body=RECORD,
        size=len(RECORD),
        waiting_key=f"key-{number}",
        counts={"people": {"created": 1}},
    )
    Failure.objects.create(
        group=group,
        direction="push",
        resource="people",
        model_label="app.person",
        object_id=str(number),
        message="the hub says no",
        record=RECORD,
        is_dead=True,
    )
    Failure.objects.create(group=group, direction="pull", resource="people", object_id=f"hub-{number}", message="bad")
    Conflict.objects.create(
        group=group,
        kind="field",
        resource="people",
        model_label="app.person",
        object_id=str(number),
        field="last_name",
        local_value=SECRET,
        remote_value={"deep": SECRET},
    )
    ParkedRecord.objects.create(
        group=group,
        resource="people",
        connec_id=f"p-{number}",
        record=RECORD,
        missing_resource="organizations",
        missing_id="o-1",
        next_attempt_at=now + dt.timedelta(hours=1),
    )
    Tombstone.objects.create(
        group=group,
        resource="people",
        model_label="app.person",
        object_id=str(number),
        connec_id=f"t-{number}",
        status="INACTIVE",
        payload=RECORD,
        is_dead=True,
        attempts=12,
    )
    LinkBack.objects.create(group=group, model_label="app.person", object_id=str(number), connec_id=f"l-{number}")
    SyncRun.objects.create(group=group, kind="import", state="succeeded", started_at=now - dt.timedelta(minutes=5))
    SyncRun.objects.create(group=group, kind="poll", state="partial", started_at=now, counts={"people": {"failed": 1}})
    SyncCursor.objects.create(group=group, resource="people", polled_from=now, imported_at=now)
    RequestSlot.objects.create(marketplace="default" if number == 1 else f"other-{number}", next_free=number)
    Lease.objects.create(name=f"drain:{group.pk}", token=SECRET, renewed_at=now)
    user = get_user_model().objects.create(username=f"user {number}", email=f"{SECRET}@x.example")
    ConnecIdentity.objects.create(uid=f"usr-{number}", user=user, signed_on_at=now)
    Membership.objects.create(user=user, group=group, role="Admin")
    company = Company.objects.create(name=f"Company {number}", connec_group=group)
    Person.objects.create(company=company, last_name=SECRET)
    return group
