"""What the hub's API can go wrong with, and the one table that decides which status is which.

``str()`` of these errors says what was asked and how it ended, in our words only: no record, no request body, no
credential, no word of the hub's (it may quote values). The hub's words are in :attr:`ConnecError.messages`, for
the operator's pages.
"""

from __future__ import annotations

__all__ = [
    "ConnecAuthError",
    "ConnecError",
    "ConnecNotFound",
    "ConnecProtocolError",
    "ConnecRejected",
    "ConnecUnavailable",
    "error_class",
]

MESSAGE_LENGTH = 255


class ConnecError(Exception):
    """A call to the hub, or one operation of a batch, did not succeed.

    Args:
        summary: What was asked and how it ended, free of data: it becomes ``str(error)``.

    Attributes:
        status: The HTTP status; ``None`` when no answer came or nothing was sent.
        messages: The hub's words, each cut to 255 characters and free of control characters. Empty when it
            said nothing that could be read.
        retry_after: Seconds that the hub asked to wait (``Retry-After``), at most a day; ``None`` if it did not.
    """

    def __init__(
        self,
        summary: str,
        *,
        status: int | None = None,
        messages: tuple[str, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(summary)
        self.status = status
        self.messages = tuple(message[:MESSAGE_LENGTH] for message in messages)
        self.retry_after = retry_after

    @property
    def reason(self) -> str:
        """One line of at most 255 characters for an operator: the hub's words, or ours where it said nothing."""
        return ("; ".join(self.messages) or str(self))[:MESSAGE_LENGTH]


class ConnecUnavailable(ConnecError):
    """The hub cannot be reached, is too slow, overloaded or broken. Nothing is wrong with the record: try later."""


class ConnecProtocolError(ConnecUnavailable):
    """What answered does not speak as the hub does (a redirect, a page of HTML, a missing envelope, a short batch).

    Mostly something in between the hub and us, or a hub in trouble, so it is tried later like an unavailable hub;
    but not again within the same call.
    """


class ConnecAuthError(ConnecError):
    """The keys are wrong or the group is no longer ours to see (401, 403): stop the group and tell someone."""


class ConnecNotFound(ConnecError):
    """There is no such record, resource or group (404)."""


class ConnecRejected(ConnecError):
    """The hub refuses this very request (400, 409, 422 and other 4xx), or it could never be sent.

    The latter (``status`` is ``None``): the record cannot be written as JSON, or its id cannot stand in an address.
    """


# Closed: what is in neither table is no status of HTTP, hence no answer of the hub. 401 is documented for bad keys
# and for a group that is not accessible (Connec! API v2, errors). 407 is a proxy's and says nothing about the record.
_BY_STATUS: dict[int, type[ConnecError]] = {
    401: ConnecAuthError,
    403: ConnecAuthError,
    404: ConnecNotFound,
    407: ConnecUnavailable,
    408: ConnecUnavailable,
    425: ConnecUnavailable,
    429: ConnecUnavailable,
}
_BY_HUNDRED: dict[int, type[ConnecError] | None] = {
    2: None,
    3: ConnecProtocolError,
    4: ConnecRejected,
    5: ConnecUnavailable,
}


def error_class(status: int) -> type[ConnecError] | None:
    """Return which error a status means; ``None`` for success (2xx)."""
    return _BY_STATUS.get(status) or _BY_HUNDRED.get(status // 100, ConnecProtocolError)
