"""One client a marketplace, shared by all who ask."""

from __future__ import annotations

import os
import threading

from django_connec.client.api import ConnecClient
from django_connec.conf import Marketplace

__all__ = ["client_for", "reset_clients"]

_clients: dict[Marketplace, ConnecClient] = {}
_lock = threading.Lock()


def client_for(marketplace: Marketplace) -> ConnecClient:
    """Return the client of this marketplace; the same one for the same hosts, keys and options.

    The whole value is the key, so that changed keys get a new client and no tenant's session serves another.
    """
    with _lock:
        client = _clients.get(marketplace)
        if client is None:
            client = _clients[marketplace] = ConnecClient(marketplace)
        return client


def reset_clients() -> None:
    """Close and forget all clients, for tests."""
    with _lock:
        for client in _clients.values():
            client.close()
        _clients.clear()


def _after_fork() -> None:
    # Parent and child would read each other's answers from an inherited connection; the lock may be held for ever.
    global _clients, _lock
    _clients, _lock = {}, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
