"""Read from the hub: the first import, and the poll that repairs what notifications missed."""

from django_connec.reading.importing import import_group
from django_connec.reading.polling import poll_group

__all__ = ["import_group", "poll_group"]
