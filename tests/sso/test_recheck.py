"""Sessions that came by sign-on end when the hub says so; others, and a silent hub, disturb nobody for long."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from django_connec.models import ConnecGroup, Membership, SyncRun
from tests.sso.conftest import Browser
from tests.sso.places import connec

PAGE = "/admin/login/"


class SessionHub:
    """Answers about sessions, and remembers the questions."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.status = 200
        self.answer: Callable[[], bytes] = lambda: self.says(True)
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.questions.append(self.path)
                body = hub.answer()
                self.send_response(hub.status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @staticmethod
    def says(valid: object, minutes: float = 3) -> bytes:
        recheck = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
        return json.dumps({"valid": valid, "recheck": recheck.strftime("%Y-%m-%dT%H:%M:%SZ")}).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def session_hub() -> Iterator[SessionHub]:
    hub = SessionHub()
    yield hub
    hub.close()


@pytest.fixture
def clock(time_machine: Any) -> Callable[[float], None]:
    now = [dt.datetime.now(dt.UTC)]

    def move(minutes: float) -> None:
        now[0] += dt.timedelta(minutes=minutes)
        time_machine.move_to(now[0])

    return move


@pytest.fixture
def user(browser: Browser, session_hub: SessionHub, settings: Any) -> Iterator[Browser]:
    cache.clear()
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_connec.sso.middleware.SessionRecheckMiddleware"]
    settings.CONNEC = connec({"SSO_GRACE_MINUTES": 10}, API_HOST=session_hub.url)
    browser.sign_on()
    SyncRun.objects.create(group=ConnecGroup.objects.get(), kind=SyncRun.Kind.IMPORT, state="succeeded")
    yield browser
    cache.clear()


def get(browser: Browser, path: str = PAGE, **headers: str) -> Any:
    return browser.client.get(path, secure=True, headers=headers)


def test_hub_is_asked_when_due_and_once_an_interval(
    user: Browser, session_hub: SessionHub, clock: Callable[[float], None]
) -> None:
    get(user)
    assert session_hub.questions == []
    clock(3.1)
    for _ in range(5):
        get(user)
    assert session_hub.questions == ["/api/v1/auth/saml/usr-4c1?session=token-of-the-session"]
    assert user.is_signed_on
    clock(3.1)
    get(user)
    assert len(session_hub.questions) == 2


def test_requests_that_loaded_the_session_before_do_not_ask_again(
    user: Browser, session_hub: SessionHub, clock: Callable[[float], None]
) -> None:
    before = user.client.session["connec_sso"]
    clock(3.1)
    for _ in range(4):
        session = user.client.session
        session["connec_sso"] = before
        session.save()
        get(user)
    assert len(session_hub.questions) == 1


def test_session_that_the_hub_has_ended(user: Browser, session_hub: SessionHub, clock: Callable[[float], None]) -> None:
    clock(3.1)
    session_hub.answer = lambda: session_hub.says(False)
    response = get(user, "/admin/login/?a=b")
    assert response.status_code == 302
    assert response["Location"] == ("/maestrano/auth/saml/init?group_id=cld-7p2k&next=%2Fadmin%2Flogin%2F%3Fa%3Db")
    assert not user.is_signed_on
    assert get(user).status_code == 200, "nobody is signed on any more, so nobody is turned away"
    assert len(session_hub.questions) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_hub_that_knows_no_such_session(
    user: Browser, session_hub: SessionHub, clock: Callable[[float], None], status: int
) -> None:
    clock(3.1)
    session_hub.status = status
    assert get(user).status_code == 302
    assert not user.is_signed_on


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Requested-With": "XMLHttpRequest"}, 401),
        ({"Accept": "application/json"}, 401),
        ({"Sec-Fetch-Mode": "cors", "Accept": "text/html"}, 401),
        ({"Authorization": "Token x"}, 401),
        ({"Sec-Fetch-Mode": "navigate"}, 302),
        ({"Accept": "text/html,*/*"}, 302),
    ],
)
def test_scripts_get_401(
    user: Browser, session_hub: SessionHub, clock: Callable[[float], None], headers: dict[str, str], status: int
) -> None:
    clock(3.1)
    session_hub.answer = lambda: session_hub.says(False)
    response = get(user, **headers)
    assert response.status_code == status
    if status == 401:
        assert response.json()["error"]


def test_form_that_was_sent_is_not_returned_to(
    user: Browser, session_hub: SessionHub, clock: Callable[[float], None]
) -> None:
    clock(3.1)
    session_hub.answer = lambda: session_hub.says(False)
    response = user.client.post(PAGE, {"a": "b"}, secure=True)
    assert (response.status_code, response["Location"]) == (303, "/maestrano/auth/saml/init?group_id=cld-7p2k")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (503, b""),
        (429, b""),
        (302, b""),
        (200, b"<html>"),
        (200, b'{"valid": "false"}'),
        (200, b"[]"),
        (200, b"[" * 16_000),
        (200, b'{"valid": true' + b" " * 100_000 + b"}"),
    ],
)
def test_silent_hub_is_borne_for_a_while(
    user: Browser, session_hub: SessionHub, clock: Callable[[float], None], status: int, body: bytes, caplog: Any
) -> None:
    session_hub.status, session_hub.answer = status, lambda: body
    clock(3.1)
    for _ in range(5):
        assert get(user).status_code == 200
    assert len(session_hub.questions) == 1, "not every request waits for a hub that is away"
    clock(9)
    assert get(user).status_code == 200
    assert len(session_hub.questions) == 2
    clock(1.5)
    assert get(user).status_code == 302
    assert not user.is_signed_on
    assert "sessions cannot be checked" in caplog.text
    assert "token-of" not in caplog.text
    assert "usr-" not in caplog.text


def test_hub_that_comes_back_in_time(user: Browser, session_hub: SessionHub, clock: Callable[[float], None]) -> None:
    clock(3.1)
    session_hub.status = 500
    get(user)
    clock(5)
    session_hub.status = 200
    get(user)
    assert user.client.session["connec_sso"]["away_since"] == ""
    clock(4)
    session_hub.status = 500
    get(user)
    clock(9)
    assert get(user).status_code == 200, "the time begins anew"


def test_no_grace_at_all(user: Browser, clock: Callable[[float], None]) -> None:
    with override_settings(CONNEC=connec({"SSO_GRACE_MINUTES": 0}, API_HOST="http://127.0.0.1:9")):
        clock(3.1)
        assert get(user).status_code == 302


def test_times_of_the_hub_are_taken_with_care(
    user: Browser, session_hub: SessionHub, clock: Callable[[float], None]
) -> None:
    session_hub.answer = lambda: b'{"valid": true, "recheck": "1999-01-01T00:00:00Z"}'
    clock(3.1)
    for _ in range(5):
        get(user)
    assert len(session_hub.questions) == 1
    session_hub.answer = lambda: b'{"valid": true, "recheck": "2999-01-01T00:00:00Z"}'
    clock(1)
    get(user)
    assert len(session_hub.questions) == 2
    clock(24 * 60 + 1)
    get(user)
    assert len(session_hub.questions) == 3


@pytest.mark.parametrize("what", ["cancelled", "removed"])
def test_user_without_a_place_goes_to_the_hubs_page(
    user: Browser, session_hub: SessionHub, clock: Callable[[float], None], what: str
) -> None:
    if what == "cancelled":
        ConnecGroup.objects.get().unlink()
    else:
        Membership.objects.all().delete()
    clock(3.1)
    assert get(user)["Location"] == f"{session_hub.url}/app_access_unauthorized"
    assert not user.is_signed_on


def test_session_without_a_token_ends_when_due(user: Browser, clock: Callable[[float], None]) -> None:
    user.sign_on(mno_session=None)
    assert get(user).status_code == 200
    clock(3.1)
    assert get(user).status_code == 302


def test_other_sessions_are_left_alone(
    user: Browser, session_hub: SessionHub, clock: Callable[[float], None], django_user_model: Any
) -> None:
    local = Browser(user.idp)
    local.client.force_login(
        django_user_model.objects.create_user("local"), "django.contrib.auth.backends.ModelBackend"
    )
    clock(60)
    response = local.client.get("/admin/login/", secure=True)
    assert response.status_code == 200
    stranger = Browser(user.idp)
    assert stranger.client.get("/maestrano/auth/saml/importing", secure=True).status_code == 302
    assert session_hub.questions == []


def test_pages_of_sign_on_are_never_checked(
    user: Browser, session_hub: SessionHub, clock: Callable[[float], None]
) -> None:
    clock(3.1)
    session_hub.answer = lambda: session_hub.says(False)
    assert user.sign_on().status_code == 302
    assert session_hub.questions == []


def test_marketplace_that_is_gone(user: Browser, clock: Callable[[float], None]) -> None:
    settings = connec()
    settings["MARKETPLACES"]["other"] = settings["MARKETPLACES"].pop("default")
    with override_settings(CONNEC=settings):
        clock(3.1)
        assert get(user)["Location"] == "/"


async def _visit(user: Browser) -> int:
    from django.test import AsyncClient

    client = AsyncClient()
    client.cookies = user.client.cookies
    response = await client.get(PAGE, secure=True, headers={"host": "books.example"})
    return int(response.status_code)


@pytest.mark.django_db(transaction=True)
def test_works_under_asgi(user: Browser, session_hub: SessionHub, clock: Callable[[float], None]) -> None:
    from asgiref.sync import async_to_sync

    clock(3.1)
    session_hub.answer = lambda: session_hub.says(False)
    assert async_to_sync(_visit)(user) == 302
    assert len(session_hub.questions) == 1
