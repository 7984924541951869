"""What django_connec raises, outside the hub's own answers (see :mod:`django_connec.client.errors`)."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

__all__ = [
    "BadValue",
    "ConnecConfigurationError",
    "GroupBusy",
    "LeaseLost",
    "MapperError",
    "RelinkError",
    "ResourceOff",
    "SharingEnded",
    "SliceOver",
]


class ConnecConfigurationError(ImproperlyConfigured):
    """A value in ``settings.CONNEC`` is missing or unusable; the message names the key and the cure."""


class SliceOver(Exception):
    """A slice of work has taken its time; what is committed stays, and the next slice goes on from there."""


class SharingEnded(Exception):
    """The customer cancelled, or switched sharing off, while his group was being worked on; the work ends here."""


class ResourceOff(SharingEnded):
    """The customer switched off this one resource, in this direction, meanwhile; the work goes on with the others."""


class GroupBusy(Exception):
    """Another worker is reading or sending for the group; try again when it has finished."""


class RelinkError(ValueError):
    """A group cannot take over the rows of another one; the message says why, and what to do instead."""


class MapperError(ImproperlyConfigured):
    """A mapper cannot be compiled; ``manage.py check`` lists every reason."""


class LeaseLost(Exception):
    """Another worker has taken over the group while this one was working; nothing more may be written."""


class BadValue(ValueError):
    """A record holds a value that its field cannot take.

    The message names the path, what was expected and the *kind* of what was found, never the value itself:
    messages reach logs and operators' pages, values are personal data.

    Args:
        path: Dotted path of the attribute in the record, for example ``email.address``.
        expected: What the field takes, for example ``a date (ISO 8601)``.
        found: The kind of what was there, for example ``text of 12 characters``.
    """

    def __init__(self, path: str, expected: str, found: str) -> None:
        super().__init__(f"{path}: expected {expected}, found {found}")
        self.path = path
        self.expected = expected
        self.found = found
