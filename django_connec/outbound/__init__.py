"""Local changes to the hub: what is pending, encode, batch, record the answers."""

from django_connec.outbound.drain import DrainResult, drain

__all__ = ["DrainResult", "drain"]
