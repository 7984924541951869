"""Answers that are none."""

from __future__ import annotations

import gzip
import threading

import pytest

from django_connec.client import (
    ConnecClient,
    ConnecNotFound,
    ConnecProtocolError,
    ConnecRejected,
    ConnecUnavailable,
    transport,
)

from .calls import fails, get
from .hub import Clock, Handler, ScriptedHub, answer, chunked, raw


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Log in to our wireless network</html>",
        b"[]",
        b"null",
        b'"people"',
        b'{"people": {"first_name": "Ines"}',
        b'{"people": {"balance": NaN}}',
        b'{"people": {"balance": -Infinity}}',
        b'{"people": {"balance": 1e999}}',
        b'{"people": {"first_name": "\xff"}}',
        b'{"people": ' + b"[" * 100_000,
        b'{"people": ' + b"1" * 5000 + b"}",
        b'{"items": {}}',
        b'{"people": []}',
        b'{"people": null}',
    ],
)
def test_garbage_is_a_protocol_error_for_later(
    hub: ScriptedHub, client: ConnecClient, clock: Clock, body: bytes
) -> None:
    hub.otherwise = answer(body)
    error = fails(client, ConnecProtocolError)
    assert isinstance(error, ConnecUnavailable)
    assert error.status == 200
    assert (len(hub.asked), clock.slept) == (1, [])


def test_broken_compression_is_a_protocol_error(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = answer(b"not gzip", headers={"Content-Encoding": "gzip"})
    fails(client, ConnecProtocolError)
    assert len(hub.asked) == 1


def test_chunked_and_compressed_answers_are_read(hub: ScriptedHub, client: ConnecClient) -> None:
    packed = gzip.compress(b'\xef\xbb\xbf{"people": {"first_name": "Ines", "balance": 1250.75}}')
    hub.script = [chunked(packed[:7], packed[7:20], packed[20:], headers={"Content-Encoding": "gzip"})]
    assert get(client) == {"first_name": "Ines", "balance": 1250.75}


def test_a_huge_answer_is_refused_while_it_comes(
    hub: ScriptedHub, client: ConnecClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_BYTES", 1_000_000)
    sent = 0
    hung_up = threading.Event()

    def endless(handler: Handler) -> None:
        nonlocal sent
        chunked(end=False)(handler)
        try:
            while True:
                handler.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
                sent += 65536
        except OSError:
            hung_up.set()

    hub.otherwise = endless
    assert "larger than" in str(fails(client, ConnecProtocolError))
    assert hung_up.wait(10)
    assert sent < 20_000_000


def test_a_bomb_is_refused_by_its_unpacked_size(
    hub: ScriptedHub, client: ConnecClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MAX_BYTES", 1_000_000)
    hub.otherwise = answer(gzip.compress(b" " * 1_100_000), headers={"Content-Encoding": "gzip"})
    assert "larger than" in str(fails(client, ConnecProtocolError))


def test_an_answer_at_the_cap_is_read(hub: ScriptedHub, client: ConnecClient, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"people": {}}'.ljust(1000)
    monkeypatch.setattr(transport, "MAX_BYTES", 1000)
    hub.script = [answer(body), answer(body + b" ")]
    assert get(client) == {}
    fails(client, ConnecProtocolError)


def test_an_answer_that_drips_ends(hub: ScriptedHub, client: ConnecClient, clock: Clock) -> None:
    hung_up = threading.Event()
    tick = threading.Event()

    def drip(handler: Handler) -> None:
        chunked(end=False)(handler)
        try:
            while not tick.wait(0.001):
                clock.now += 30
                handler.wfile.write(b"1\r\n \r\n")
        except OSError:
            hung_up.set()

    hub.otherwise = drip
    try:
        assert "took longer" in str(fails(client, ConnecProtocolError))
        assert hung_up.wait(10)
    finally:
        tick.set()


def test_an_error_whose_body_is_lost_keeps_its_status(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 500\r\n\r\n{")
    error = fails(client, ConnecNotFound)
    assert (error.status, error.messages) == (404, ())


def test_an_error_body_in_chunks_is_read_whole(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.otherwise = chunked(b'{"errors": [{"ti', b'tle": "Name is ', b'blank"}]}', status=422)
    assert fails(client, ConnecRejected).messages == ("Name is blank",)


def test_an_endless_error_body_is_cut(hub: ScriptedHub, client: ConnecClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ERROR_BYTES", 1000)
    hub.otherwise = answer(b"word " * 100_000, status=400)
    error = fails(client, ConnecRejected)
    assert [len(message) for message in error.messages] == [255]
