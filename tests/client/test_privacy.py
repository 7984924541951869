"""What errors and logs may show."""

from __future__ import annotations

import logging
import pickle
import traceback

import pytest

from django_connec.client import (
    ConnecClient,
    ConnecError,
    ConnecRejected,
)

from .calls import PERSON, get
from .hub import Action, ScriptedHub, answer, drop

OURS = [{"provider": "acme-books", "realm": "acct-88", "id": "41"}]


@pytest.mark.parametrize(
    "trouble",
    [
        drop,
        answer({"errors": {"email": "ines@people.example is taken"}}, status=422),
        answer(b'{"people": {"email": "ines@people.example"}'),
        answer(b"ines@people.example", status=500),
        answer(b"", status=302, headers={"Location": "/ines@people.example"}),
    ],
    ids=["lost", "rejected", "garbage", "broken", "redirect"],
)
def test_neither_errors_nor_logs_show_data(
    hub: ScriptedHub, client: ConnecClient, trouble: Action, caplog: pytest.LogCaptureFixture
) -> None:
    hub.otherwise = trouble
    caplog.set_level(logging.DEBUG, logger="django_connec")
    with pytest.raises(ConnecError) as caught:
        client.update("cld-secret", "people", "id-secret", {"id": OURS, "email": "ines@people.example"})
    error = caught.value
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("django_connec")]
    shown = "\n".join([str(error), repr(error), *traceback.format_exception_only(error), *ours])
    for secret in ("ines", "secret", "app-1a2b", "cld-", hub.origin):
        assert secret not in shown
    assert error.__cause__ is None
    assert error.__context__ is None


def test_each_try_is_logged_by_its_route(
    hub: ScriptedHub, client: ConnecClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="django_connec.client")
    hub.script = [drop, answer(PERSON)]
    get(client)
    lines = [record.getMessage() for record in caplog.records if record.name == "django_connec.client"]
    assert [line.split(" in ")[0] for line in lines] == [
        "GET people/{id} -> no answer",
        "GET people/{id} -> 200",
    ]
    assert all(line.endswith(" ms") for line in lines)


def test_errors_survive_pickling() -> None:
    error = ConnecRejected("GET people: no", status=422, messages=("x" * 300,), retry_after=2.0)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is ConnecRejected
    assert (str(again), again.status, again.messages, again.retry_after) == (
        "GET people: no",
        422,
        ("x" * 255,),
        2.0,
    )


def test_the_reason_is_the_hubs_words_or_ours() -> None:
    assert ConnecRejected("ours", messages=("theirs", "more")).reason == "theirs; more"
    assert ConnecRejected("ours").reason == "ours"
