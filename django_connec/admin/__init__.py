"""The operator's pages: what is shared, what waits, what failed, and the buttons that mend it.

Django's autodiscovery imports this module where ``django.contrib.admin`` is installed, and only there.
"""

from django.contrib import admin

from django_connec.admin.conflicts import ConflictAdmin
from django_connec.admin.deliveries import NotificationAdmin
from django_connec.admin.failures import FailureAdmin, ParkedRecordAdmin, TombstoneAdmin
from django_connec.admin.groups import ConnecGroupAdmin
from django_connec.admin.hosts import ConnecSyncAdminMixin
from django_connec.admin.people import ConnecIdentityAdmin, MembershipAdmin
from django_connec.admin.runs import LeaseAdmin, LinkBackAdmin, RequestSlotAdmin, SyncCursorAdmin, SyncRunAdmin
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

__all__ = ["ConnecSyncAdminMixin"]

admin.site.register(ConnecGroup, ConnecGroupAdmin)
admin.site.register(Notification, NotificationAdmin)
admin.site.register(Failure, FailureAdmin)
admin.site.register(Conflict, ConflictAdmin)
admin.site.register(ParkedRecord, ParkedRecordAdmin)
admin.site.register(Tombstone, TombstoneAdmin)
admin.site.register(LinkBack, LinkBackAdmin)
admin.site.register(SyncRun, SyncRunAdmin)
admin.site.register(SyncCursor, SyncCursorAdmin)
admin.site.register(Lease, LeaseAdmin)
admin.site.register(RequestSlot, RequestSlotAdmin)
admin.site.register(ConnecIdentity, ConnecIdentityAdmin)
admin.site.register(Membership, MembershipAdmin)
