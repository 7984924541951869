"""Hand work to the queue: the only place that knows which queue it is.

django-q2 by default; ``CONNEC["DISPATCHER"]`` names another function with the signature of
:func:`django_q2`, so that Celery or ``django.tasks`` can take its place. A task carries only keys: attempts,
back-off and given-up records live in our own tables.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Collection
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.module_loading import import_string

from django_connec.conf import get_settings

__all__ = ["django_q2", "enqueue", "wake"]

logger = logging.getLogger(__name__)

#: A wake-up that nobody has answered for this long counts as lost.
WAKE_EXPIRES = dt.timedelta(minutes=5)


def django_q2(task: str, *args: Any) -> None:
    """Queue a function of :mod:`django_connec.tasks` with django-q2.

    Args:
        task: Its dotted path.
        args: Plain values: primary keys and names.
    """
    from django_q.tasks import async_task

    async_task(task, *args, task_name=f"connec {task.rpartition('.')[2]} {' '.join(map(str, args))}"[:100])


def enqueue(task: str, *args: Any) -> bool:
    """Queue a function of :mod:`django_connec.tasks` by its name.

    A queue that cannot be reached raises nothing: what is due is in the tables, and the sweep finds it.

    Returns:
        Whether the queue took it.
    """
    try:
        import_string(get_settings().dispatcher)(f"django_connec.tasks.{task}", *args)
    except Exception as error:
        logger.warning("the queue did not take %s (%s); the sweep will do it", task, type(error).__name__)
        return False
    return True


def wake(group_ids: Collection[int], *, using: str) -> None:
    """Queue a drain for each of these groups, unless one is waiting already.

    Args:
        group_ids: Primary keys of :class:`~django_connec.models.ConnecGroup`.
        using: Alias of the database they are in.
    """
    from django_connec.models import ConnecGroup

    for group_id in sorted(group_ids):
        now = timezone.now()
        lost = Q(wake_requested_at__isnull=True) | Q(wake_requested_at__lt=now - WAKE_EXPIRES)
        mine = ConnecGroup.objects.using(using).filter(lost, pk=group_id).update(wake_requested_at=now)
        if mine and not enqueue("drain_group", group_id):
            ConnecGroup.objects.using(using).filter(pk=group_id, wake_requested_at=now).update(wake_requested_at=None)
