"""One client a marketplace, shared by all who ask."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from requests.adapters import BaseAdapter

from django_connec.client.api import ConnecClient
from django_connec.conf import Marketplace

__all__ = ["client_for", "clients_through", "limit_with", "reset_clients"]

Limiter = Callable[[], float]

#: What :func:`clients_through` gives each new client.
_options: dict[str, Any] = {}
_clients: dict[Marketplace, ConnecClient] = {}
_make_limiter: Callable[[Marketplace], Limiter] | None = None
_lock = threading.Lock()


def client_for(marketplace: Marketplace) -> ConnecClient:
    """Return the client of this marketplace; the same one for the same hosts, keys and options.

    The whole value is the key, so that changed keys get a new client and no tenant's session serves another. The
    client of what the marketplace was before is closed; a call that is under way in it ends as it began.
    """
    with _lock:
        client = _clients.get(marketplace)
        if client is None:
            for former in [known for known in _clients if known.name == marketplace.name]:
                _clients.pop(former).close()
            options = dict(_options)
            if marketplace.connec_max_requests_per_second is not None and _make_limiter is not None:
                options["limiter"] = _make_limiter(marketplace)
            client = _clients[marketplace] = ConnecClient(marketplace, **options)
        return client


def limit_with(make: Callable[[Marketplace], Limiter]) -> None:
    """Say what spaces the requests of a marketplace whose settings cap them; this package has no place to count in.

    Args:
        make: Returns, for a marketplace, the function that is asked before each request (see
            :class:`~django_connec.client.ConnecClient`).
    """
    global _make_limiter
    _make_limiter = make


def reset_clients() -> None:
    """Close and forget all clients, for tests."""
    with _lock:
        for client in _clients.values():
            client.close()
        _clients.clear()


@contextmanager
def clients_through(
    adapter: BaseAdapter | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Let all clients that :func:`client_for` gives out during the block send their requests through an adapter.

    For tests and instrumentation. It holds for all threads of the process, as the clients are shared by them.

    Args:
        adapter: What carries the requests, in place of the network; ``None``: the network.
        sleep: Waits so many seconds between the tries of a call.
        monotonic: The clock in seconds, one that never goes back, that a call's time is measured by.
    """
    global _options
    outer, _options = _options, {"adapter": adapter, "sleep": sleep, "monotonic": monotonic}
    reset_clients()
    try:
        yield
    finally:
        _options = outer
        reset_clients()


def _after_fork() -> None:
    # Parent and child would read each other's answers from an inherited connection; the lock may be held for ever.
    global _clients, _lock
    _clients, _lock = {}, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
