"""Many operations in one call (Connec! API v2, batch)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django_connec.client.answers import Operation, Result, has_external_id
from django_connec.client.errors import ConnecError, ConnecProtocolError, ConnecRejected, error_class
from django_connec.client.messages import messages_of
from django_connec.client.transport import Reply
from django_connec.client.wire import encode_json, path_segment

__all__ = ["MAX_OPERATIONS", "encode_batch", "encode_operation", "is_repeatable", "read_results"]

MAX_OPERATIONS = 50
"""The server's limit is not stated; Maestrano's connectors were cut to 50 because of time-outs."""


def is_repeatable(operation: Operation) -> bool:
    """Tell whether sending this twice does no harm: a POST without an external id makes a duplicate."""
    return operation.method != "post" or has_external_id(operation.attributes)


def encode_operation(operation: Operation, base_path: str) -> bytes | ConnecRejected:
    """Return one operation as JSON, or the error for a record that cannot be sent, so that it alone fails."""
    where = f"{operation.method.upper()} {operation.resource}"
    parts = [operation.group_uid, operation.resource]
    if operation.method != "post" and operation.id is not None:
        parts.append(operation.id)
    segments = [path_segment(part) for part in parts]
    if None in segments:
        return ConnecRejected(f"{where}: the id cannot stand in an address")
    url = "/".join([base_path, *map(str, segments)])
    wire: dict[str, object] = {"method": operation.method, "url": url}
    if operation.method == "post":
        wire["url"] = f"{url}/"  # As Maestrano's connectors write it.
    if operation.method != "get":
        wire["params"] = {operation.resource: dict(operation.attributes)}
    return encode_json(wire) or ConnecRejected(f"{where}: the record cannot be written as JSON")


def encode_batch(operations: Sequence[bytes]) -> bytes:
    """Return a batch's body, made of encoded operations. They run in the order given (``sequential``)."""
    return b'{"sequential":true,"ops":[' + b",".join(operations) + b"]}"


def read_results(reply: Reply, operations: Sequence[Operation]) -> list[Result]:
    """Return one result an operation; they are matched by position.

    Raises:
        ConnecProtocolError: There is no list of results, or their number is not that of the operations: then
            none can be believed.
    """
    results = reply.body.get("results")
    if not isinstance(results, list):
        raise ConnecProtocolError("POST batch: the answer holds no results", status=reply.status)
    if len(results) != len(operations):
        raise ConnecProtocolError(
            f"POST batch: {len(results)} results for {len(operations)} operations", status=reply.status
        )
    return [_result(raw, operation) for raw, operation in zip(results, operations, strict=True)]


def _result(raw: object, operation: Operation) -> Result:
    where = f"{operation.method.upper()} {operation.resource}"
    status = raw.get("status") if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(status, int) or isinstance(status, bool):
        return Result(0, None, ConnecProtocolError(f"{where}: its result in the batch is unreadable"))
    body = raw.get("body")
    kind = error_class(status)
    if kind is not None:
        return Result(
            status,
            None,
            kind(f"{where}: the hub answered {status} in the batch", status=status, messages=messages_of(body)),
        )
    record = body.get(operation.resource) if isinstance(body, Mapping) else None
    if not isinstance(record, Mapping):
        problem: ConnecError = ConnecProtocolError(
            f"{where}: its result in the batch holds no {operation.resource}", status=status
        )
        return Result(status, None, problem)
    return Result(status, record, None)
