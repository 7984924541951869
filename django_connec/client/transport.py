"""One HTTP call to the hub: headers, limits, repeats, and every way of failing as a :class:`ConnecError`."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import HTTPBasicAuth

from django_connec import __version__
from django_connec.client.errors import ConnecError, ConnecProtocolError, ConnecUnavailable, error_class
from django_connec.client.messages import messages_of
from django_connec.client.wire import decode_json, http_date, retry_after_seconds
from django_connec.conf import Marketplace

__all__ = ["Reply", "Transport"]

logger = logging.getLogger("django_connec.client")

BUDGET = 5.0
"""Seconds: no repeat begins later than this after the call began. Longer waits are the caller's, stored."""
BACKOFF = (1.0, 3.0)
"""Seconds before the second and the third try, at most; jitter halves them at most."""
CONNECT_TIMEOUT = 10.0
MAX_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
MAX_READ_SECONDS = 300.0
"""An answer that drips never trips the read time-out, yet the group's lease (ten minutes) must not run out on it."""
CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A success (2xx) with the JSON object it carried; ``date`` is the hub's clock, aware, UTC."""

    status: int
    body: dict[str, Any] = field(repr=False)
    date: datetime | None


@dataclass(frozen=True, slots=True)
class _Failed:
    error: ConnecError
    passing: bool = False


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # With allow_redirects=False requests would still read a redirect's whole body to prepare the next call.
        return None


class Transport:
    """Sends requests with one marketplace's keys. Safe to share between threads.

    Args:
        marketplace: Keys and time-out; ``connec_timeout`` is the seconds to wait for an answer's next bytes.
        sleep: Waits so many seconds between tries.
        monotonic: A clock in seconds that never goes back.
        adapter: What carries the requests, in place of the network; for tests and instrumentation.
        limiter: Asked before each request, repeats included; returns the seconds to wait first.
    """

    def __init__(
        self,
        marketplace: Marketplace,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        adapter: BaseAdapter | None = None,
        limiter: Callable[[], float] | None = None,
    ) -> None:
        self._sleep = sleep
        self._limiter = limiter
        self._monotonic = monotonic
        self._timeout = (CONNECT_TIMEOUT, float(marketplace.connec_timeout))
        session = _Session()
        # Bytes, because requests would write text as Latin-1. As the session has keys, ~/.netrc is never asked.
        session.auth = HTTPBasicAuth(marketplace.api_id.encode(), marketplace.api_key.encode())
        session.headers.update(
            {
                "Accept": "application/vnd.api+json",
                "Content-Type": "application/vnd.api+json",
                "CONNEC-COUNTRY-FORMAT": "alpha2",
                "User-Agent": f"django-connec/{__version__}",
            }
        )
        # A session is shared by all groups and threads of the marketplace: no state of one may reach another.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        carrier = adapter if adapter is not None else HTTPAdapter(pool_maxsize=16, max_retries=0)
        session.mount("https://", carrier)
        session.mount("http://", carrier)
        self._session = session

    def call(
        self,
        method: str,
        url: str,
        *,
        route: str,
        headers: Mapping[str, str],
        data: bytes | None = None,
        repeatable: bool = True,
    ) -> Reply:
        """Make one call, at most three times within about five seconds while the hub is unavailable.

        Args:
            route: What logs and errors call this address: no id, no filter.
            repeatable: Whether a second try after a lost answer does no harm.

        Raises:
            ConnecError: Of the class that :mod:`django_connec.client.errors` names for what happened.
                ``retry_after`` is set when the hub asked for a wait, whether or not it was waited for.
        """
        # Waiting for our own cap is no trouble of the hub's: the time for repeats begins after it.
        self._wait_for_turn()
        started = self._monotonic()
        pauses = iter(BACKOFF)
        while True:
            outcome = self._try(method, url, route, headers, data)
            if isinstance(outcome, Reply):
                return outcome
            pause = next(pauses, None)
            if pause is None or not (repeatable and outcome.passing):
                raise outcome.error
            pause = max(pause * random.uniform(0.5, 1.0), outcome.error.retry_after or 0.0)
            if self._monotonic() - started + pause > BUDGET:
                raise outcome.error
            self._sleep(pause)
            self._wait_for_turn()

    def close(self) -> None:
        """Close idle connections. The transport stays usable and opens new ones."""
        self._session.close()

    def _wait_for_turn(self) -> None:
        seconds = self._limiter() if self._limiter is not None else 0.0
        if seconds > 0:
            self._sleep(seconds)

    def _try(
        self, method: str, url: str, route: str, headers: Mapping[str, str], data: bytes | None
    ) -> Reply | _Failed:
        where = f"{method} {route}"
        began = self._monotonic()
        ended = "no answer"
        try:
            with self._session.request(
                method,
                url,
                data=data,
                headers=dict(headers),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                ended = str(response.status_code)
                if error_class(response.status_code) is None:
                    return self._success(response, where)
                return self._refusal(response, where)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as problem:
            # The error is made here but raised elsewhere: requests' exceptions show the address (ids, filters) and
            # carry the request, so they must not hang on ours as its context.
            return _connection_failure(problem, where)
        finally:
            logger.debug("%s -> %s in %d ms", where, ended, (self._monotonic() - began) * 1000)

    def _success(self, response: requests.Response, where: str) -> Reply | _Failed:
        status = response.status_code
        raw, trouble = self._read(response, MAX_BYTES)
        body = None if trouble else decode_json(raw)
        if body is None:
            return _Failed(ConnecProtocolError(f"{where}: {trouble or 'the answer is no JSON object'}", status=status))
        return Reply(status, body, http_date(response.headers.get("Date")))

    def _refusal(self, response: requests.Response, where: str) -> _Failed:
        status = response.status_code
        kind = error_class(status) or ConnecProtocolError
        try:
            raw, _ = self._read(response, MAX_ERROR_BYTES)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            # The status says what to do; only the words are lost.
            raw = b""
        error = kind(
            f"{where}: the hub answered {status}",
            status=status,
            messages=messages_of(decode_json(raw) or raw.decode("utf-8", "replace")),
            retry_after=retry_after_seconds(response.headers),
        )
        return _Failed(error, passing=kind is ConnecUnavailable)

    def _read(self, response: requests.Response, limit: int) -> tuple[bytes, str]:
        """Return the body, at most ``limit`` bytes of it, and why reading stopped early (empty if it did not)."""
        began = self._monotonic()
        parts: list[bytes] = []
        size = 0
        # read1 returns what has come; iter_content would wait for a full chunk, out of reach of the clock below.
        while part := response.raw.read1(CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > limit:
                return b"".join(parts)[:limit], f"the answer is larger than {limit} bytes"
            if self._monotonic() - began > MAX_READ_SECONDS:
                return b"".join(parts), f"the answer took longer than {MAX_READ_SECONDS:.0f} seconds"
        return b"".join(parts), ""


def _connection_failure(problem: Exception, where: str) -> _Failed:
    cause = type(_innermost(problem)).__name__
    if isinstance(problem, urllib3.exceptions.DecodeError):
        return _Failed(ConnecProtocolError(f"{where}: the answer's encoding is broken ({cause})"))
    if isinstance(problem, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return _Failed(ConnecUnavailable(f"{where}: no answer in time ({cause})"), passing=True)
    # A certificate that is refused now is refused in a second, too; so is an address that is none.
    passing = isinstance(problem, (requests.ConnectionError, urllib3.exceptions.ProtocolError)) and not isinstance(
        problem, requests.exceptions.SSLError
    )
    return _Failed(ConnecUnavailable(f"{where}: the hub could not be reached ({cause})"), passing=passing)


def _innermost(problem: BaseException) -> BaseException:
    # urllib3 hides the cause that helps (name not resolved, connection refused) in `reason`, requests in `args`.
    inner = getattr(problem, "reason", None) or next(
        (argument for argument in reversed(problem.args) if isinstance(argument, BaseException)), None
    )
    return _innermost(inner) if isinstance(inner, BaseException) else problem
