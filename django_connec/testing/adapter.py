"""Hand the client's requests straight to a sandbox hub: no socket, no thread, the same exceptions."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from django_connec.sandbox.api import Request, Response, error_response, path_and_query

if TYPE_CHECKING:
    from django_connec.sandbox import Fault
    from django_connec.testing.hub import LocalHub

__all__ = ["HubAdapter"]


class HubAdapter(BaseAdapter):
    """Carries requests to a hub in this process, and its faults back, as a socket would.

    Args:
        hub: The hub.
    """

    def __init__(self, hub: LocalHub) -> None:
        super().__init__()
        self.hub = hub
        self._builder = HTTPAdapter()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the hub's answer.

        Raises:
            requests.ConnectionError: The hub closed the connection, before or after it did what was asked.
            requests.ReadTimeout: The hub takes longer than the caller waits. It does what was asked all the same.
        """
        target, origin = _split(request.url or "")
        method, body = request.method or "GET", _bytes(request.body)
        path, _ = path_and_query(target)
        # Waits are added up, not waited for. In the middle of a request somebody may make another one.
        outer, self.hub.waited.seconds = self.hub.waited.seconds, 0.0
        started = time.perf_counter()
        try:
            answer, content = self._answer(Request(method, target, _headers(request), body), origin)
            waited = self.hub.waited.seconds
        finally:
            self.hub.waited.seconds = outer
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        if patience is not None and waited > patience:
            self.hub.pass_time(patience)
            answer, trouble = None, _timed_out(request)
        else:
            self.hub.pass_time(waited)
            trouble = _hung_up(request)
        self.hub.note_call(method, path, body, 0 if answer is None else answer.status, time.perf_counter() - started)
        if answer is None:
            raise trouble
        return self._builder.build_response(request, _raw(method, answer, content))

    def close(self) -> None:
        """There is no connection to close."""

    def _answer(self, request: Request, origin: str) -> tuple[Response | None, bytes]:
        """Return the answer and what is sent of it; no answer where the connection is closed."""
        fault: Fault | None = self.hub.faults.take(request.method, path_and_query(request.target)[0])
        if fault is not None and fault.seconds > 0:
            self.hub.wait(fault.seconds)
        if fault is not None and fault.kind == "drop":
            return None, b""
        if fault is not None and fault.kind == "status":
            answer = error_response(fault.status, "Trouble on demand")
            if fault.retry_after is not None:
                answer.headers["Retry-After"] = str(fault.retry_after)
        else:
            try:
                answer = self.hub.api.handle(request, origin)
            except ConnectionError:
                return None, b""
        if fault is not None and fault.kind == "lose_answer":
            return None, b""
        if fault is not None and fault.kind == "garbage":
            return answer, b"<html>Bad gateway</html>"
        return answer, json.dumps(answer.body).encode()


def _split(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else ""), f"{parts.scheme}://{parts.netloc}"


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else bytes(body)


def _headers(request: requests.PreparedRequest) -> dict[str, str]:
    # requests leaves values of its own as bytes where the caller gave bytes.
    values: dict[str, Any] = dict(request.headers)
    return {name.lower(): v.decode("latin-1") if isinstance(v, bytes) else v for name, v in values.items()}


def _raw(method: str, answer: Response, content: bytes) -> urllib3.HTTPResponse:
    headers = {
        "Content-Type": "application/vnd.api+json; charset=utf-8",
        "Content-Length": str(len(content)),
        **answer.headers,
    }
    reason = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else ""
    return urllib3.HTTPResponse(
        body=io.BytesIO(content),
        headers=headers,
        status=answer.status,
        version=11,
        reason=reason,
        preload_content=False,
        request_method=method,
    )


def _hung_up(request: requests.PreparedRequest) -> requests.RequestException:
    closed = RemoteDisconnected("Remote end closed connection without response")
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", closed), request=request)


def _timed_out(request: requests.PreparedRequest) -> requests.RequestException:
    pool = urllib3.HTTPConnectionPool("hub.invalid")
    error = urllib3.exceptions.ReadTimeoutError(pool, request.path_url, "Read timed out.")
    return requests.ReadTimeout(error, request=request)
