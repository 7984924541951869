"""System checks: every misconfiguration is named, with its cure, before it bites."""

from django_connec.checks import environment, mappers, models, settings, signon

__all__ = ["environment", "mappers", "models", "settings", "signon"]
