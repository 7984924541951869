"""What host projects use in their tests (``pip install django-connec[testing]``).

The pytest fixtures come by themselves; for ``unittest`` there is :class:`ConnecTestCase`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_connec.testing.cases import ConnecTestCase, ConnecTestMixin
    from django_connec.testing.clock import Clock
    from django_connec.testing.hub import LocalHub
    from django_connec.testing.kit import ConnecKit
    from django_connec.testing.outbox import Notice
    from django_connec.testing.pushes import Push
    from django_connec.testing.troubles import Trouble

__all__ = [
    "Clock",
    "ConnecKit",
    "ConnecTestCase",
    "ConnecTestMixin",
    "LocalHub",
    "Notice",
    "Push",
    "Trouble",
]

_HOMES = {
    "Clock": "clock",
    "ConnecKit": "kit",
    "ConnecTestCase": "cases",
    "ConnecTestMixin": "cases",
    "LocalHub": "hub",
    "Notice": "outbox",
    "Push": "pushes",
    "Trouble": "troubles",
}


def __getattr__(name: str) -> Any:
    # pytest imports the plugin, and this with it, before Django has its settings.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
