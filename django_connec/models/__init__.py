"""What is stored, and what a host's models inherit."""

from django_connec.models.conflict import Conflict
from django_connec.models.failure import Failure
from django_connec.models.group import ConnecGroup
from django_connec.models.lease import Lease
from django_connec.models.linkback import LinkBack
from django_connec.models.managers import ConnecManager, ConnecQuerySet
from django_connec.models.mixins import ConnecRowMixin, ConnecSyncMixin
from django_connec.models.notification import Notification
from django_connec.models.parked import ParkedRecord
from django_connec.models.platform import PlatformCopy
from django_connec.models.requestslot import RequestSlot
from django_connec.models.row_managers import ConnecRowManager, ConnecRowQuerySet
from django_connec.models.runs import SyncCursor, SyncRun
from django_connec.models.signon import ConnecIdentity, Membership, SpentId
from django_connec.models.tombstone import Tombstone

__all__ = [
    "Conflict",
    "ConnecGroup",
    "ConnecIdentity",
    "ConnecManager",
    "ConnecQuerySet",
    "ConnecRowManager",
    "ConnecRowMixin",
    "ConnecRowQuerySet",
    "ConnecSyncMixin",
    "Failure",
    "Lease",
    "LinkBack",
    "Membership",
    "Notification",
    "ParkedRecord",
    "PlatformCopy",
    "RequestSlot",
    "SpentId",
    "SyncCursor",
    "SyncRun",
    "Tombstone",
]
