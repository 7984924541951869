"""``MARKETPLACES`` of a project with a developer platform: the stored copy, merged with the settings."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import router

from django_connec.conf import DeveloperPlatform, Marketplace, build_marketplace
from django_connec.platform.answers import merged

__all__ = ["LiveMarketplaces", "source_of"]

logger = logging.getLogger(__name__)


def source_of(platform: DeveloperPlatform) -> str:
    """Return what the stored copy of this platform and environment is filed under."""
    from hashlib import sha256

    return sha256(f"{platform.host.rstrip('/')}{platform.path}\n{platform.env_key}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _View:
    """What a worker saw last; replaced as a whole, so that no reader meets half of two copies."""

    looked_at: float
    version: str | None
    marketplaces: Mapping[str, Marketplace]


class LiveMarketplaces(Mapping[str, Marketplace]):
    """Marketplaces by name. Looks at the stored version at most every ``CHECK_SECONDS``, with one small query, and
    reads the copy only when that has changed; never asks the platform itself. Safe to share between threads.

    Args:
        platform: Whose stored copy.
        overrides: ``CONNEC["MARKETPLACES"]``: its values win, key by key, and it may name further marketplaces.
    """

    def __init__(self, platform: DeveloperPlatform, overrides: Mapping[str, Mapping[str, Any]]) -> None:
        self._platform = platform
        self.overrides = overrides
        self._source = source_of(platform)
        self._view: _View | None = None

    def __getitem__(self, name: str) -> Marketplace:
        return self._current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    @property
    def written(self) -> Mapping[str, Marketplace]:
        """Those that the settings alone make whole; no database is asked."""
        usable, _ = merged({}, self.overrides)
        return {name: build_marketplace(name, options) for name, options in usable.items()}

    def forget(self) -> None:
        """Look at the stored copy again when next asked, however short ago that was."""
        self._view = None

    def _current(self) -> Mapping[str, Marketplace]:
        view, now = self._view, time.monotonic()
        if view is not None and now - view.looked_at < self._platform.check_seconds:
            return view.marketplaces
        # No lock: two threads may look at once, and see the same. What a failing database raises leaves the view.
        self._view = view = self._look(view, now)
        return view.marketplaces

    def _look(self, held: _View | None, now: float) -> _View:
        from django_connec.models import PlatformCopy

        copies = PlatformCopy.objects.using(router.db_for_write(PlatformCopy)).filter(source=self._source)
        version = copies.values_list("version", flat=True).first()
        if held is not None and held.version == version:
            return _View(now, version, held.marketplaces)
        version, content = copies.values_list("version", "content").first() or (None, {})
        usable, unusable = merged(content, self.overrides)
        if unusable:
            logger.warning("marketplaces that are not whole are left out: %s", ", ".join(unusable))
        return _View(now, version, {name: build_marketplace(name, options) for name, options in usable.items()})
