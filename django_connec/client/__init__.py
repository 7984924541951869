"""The hub's API over ``requests``: paging, batches, repeats, typed errors. Knows neither models nor mappers."""

from django_connec.client.answers import Answer, BatchAnswer, Operation, Page, Result
from django_connec.client.api import ConnecClient
from django_connec.client.batch import MAX_OPERATIONS
from django_connec.client.clients import client_for, clients_through, reset_clients
from django_connec.client.errors import (
    ConnecAuthError,
    ConnecError,
    ConnecNotFound,
    ConnecProtocolError,
    ConnecRejected,
    ConnecUnavailable,
)
from django_connec.client.filters import any_of, iso, quote_value
from django_connec.client.messages import messages_of

__all__ = [
    "MAX_OPERATIONS",
    "Answer",
    "BatchAnswer",
    "ConnecAuthError",
    "ConnecClient",
    "ConnecError",
    "ConnecNotFound",
    "ConnecProtocolError",
    "ConnecRejected",
    "ConnecUnavailable",
    "Operation",
    "Page",
    "Result",
    "any_of",
    "client_for",
    "clients_through",
    "iso",
    "messages_of",
    "quote_value",
    "reset_clients",
]
