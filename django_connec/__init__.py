"""Make a Django application a full member of Connec!(tm).

Add ``django_connec`` to ``INSTALLED_APPS``, subclass :class:`django_connec.models.ConnecSyncMixin` and write a
``connec.py`` with one mapper a model.
"""

from django_connec.tracking.switch import connec_disabled
from django_connec.version import VERSION as __version__

__all__ = ["__version__", "connec_disabled"]
