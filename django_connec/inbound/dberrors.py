"""Which errors are one record's own, and how to say so without showing a value."""

from __future__ import annotations

import re

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError

from django_connec.client.errors import ConnecError
from django_connec.exceptions import BadValue

__all__ = ["describe", "is_record_error"]


def is_record_error(error: Exception) -> bool:
    """Tell whether an error may be the fault of one record, so that the others can go on without it.

    A database that is gone, locked or out of space is not, and neither is the hub.
    """
    if isinstance(error, (OperationalError, InterfaceError)):
        # MariaDB reports values that a column cannot hold as operational errors of these numbers.
        return bool(error.args) and error.args[0] in (1264, 1366, 1406)
    return not isinstance(error, ConnecError)


def describe(error: Exception) -> str:
    """Return a message for operators; database messages quote values, so only names are taken from them."""
    if isinstance(error, BadValue):
        return str(error)
    if isinstance(error, (IntegrityError, DataError, DatabaseError)):
        name = _constraint(error)
        return f"the database refused it ({type(error).__name__}{f': {name}' if name else ''})"
    if isinstance(error, ObjectDoesNotExist):
        return "a row that it needs is not here"
    return f"the model's own code raised {type(error).__name__}"


def _constraint(error: DatabaseError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is not None:
        return str(getattr(diagnosis, "constraint_name", None) or getattr(diagnosis, "column_name", None) or "")
    text = str(error)
    found = re.search(r"constraint failed: ([\w.]+(?:, [\w.]+)*)", text) or re.search(r"for key '([\w.]+)'", text)
    return found.group(1) if found else ""
