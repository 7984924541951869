"""The sandbox's pages for people: the marketplace, its data, its log, and signing on."""

from django_connec.sandbox.pages.router import SandboxPages

__all__ = ["SandboxPages"]
