"""A mark that Django looks for on methods of querysets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["queryset_only"]

F = TypeVar("F", bound=Callable[..., Any])


def queryset_only(method: F) -> F:
    """Keep a manager from taking a method over, as on Django's own ``QuerySet.delete``."""
    vars(method)["queryset_only"] = True
    return method
