"""The hub's API (Connec! API v2): lists, records, batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from requests.adapters import BaseAdapter

from django_connec.client.answers import Answer, BatchAnswer, Operation, Page, Result, has_external_id
from django_connec.client.batch import MAX_OPERATIONS, encode_batch, encode_operation, is_repeatable, read_results
from django_connec.client.errors import ConnecNotFound, ConnecProtocolError, ConnecRejected
from django_connec.client.paging import Parameters, first_parameters, query_of, read_page, walk
from django_connec.client.transport import Reply, Transport
from django_connec.client.wire import encode_json, path_segment
from django_connec.conf import Marketplace

__all__ = ["ConnecClient"]


class ConnecClient:
    """One marketplace's hub. Safe to share between threads; use :func:`~django_connec.client.client_for` to get it.

    Every call tries at most three times within about five seconds while the hub is unavailable, and then raises a
    :class:`~django_connec.client.errors.ConnecError`; waiting longer is the caller's business. A POST is repeated
    only when each of its records carries an external id, as it would make duplicates otherwise (Connec! API v2,
    create). With ``external_ids`` the hub answers ids and references as lists of every application's id, without
    it as plain strings (header ``CONNEC-EXTERNAL-IDS``).

    Args:
        marketplace: Hosts, keys and time-out.
        sleep: Waits so many seconds between tries.
        monotonic: A clock in seconds that never goes back.
        adapter: What carries the requests, in place of the network; for tests and instrumentation.
        limiter: Asked before each request; returns the seconds to wait first. A batch is one request.
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
        self._host = marketplace.connec_host.rstrip("/")
        base = marketplace.connec_base_path.strip("/")
        self._base_path = f"/{base}" if base else ""
        self._transport = Transport(marketplace, sleep=sleep, monotonic=monotonic, adapter=adapter, limiter=limiter)

    def pages(
        self,
        group_uid: str,
        resource: str,
        *,
        filter: str | None = None,
        orderby: str | None = None,
        top: int = 100,
        skip: int = 0,
        external_ids: bool = True,
    ) -> Iterator[Page]:
        """Yield a collection's pages, as the hub links them (``pagination.next``), always on our own address.

        Args:
            filter: A ``$filter``, for example ``updated_at gte '2018-03-01T00:00:00Z'``.
            orderby: A column and ``ASC`` or ``DESC``. Pages slide while others write; order by something stable.
            top: Records a page; the hub is not known to give more than 100.
            skip: Records to leave out at the beginning.

        Raises:
            ConnecError: A page could not be read; those before it have been yielded. A hub whose links lead
                nowhere new, short of its own ``total``, is a :class:`ConnecProtocolError`.
            ValueError: ``top`` is under 1 or ``skip`` negative.
        """
        parameters = first_parameters(filter, orderby, top, skip)

        def fetch(parameters: Parameters) -> tuple[Page, str | None]:
            return self._page(group_uid, resource, parameters, external_ids)

        return walk(fetch, parameters, f"GET {resource}")

    def page(
        self,
        group_uid: str,
        resource: str,
        *,
        filter: str | None = None,
        orderby: str | None = None,
        top: int = 100,
        skip: int = 0,
        external_ids: bool = True,
    ) -> Page:
        """Return one page, for a reader that asks for several at once.

        Such a reader must look at the answer's ``top``: a hub that gives fewer records than asked for leaves a hole
        before the next ``skip`` it had in mind.

        Raises:
            ConnecError: The page could not be read.
            ValueError: ``top`` is under 1 or ``skip`` negative.
        """
        return self._page(group_uid, resource, first_parameters(filter, orderby, top, skip), external_ids)[0]

    def get(self, group_uid: str, resource: str, id: str | None = None, *, external_ids: bool = True) -> Answer:
        """Fetch one record by the hub's id, or a singular resource (``company``) without one.

        Raises:
            ConnecNotFound: There is none.
            ConnecError: Anything else.
        """
        return self._one("GET", group_uid, resource, id, None, external_ids)

    def create(
        self, group_uid: str, resource: str, attributes: Mapping[str, Any], *, external_ids: bool = True
    ) -> Answer:
        """Create a record (POST); with an external id of ours that the hub knows it is an update (status 200).

        Args:
            attributes: The record without its envelope; ``id`` is a list of our own external id, never text.

        Raises:
            ConnecRejected: The hub refuses the record, or it cannot be written as JSON.
            ConnecError: Anything else. After a :class:`ConnecUnavailable` the record may exist all the same.
        """
        return self._one("POST", group_uid, resource, None, attributes, external_ids)

    def update(
        self,
        group_uid: str,
        resource: str,
        id: str | None,
        attributes: Mapping[str, Any],
        *,
        external_ids: bool = True,
    ) -> Answer:
        """Update a record (PUT). Attributes left out keep their values (Connec! API v2, update).

        Args:
            id: The hub's id; ``None`` for a singular resource.

        Raises:
            ConnecNotFound: The hub has no such record (any more: it may be the loser of a merge).
            ConnecRejected: The hub refuses the record, or it cannot be written as JSON.
            ConnecError: Anything else.
        """
        return self._one("PUT", group_uid, resource, id, attributes, external_ids)

    def batch(self, operations: Sequence[Operation], *, external_ids: bool = True) -> BatchAnswer:
        """Send up to 50 operations in one call; each ends for itself, nothing is rolled back.

        An operation that cannot be sent (no JSON, no address) fails alone, with status 0; the others go.

        Raises:
            ValueError: There are more than 50.
            ConnecProtocolError: The number of results is not that of the operations, or there is no batch at that
                address: nothing is known of any operation.
            ConnecError: The whole call failed. After a :class:`ConnecUnavailable` it may have been carried out.
        """
        if len(operations) > MAX_OPERATIONS:
            raise ValueError(f"a batch takes at most {MAX_OPERATIONS} operations, not {len(operations)}")
        encoded = [encode_operation(operation, self._base_path) for operation in operations]
        going = [o for o, data in zip(operations, encoded, strict=True) if isinstance(data, bytes)]
        answered: Iterator[Result] = iter(())
        date = None
        if going:
            try:
                reply = self._transport.call(
                    "POST",
                    f"{self._host}/batch",
                    route="batch",
                    headers=_headers(external_ids),
                    data=encode_batch([data for data in encoded if isinstance(data, bytes)]),
                    repeatable=all(is_repeatable(operation) for operation in going),
                )
            except ConnecNotFound as missing:
                # Of a record this would say "gone"; here only the batch itself is not where it should be.
                raise ConnecProtocolError(str(missing), status=missing.status, messages=missing.messages) from None
            answered = iter(read_results(reply, going))
            date = reply.date
        results = tuple(next(answered) if isinstance(data, bytes) else Result(0, None, data) for data in encoded)
        return BatchAnswer(results, date)

    def root(self, group_uid: str) -> dict[str, str]:
        """Return the group's resources, each with its address (``_links`` of the API root). Costs one small call,
        and tells whether the group is still ours to see.

        Raises:
            ConnecAuthError: The keys are wrong or the group is no longer ours to see.
            ConnecError: Anything else.
        """
        reply = self._send("GET", [group_uid], "root", _headers(True))
        links = reply.body.get("_links")
        if not isinstance(links, list):
            raise ConnecProtocolError("GET root: the answer holds no _links", status=reply.status)
        return {
            str(name): link["href"]
            for entry in links
            if isinstance(entry, Mapping)
            for name, link in entry.items()
            if isinstance(link, Mapping) and isinstance(link.get("href"), str)
        }

    def json_schema(self, resource: str) -> dict[str, Any]:
        """Return the JSON schema of a resource; attributes are under ``properties.{resource}.items.properties``.

        Raises:
            ConnecError: It could not be read.
        """
        reply = self._send("GET", ["json_schema", resource], f"json_schema/{resource}", _headers(True))
        return reply.body

    def version(self) -> dict[str, Any]:
        """Return which build the hub runs, for example ``{"ci_branch": "v1.2", …}``.

        Raises:
            ConnecError: It could not be read.
        """
        headers = {"Accept": "application/json"}
        return self._transport.call("GET", f"{self._host}/version", route="version", headers=headers).body

    def close(self) -> None:
        """Close idle connections. The client stays usable and opens new ones."""
        self._transport.close()

    def _page(
        self, group_uid: str, resource: str, parameters: Parameters, external_ids: bool
    ) -> tuple[Page, str | None]:
        reply = self._send("GET", [group_uid, resource], resource, _headers(external_ids), query=query_of(parameters))
        return read_page(reply, resource, parameters, f"GET {resource}")

    def _one(
        self,
        method: str,
        group_uid: str,
        resource: str,
        id: str | None,
        attributes: Mapping[str, Any] | None,
        external_ids: bool,
    ) -> Answer:
        segments = [group_uid, resource] if id is None else [group_uid, resource, id]
        route = resource if id is None else f"{resource}/{{id}}"
        data = None
        if attributes is not None:
            data = encode_json({resource: dict(attributes)})
            if data is None:
                raise ConnecRejected(f"{method} {route}: the record cannot be written as JSON")
        repeatable = method != "POST" or (attributes is not None and has_external_id(attributes))
        reply = self._send(method, segments, route, _headers(external_ids), data=data, repeatable=repeatable)
        record = reply.body.get(resource)
        if not isinstance(record, dict):
            raise ConnecProtocolError(f"{method} {route}: the answer holds no {resource}", status=reply.status)
        return Answer(reply.status, record, reply.date)

    def _send(
        self,
        method: str,
        segments: Sequence[str],
        route: str,
        headers: Mapping[str, str],
        *,
        query: str = "",
        data: bytes | None = None,
        repeatable: bool = True,
    ) -> Reply:
        encoded = [segment for segment in map(path_segment, segments) if segment is not None]
        if len(encoded) != len(segments):
            raise ConnecRejected(f"{method} {route}: the group, resource or id cannot stand in an address")
        url = "/".join([f"{self._host}{self._base_path}", *encoded]) + (f"?{query}" if query else "")
        return self._transport.call(method, url, route=route, headers=headers, data=data, repeatable=repeatable)


def _headers(external_ids: bool) -> dict[str, str]:
    return {"CONNEC-EXTERNAL-IDS": "true" if external_ids else "false"}
