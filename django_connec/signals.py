"""Signals for host projects. ``sender`` is the model class where there is one, else :class:`ConnecGroup`.

Receivers run in the process that does the work, usually a queue worker. They are sent with ``send_robust``:
one that raises is logged and harms nothing.
"""

from django.dispatch import Signal

__all__ = [
    "conflict_found",
    "group_linked",
    "group_unlinked",
    "push_failed",
    "record_moved",
    "records_applied",
    "records_pushed",
    "sync_finished",
    "user_authenticated",
    "user_removed",
]

#: Records of the hub were written here. Carries ``group``, ``resource``, ``created`` and ``updated`` (lists of
#: primary keys) and ``source`` ("webhook", "import", "poll", "push", "retry").
records_applied = Signal()

#: A record is another model's now, as a lead that has become a customer. ``sender`` is the model that it has left.
#: Carries ``group``, ``resource``, ``connec_id``, ``row`` (of the sender; deleted where ``on_inactive = "delete"``)
#: and ``to``, the model that has it.
record_moved = Signal()

#: Rows were accepted by the hub. Carries ``group``, ``resource`` and ``pks``.
records_pushed = Signal()

#: The hub refused a row, or a whole call. Carries ``group``, ``resource``, ``pk`` (``None`` for a whole call)
#: and ``message``, the hub's words.
push_failed = Signal()

#: Both sides changed something. Carries ``group`` and ``conflict``.
conflict_found = Signal()

#: An import or a poll of a group ended. Carries ``group`` and ``run``.
sync_finished = Signal()

#: A customer linked this application. Carries ``group`` and ``created`` (never seen before).
group_linked = Signal()

#: A customer cancelled. Carries ``group``.
group_unlinked = Signal()

#: A user signed on through a marketplace. Carries ``group``, ``user``, ``membership``, ``identity`` (what the hub
#: says of both, :class:`django_connec.sso.identity.Identity`), ``request`` (the session is the user's already),
#: ``user_created``, ``group_created`` and ``membership_created``. Sent before a new group's import is queued, in
#: the process that answers the browser.
user_authenticated = Signal()

#: The hub took a user out of a group (account webhook). Carries ``group``, ``user_uid`` (the user's own id,
#: ``usr-…``) and ``virtual_uid`` (the same user in this group only, ``usr-….cld-…``). Sent as often as the hub says
#: it, also for users that were never here. A receiver that raises makes the hub's call fail, so that it is repeated.
user_removed = Signal()
