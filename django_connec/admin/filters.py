"""Filters whose choices come from the code and the settings: no query, however long the list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_connec.conf import get_settings
from django_connec.mapping import registry

__all__ = ["GroupMarketplaceFilter", "MarketplaceFilter", "ResourceFilter"]


class ResourceFilter(admin.SimpleListFilter):
    """By resource, of those that are mapped."""

    title = _("resource")
    parameter_name = "resource"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in registry.resources()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(resource=self.value())


class MarketplaceFilter(admin.SimpleListFilter):
    """By marketplace, of those that the settings name."""

    title = _("marketplace")
    parameter_name = "marketplace"
    column = "marketplace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, name) for name in get_settings().marketplaces]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(**{self.column: self.value()})


class GroupMarketplaceFilter(MarketplaceFilter):
    """By the marketplace of the row's group."""

    column = "group__marketplace"
