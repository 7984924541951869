"""Users and groups: the integration checklist, both creation modes, and what a sign-on must never do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.test import Client, override_settings

from django_connec.models import ConnecGroup, ConnecIdentity, Membership, SyncRun
from django_connec.signals import group_linked, user_authenticated
from django_connec.sso.identity import mask_user, unmask_user
from django_connec.sso.views import consume
from tests.sso.conftest import Browser
from tests.sso.places import connec
from tests.tracking.queues import tasks

User = get_user_model()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _queue() -> Iterator[None]:
    tasks.clear()
    yield
    tasks.clear()


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    calls: list[dict[str, Any]] = []

    def hear(sender: type, signal: Any, **kwargs: Any) -> None:
        calls.append({"sender": sender, "name": "linked" if signal is group_linked else "signed on", **kwargs})

    group_linked.connect(hear)
    user_authenticated.connect(hear)
    yield calls
    group_linked.disconnect(hear)
    user_authenticated.disconnect(hear)


class TestChecklist:
    """The numbers are those of the integration checklist."""

    def test_1_2_1_and_1_2_3_unknown_group_and_user(self, browser: Browser, heard: list[dict[str, Any]]) -> None:
        browser.sign_on(group_org_uid="org-9x1")
        group, user = ConnecGroup.objects.get(), User.objects.get()
        assert (group.marketplace, group.uid, group.name, group.org_uid) == (
            "default",
            "cld-7p2k",
            "Pelican Freight",
            "org-9x1",
        )
        assert group.is_active
        assert (user.first_name, user.last_name, user.email) == ("Ines", "Silva", "ines@pelican.example")
        assert not user.has_usable_password()
        assert not user.is_staff
        membership = Membership.objects.get()
        assert (membership.user, membership.group, membership.role, membership.is_admin) == (user, group, "Admin", True)
        assert browser.user == user
        assert [call["name"] for call in heard] == ["linked", "signed on"]
        last = heard[-1]
        assert last["sender"] is User
        assert (last["user"], last["group"], last["membership"]) == (user, group, membership)
        assert (last["user_created"], last["group_created"], last["membership_created"]) == (True, True, True)
        assert last["request"].user == user
        assert last["identity"].group.currency == "AUD"
        assert last["identity"].group.has_credit_card is False
        assert last["identity"].group.free_trial_ends_at is not None
        assert "Ines" not in repr(last["identity"])

    def test_1_2_2_known_group_unknown_user(self, browser: Browser, heard: list[dict[str, Any]]) -> None:
        browser.sign_on()
        other = Browser(browser.idp)
        other.sign_on(mno_uid="usr-2", uid="usr-2", virtual_uid="usr-2.cld-7p2k", email="bo@x.example", name="Bo")
        assert ConnecGroup.objects.count() == 1
        assert set(Membership.objects.values_list("user__first_name", flat=True)) == {"Ines", "Bo"}
        assert (heard[-1]["user_created"], heard[-1]["group_created"]) == (True, False)

    def test_1_3_1_known_user(self, browser: Browser, heard: list[dict[str, Any]]) -> None:
        browser.sign_on()
        first = browser.user
        again = Browser(browser.idp)
        again.sign_on()
        assert again.user == first
        assert User.objects.count() == ConnecIdentity.objects.count() == Membership.objects.count() == 1
        assert not any(heard[-1][f"{what}_created"] for what in ("user", "group", "membership"))

    def test_same_user_from_a_second_company(self, browser: Browser) -> None:
        browser.sign_on()
        first_key = browser.client.session.session_key
        session = browser.client.session
        session["of the first company"] = True
        session.save()
        browser.sign_on(group_uid="cld-second", virtual_uid="usr-4c1.cld-second", group_name="Second")
        assert User.objects.count() == 1
        assert ConnecGroup.objects.count() == Membership.objects.count() == 2
        assert browser.client.session.session_key != first_key
        assert "of the first company" not in browser.client.session
        assert browser.client.session["connec_sso"]["group"] == "cld-second"

    def test_1_4_1_known_email(self, db: None, browser: Browser) -> None:
        local = User.objects.create_user("ines", "Ines@Pelican.example", "a password")
        with override_settings(CONNEC=connec(SSO_LINK_BY_EMAIL=True)):
            browser.sign_on()
        assert browser.user == local
        assert User.objects.count() == 1
        local.refresh_from_db()
        assert local.check_password("a password")

    def test_3_1_1_import_at_the_first_sign_on_of_a_group(self, browser: Browser) -> None:
        response = browser.sign_on()
        group = ConnecGroup.objects.get()
        assert tasks == [("import_group", (group.pk, True))]
        assert response["Location"] == "/maestrano/auth/saml/importing"
        # A second user meanwhile waits too, but starts nothing.
        other = Browser(browser.idp)
        other.sign_on(mno_uid="usr-2", uid="usr-2", virtual_uid="usr-2.cld-7p2k", email="b@x.example")
        assert len(tasks) == 1
        SyncRun.objects.create(group=group, kind=SyncRun.Kind.IMPORT)
        assert Browser(browser.idp).sign_on()["Location"] == "/accounts/profile/"
        assert len(tasks) == 1


def test_import_that_was_never_begun_is_queued_again(browser: Browser, time_machine: Any) -> None:
    import datetime as dt

    browser.sign_on()
    time_machine.move_to(dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5))
    browser.sign_on()
    assert len(tasks) == 2


def test_progress_of_the_first_import(browser: Browser) -> None:
    request = browser.begin(next="/books/")
    browser.post(browser.idp.answer(request))
    group = ConnecGroup.objects.get()
    address = "/maestrano/auth/saml/importing"

    def page(**query: str) -> Any:
        return browser.client.get(address, query, secure=True)

    assert b"about to start" in page().content
    assert b'http-equiv="refresh"' in page().content
    assert page(format="json").json()["state"] == "waiting"
    run = SyncRun.objects.create(group=group, kind=SyncRun.Kind.IMPORT, counts={"people": {"created": 7}})
    assert b"7 records" in page().content
    assert page(format="json").json()["state"] == "running"
    run.state = SyncRun.State.FAILED
    run.save()
    assert b"interrupted" in page().content
    assert b"refresh" not in page().content
    run.state = SyncRun.State.SUCCEEDED
    run.save()
    assert page(format="json").json() | {"total": 0, "resources": 0} == {
        "state": "done",
        "records": 7,
        "resources": 0,
        "total": 0,
        "next": "/books/",
    }
    assert page()["Location"] == "/books/"
    stranger = Browser(browser.idp)
    assert stranger.client.get(address, secure=True)["Location"] == "/maestrano/auth/saml/init"


def test_first_import_really_runs(hub: Any, browser: Browser) -> None:
    from django_connec.tasks import import_group

    settings = connec(CONNEC_HOST=hub.url)
    with override_settings(CONNEC=settings):
        browser.sign_on()
        name, arguments = tasks[0]
        assert name == "import_group"
        import_group(*arguments)
        response = browser.client.get("/maestrano/auth/saml/importing", secure=True)
    assert response.status_code == 302
    assert SyncRun.objects.filter(kind="import", state="succeeded").exists()


def test_cancelled_group_comes_back(browser: Browser, heard: list[dict[str, Any]]) -> None:
    browser.sign_on()
    group = ConnecGroup.objects.get()
    SyncRun.objects.create(group=group, kind=SyncRun.Kind.IMPORT, state="succeeded")
    group.unlink()
    group.stop("401")
    browser.sign_on()
    group.refresh_from_db()
    assert group.is_active
    assert group.stopped_at is None
    assert [call["name"] for call in heard] == ["linked", "signed on", "linked", "signed on"]
    assert heard[2]["created"] is False
    assert len(tasks) == 2, "and its records are read again"
    browser.sign_on(group_uid="cld-new", virtual_uid="usr-4c1.cld-new")
    assert ConnecGroup.objects.count() == 2, "a new id is a new group"


def test_details_and_role_follow_the_hub(browser: Browser) -> None:
    browser.sign_on()
    browser.sign_on(name="Inês", email="new@pelican.example", group_role="Member", group_name="Pelican Ltd", surname="")
    user = User.objects.get()
    assert (user.first_name, user.last_name, user.email) == ("Inês", "Silva", "new@pelican.example")
    assert Membership.objects.get().role == "Member"
    assert ConnecGroup.objects.get().name == "Pelican Ltd"


def test_tolerant_of_missing_and_bad_details(browser: Browser) -> None:
    response = browser.sign_on(
        mno_session_recheck="soon",
        group_end_free_trial=None,
        group_has_credit_card="perhaps",
        name="x" * 400,
        surname=None,
        email=None,
        group_role=None,
        uid=None,
    )
    assert response.status_code == 302
    user = User.objects.get()
    assert len(user.first_name) == 150
    assert browser.client.session["connec_sso"]["recheck_at"]


class TestVirtualMode:
    """One user for each group."""

    @pytest.fixture(autouse=True)
    def _virtual(self, browser: Browser) -> Iterator[None]:
        with override_settings(CONNEC=connec(SSO_CREATION_MODE="virtual", SSO_LINK_BY_EMAIL=True)):
            yield

    def test_user_for_each_group(self, browser: Browser) -> None:
        browser.sign_on()
        browser.sign_on(group_uid="cld-second", virtual_uid="usr-4c1.cld-second", virtual_email="v2@mail.hub.example")
        assert set(ConnecIdentity.objects.values_list("uid", flat=True)) == {"usr-4c1.cld-7p2k", "usr-4c1.cld-second"}
        assert User.objects.count() == 2
        assert set(User.objects.values_list("email", flat=True)) == {
            "usr-4c1.cld-7p2k@mail.hub.example",
            "v2@mail.hub.example",
        }
        assert browser.client.session["connec_sso"]["user"] == "usr-4c1", "the hub is asked about the real one"

    def test_missing_and_foreign_virtual_ids(self, browser: Browser) -> None:
        assert browser.sign_on(virtual_uid=None).status_code == 302
        assert ConnecIdentity.objects.get().uid == "usr-4c1.cld-7p2k"
        assert browser.sign_on(virtual_uid="usr-4c1.cld-other").status_code == 403
        assert browser.sign_on(virtual_uid="usr-9.cld-7p2k").status_code == 403

    def test_virtual_addresses_link_nobody(self, browser: Browser) -> None:
        User.objects.create_user("x", "usr-4c1.cld-7p2k@mail.hub.example")
        browser.sign_on()
        assert User.objects.count() == 2

    def test_masking(self, browser: Browser) -> None:
        from django_connec.conf import get_marketplace

        place = get_marketplace("default")
        assert mask_user(place, "usr-1", "cld-2") == mask_user(place, "usr-1.cld-2", "cld-2") == "usr-1.cld-2"
        assert unmask_user("usr-1.cld-2") == unmask_user("usr-1") == "usr-1"


class TestNobodyIsTakenOver:
    def test_email_links_nobody_by_default(self, browser: Browser) -> None:
        local = User.objects.create_user("ines", "ines@pelican.example", "x")
        browser.sign_on()
        assert browser.user != local

    @pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
    def test_email_of_an_administrator(self, browser: Browser, right: str) -> None:
        local = User.objects.create_user("root", "ines@pelican.example", "x", **{right: True})
        with override_settings(CONNEC=connec(SSO_LINK_BY_EMAIL=True)):
            browser.sign_on()
        assert browser.user != local

    def test_email_of_several_or_of_another_user_of_the_hub(self, browser: Browser) -> None:
        with override_settings(CONNEC=connec(SSO_LINK_BY_EMAIL=True)):
            browser.sign_on()
            other = Browser(browser.idp)
            other.sign_on(mno_uid="usr-2", uid="usr-2")
            assert other.user != browser.user
            third = Browser(browser.idp)
            third.sign_on(mno_uid="usr-3", uid="usr-3")
            assert User.objects.count() == 3

    def test_login_name_of_a_local_user(self, browser: Browser) -> None:
        local = User.objects.create_superuser("usr-4c1", "root@x.example", "x")
        browser.sign_on()
        assert browser.user != local
        assert browser.user.username == "usr-4c1@default"

    def test_same_ids_in_two_marketplaces(self, browser: Browser) -> None:
        settings = connec()
        settings["MARKETPLACES"]["second"] = settings["MARKETPLACES"]["default"]
        with override_settings(CONNEC=settings):
            browser.sign_on()
            first = browser.user
            request = browser.begin("/maestrano/auth/saml/init/second")
            browser.post(browser.idp.answer(request), "/maestrano/auth/saml/consume/second")
            assert browser.user != first
        assert ConnecGroup.objects.count() == 2

    def test_inactive_user(self, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
        browser.sign_on()
        User.objects.update(is_active=False)
        other = Browser(browser.idp)
        assert other.sign_on().status_code == 403
        assert "refused: user (" in caplog.text

    def test_ids_that_differ_in_case(self, browser: Browser) -> None:
        browser.sign_on()
        other = Browser(browser.idp)
        other.sign_on(mno_uid="USR-4C1", uid="USR-4C1")
        assert not other.is_signed_on or other.user != browser.user

    def test_backend_alone_logs_nobody_in(self, browser: Browser) -> None:
        from django.contrib.auth import authenticate

        browser.sign_on()
        with override_settings(AUTHENTICATION_BACKENDS=["django_connec.sso.backends.ConnecBackend"]):
            assert authenticate(None, username="usr-4c1", password="") is None
            assert authenticate(None, username="usr-4c1") is None


def test_session_key_is_rotated(browser: Browser) -> None:
    browser.client.get("/admin/login/", secure=True)
    session = browser.client.session
    session["kept"] = 1
    session.save()
    keys = {session.session_key}
    for _ in range(3):
        browser.sign_on()
        keys.add(browser.client.session.session_key)
    assert len(keys) == 4


def test_receiver_that_raises_harms_nobody(browser: Browser) -> None:
    def broken(**kwargs: Any) -> None:
        raise RuntimeError("host")

    user_authenticated.connect(broken)
    try:
        assert browser.sign_on().status_code == 302
    finally:
        user_authenticated.disconnect(broken)


def test_host_that_fails_is_no_500(browser: Browser, caplog: pytest.LogCaptureFixture, monkeypatch: Any) -> None:
    def broken(self: Any, identity: Any) -> None:
        raise RuntimeError(f"cannot make {identity.user.email}")

    monkeypatch.setattr("django_connec.sso.backends.ConnecBackend.create_user", broken)
    assert browser.sign_on().status_code == 403
    assert "sign-on failed with RuntimeError" in caplog.text
    assert "ines@" not in caplog.text


def test_two_first_sign_ons_at_once(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process wrote its rows between our look and our insert."""
    browser.sign_on()
    real, missed = QuerySet.first, []

    def first(self: Any) -> Any:
        if self.model in (ConnecGroup, ConnecIdentity) and self.model not in missed:
            missed.append(self.model)
            return None
        return real(self)

    monkeypatch.setattr(QuerySet, "first", first)
    other = Browser(browser.idp)
    assert other.sign_on().status_code == 302
    assert missed == [ConnecGroup, ConnecIdentity]
    assert other.user == browser.user
    assert ConnecGroup.objects.count() == User.objects.count() == Membership.objects.count() == 1


def test_csrf_protects_the_logout_and_not_the_answer(browser: Browser, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csrf.CsrfViewMiddleware"]
    strict = Browser(browser.idp, Client(SERVER_NAME="books.example", enforce_csrf_checks=True))
    assert strict.sign_on().status_code == 302
    assert strict.client.post("/maestrano/auth/saml/logout", secure=True).status_code == 403
    assert strict.is_signed_on


def test_spent_ids_outlive_a_rolled_back_request() -> None:
    assert consume._non_atomic_requests, "with ATOMIC_REQUESTS a failure would give the request its id back"


CUSTOM = {
    "their/__init__.py": "",
    "their/models.py": """
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

class Person(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=__import__("uuid").uuid4)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=40)
    is_active = models.BooleanField(default=True)
    objects = BaseUserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
""",
    "their_settings.py": """
from tests.settings import *
INSTALLED_APPS = [*INSTALLED_APPS, "their"]
AUTH_USER_MODEL = "their.Person"
AUTHENTICATION_BACKENDS = ["django_connec.sso.backends.ConnecBackend"]
ROOT_URLCONF = "their_urls"
MIGRATION_MODULES = {"their": None}
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
""",
    "their_urls.py": """
from django.urls import include, path
urlpatterns = [path("maestrano/", include("django_connec.urls"))]
""",
    "run.py": """
import django
django.setup()
from django.core.management import call_command
from django.test.utils import setup_test_environment
setup_test_environment()
call_command("migrate", verbosity=0, run_syncdb=True)
from their.models import Person
from django_connec.models import Membership
from django.conf import settings
from tests.sso.conftest import Browser
from tests.sso.places import connec
from tests.sso.idp import Idp, key_pair

settings.CONNEC = connec()
browser = Browser(Idp(key_pair("idp")))
assert browser.sign_on().status_code == 302
person = Person.objects.get()
assert (person.email, person.name) == ("ines@pelican.example", "Ines Silva"), person.__dict__
assert not person.has_usable_password()
assert Membership.objects.get().user == person
assert browser.client.session["_auth_user_id"] == str(person.pk)
# A local user with that address is not taken over, and nothing fails.
Person.objects.create(email="local@x.example", name="Local")
assert Browser(browser.idp).sign_on(mno_uid="usr-2", uid="usr-2", email="local@x.example").status_code == 403
assert Browser(browser.idp).sign_on(mno_uid="usr-3", uid="usr-3", email="").status_code == 403
# An address that somebody else has is not taken over by a change at the hub either.
assert Browser(browser.idp).sign_on(email="local@x.example", name="Ana").status_code == 302
person.refresh_from_db()
assert person.email == "ines@pelican.example"
print("done", Person.objects.count())
""",
}


def test_custom_user_model(tmp_path: Path) -> None:
    for name, content in CUSTOM.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "their_settings",
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "run.py"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.stdout.strip() == "done 2", done.stdout + done.stderr
