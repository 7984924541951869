"""Checks of ``settings.CONNEC``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.utils.module_loading import import_string

from django_connec.conf import find_problems

__all__ = ["check_settings"]

YEAR = 365


#: Settings that name a function, and what that takes.
PATHS = {"DISPATCHER": "a task's path and its arguments", "SHARING_GROUPS": "a request"}


@register("connec")
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Name every key that is missing, unknown or unusable; a project that does not use the package yet is fine."""
    raw = getattr(settings, "CONNEC", None)
    found: list[CheckMessage] = [
        Error(f"{p.key} {p.message}", hint=p.hint, id=f"django_connec.{p.code}") for p in find_problems(raw)
    ]
    if not isinstance(raw, dict):
        return found
    for key, takes in PATHS.items():
        path = raw.get(key)
        if isinstance(path, str):
            try:
                import_string(path)
            except ImportError:
                found.append(
                    Error(
                        f'CONNEC["{key}"] names nothing that can be imported.',
                        hint=f"Give the dotted path of a function that takes {takes}.",
                        id="django_connec.E007",
                    )
                )
    found += _plain_http(raw)
    found += _short_retention(raw)
    return found


def _short_retention(raw: dict[str, Any]) -> list[CheckMessage]:
    days = raw.get("TOMBSTONE_DAYS")
    if isinstance(days, bool) or not isinstance(days, int) or not 0 < days < YEAR:
        return []
    return [
        Warning(
            f'CONNEC["TOMBSTONE_DAYS"] is under {YEAR}: what was deleted here may come back when its record is read '
            "again, as by a full import.",
            hint="Leave it out, or raise it well above the time after which nobody expects the record any more.",
            id="django_connec.W004",
        )
    ]


def _plain_http(raw: dict[str, Any]) -> list[CheckMessage]:
    if settings.DEBUG:
        return []
    marketplaces, platform = raw.get("MARKETPLACES"), raw.get("DEVELOPER_PLATFORM")
    hosts = {
        f'CONNEC["MARKETPLACES"]["{name}"]["{key}"]': entry.get(key)
        for name, entry in (marketplaces.items() if isinstance(marketplaces, dict) else ())
        for key in ("CONNEC_HOST", "API_HOST")
        if isinstance(entry, dict)
    }
    if isinstance(platform, dict):
        hosts['CONNEC["DEVELOPER_PLATFORM"]["HOST"]'] = platform.get("HOST")
    return [
        Warning(f"{place} is not encrypted: the API key travels in clear.", hint="Use https.", id="django_connec.W001")
        for place, host in hosts.items()
        if _travels_in_clear(str(host or ""))
    ]


def _travels_in_clear(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost")
