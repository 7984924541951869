"""Checks of what surrounds the package: the queue, the database, transactions around requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import router

__all__ = ["check_environment"]

#: Seconds that a slice of work may take, with room for one slow answer of the hub.
SLICE = 60


@register("connec")
def check_environment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Name what would make tasks repeat for ever, get lost or block each other."""
    if getattr(settings, "CONNEC", None) is None:
        return []
    return [*_queue(), *_database(), *_applications()]


def _applications() -> list[CheckMessage]:
    if apps.is_installed("rest_framework"):
        return []
    return [
        Error(
            '"rest_framework" is not installed.',
            hint="Add it to INSTALLED_APPS: the webhook is one of its views.",
            id="django_connec.E301",
        )
    ]


def _queue() -> list[CheckMessage]:
    dispatcher = (settings.CONNEC or {}).get("DISPATCHER") if isinstance(settings.CONNEC, dict) else None
    if dispatcher not in (None, "django_connec.dispatch.django_q2"):
        return []
    found: list[CheckMessage] = []
    if not apps.is_installed("django_q"):
        found.append(
            Error(
                '"django_q" is not installed.',
                hint='Add it to INSTALLED_APPS, or name another queue in CONNEC["DISPATCHER"].',
                id="django_connec.E302",
            )
        )
    cluster = getattr(settings, "Q_CLUSTER", None)
    if not isinstance(cluster, dict):
        return found
    timeout, retry = cluster.get("timeout"), cluster.get("retry", 60)
    if isinstance(timeout, int) and isinstance(retry, int) and retry <= timeout:
        found.append(
            Warning(
                'Q_CLUSTER["retry"] is not above Q_CLUSTER["timeout"]: a task runs twice at once.',
                hint="Raise retry above timeout.",
                id="django_connec.W301",
            )
        )
    if isinstance(timeout, int) and timeout < SLICE:
        found.append(
            Warning(
                f'Q_CLUSTER["timeout"] is under {SLICE} seconds: slices of work are killed in the middle.',
                hint=f"Raise it to {SLICE} or more; nothing is lost, but work is done again.",
                id="django_connec.W302",
            )
        )
    if not cluster.get("max_attempts"):
        found.append(
            Warning(
                'Q_CLUSTER["max_attempts"] is not set: a task that fails is delivered again for ever.',
                hint='Set "max_attempts": 1; this package keeps count of its own attempts.',
                id="django_connec.W303",
            )
        )
    broker = cluster.get("orm")
    if isinstance(broker, str):
        from django_connec.models import ConnecGroup

        if broker != router.db_for_write(ConnecGroup):
            found.append(
                Warning(
                    'Q_CLUSTER["orm"] is another database than the models are in.',
                    hint="Use the same: a task is then stored together with the change that it is for.",
                    id="django_connec.W304",
                )
            )
    redis = cluster.get("redis")
    if isinstance(redis, dict) and not redis.get("socket_timeout"):
        found.append(
            Warning(
                'Q_CLUSTER["redis"] has no socket_timeout: a dead Redis holds up every save.',
                hint='Add "socket_timeout": 2, "socket_connect_timeout": 2.',
                id="django_connec.W305",
            )
        )
    return found


def _database() -> list[CheckMessage]:
    from django_connec.models import ConnecGroup

    alias = router.db_for_write(ConnecGroup)
    database: dict[str, Any] = settings.DATABASES.get(alias, {})
    options = database.get("OPTIONS") or {}
    if "sqlite3" not in str(database.get("ENGINE")) or options.get("transaction_mode") in ("IMMEDIATE", "EXCLUSIVE"):
        return []
    return [
        Warning(
            "SQLite begins transactions without a lock: two processes that write get in each other's way.",
            hint=f'Set DATABASES["{alias}"]["OPTIONS"] = {{"transaction_mode": "IMMEDIATE", "timeout": 20}}.',
            id="django_connec.W306",
        )
    ]
