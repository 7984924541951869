"""The command, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from django_connec.management.commands.connec_sandbox import is_loopback
from tests.sandbox.helpers import APP, GROUP, KEY, Api
from tests.sandbox.sso import authn_request, opened, packed, said

ROOT = Path(__file__).parents[2]
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONDONTWRITEBYTECODE": "1", "LANGUAGE": "en"}
ONE = ["--api-id", APP, "--api-key", KEY, "--group", GROUP]


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "django", "connec_sandbox", "--port", "0", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=os.environ | SETTINGS, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@contextlib.contextmanager
def served(*arguments, stop=signal.SIGTERM):
    process = start(*arguments)
    try:
        line = process.stdout.readline()
        while " records in " in line:
            line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line + process.stderr.read()
        yield found[0]
        process.send_signal(stop)
        output, errors = process.communicate(timeout=20)
        assert process.returncode == 0
        assert (output, errors) == ("", "")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_it_serves_until_it_is_told_to_stop():
    with served("--memory", *ONE) as url:
        api = Api(url)
        assert api.post("items", name="Bolt").json()["items"]["channel_id"] == "org-1"
        assert requests.get(f"{url}/_sandbox/log", timeout=10).json()["calls"][0]["status"] == 201
        # The connection is still open when it stops.


def test_its_file_outlives_it(tmp_path, receiver):
    file = str(tmp_path / "hub.sqlite3")
    told = receiver()
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps(
            {
                "applications": [
                    {"api_id": APP, "api_key": KEY},
                    {"api_id": "b", "api_key": "k", "webhook_url": told.url, "resources": ["items"], "echo": True},
                ],
                "groups": [
                    {"uid": GROUP, "api_id": APP, "org": "org-1"},
                    {"uid": "cld-b", "api_id": "b", "org": "org-1"},
                ],
            }
        )
    )
    with served("--database", file, "--config", str(config), stop=signal.SIGINT) as url:
        Api(url).post("items", name="Bolt")
        assert requests.post(f"{url}/_sandbox/flush", timeout=20).json() == {"done": True}
        assert told.records("items")[0]["group_id"] == "cld-b"
    with served("--database", file) as url:
        assert Api(url).names() == ["Bolt"]


def test_it_fills_a_group_and_behaves_as_configured(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps(
            {
                "applications": [{"api_id": APP, "api_key": KEY}],
                "groups": [{"uid": GROUP, "api_id": APP, "org": "org-1"}],
                "behaviour": {"page_cap": 7},
            }
        )
    )
    with served("--memory", "--config", str(config), "--seed", "60") as url:
        assert len(Api(url).get("invoices").json()["invoices"]) == 7


def refused(*arguments):
    process = start(*arguments)
    output, errors = process.communicate(timeout=20)
    assert "Traceback" not in errors
    assert output == ""
    assert process.returncode == 2, errors
    return errors


def test_it_notifies_this_machine_only():
    assert "this machine" in refused("--memory", *ONE, "--webhook", "http://books.example/notifications")


@pytest.mark.parametrize(
    "content",
    [
        '{"behaviour": {"unknown": 1}}',
        '{"behaviour": {"page_cap": "7"}}',
        "{",
        "[]",
        '{"applications": [1]}',
        '{"applications": [{"api_id": "a"}]}',
        '{"groups": {"a": 1}}',
    ],
)
def test_bad_configuration(tmp_path, content):
    config = tmp_path / "config.json"
    config.write_text(content)
    refused("--memory", "--config", str(config))


@pytest.mark.parametrize("size", ["huge", "3", "-5", "²", "99999999"])
def test_sizes_that_are_none(size):
    refused("--memory", *ONE, "--seed", size)


def test_nobody_to_fill():
    assert "no group" in refused("--memory", "--seed", "small")


def test_what_it_cannot_open(tmp_path):
    refused("--memory", "--config", str(tmp_path / "none.json"))
    refused("--database", str(tmp_path / "none" / "hub.sqlite3"))
    (tmp_path / "text").write_text("no database, but long enough to be looked at: " * 50)
    refused("--database", str(tmp_path / "text"))
    with served("--memory") as url:
        refused("--memory", "--port", url.rpartition(":")[2])


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "https://localhost:8000/", "http://[::1]:8/", "http://127.9.9.9/", "http://LOCALHOST"]
)
def test_addresses_of_this_machine(url):
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1",
        "http://",
        "http:///x",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://books.example/",
        "http://127.0.0.1.books.example/",
        "http://localhost.books.example/",
        "http://127.0.0.1@books.example/",
        "http://books.example\\@127.0.0.1/",
        "http://books.example @127.0.0.1/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://2130706433/",
        "http://[::1/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
def test_addresses_elsewhere(url):
    assert not is_loopback(url)


def test_one_command_makes_a_marketplace(tmp_path):
    people = ["--app-host", "http://127.0.0.1:9/", "--marketplace", "eu", "--user", "ines@pelican.example"]
    answers = ["--env-key", "env", "--env-secret", "s", "--sso-algorithm", "sha1", "--sso-audience", "somebody"]
    with served("--memory", *ONE, *people, *answers) as url:
        page = requests.get(url, timeout=10).text
        assert f"http://127.0.0.1:9/maestrano/auth/saml/init/eu?group_id={GROUP}" in page
        answer = requests.get(
            f"{url}/api/v1/auth/saml",
            params={"SAMLRequest": packed(authn_request(APP)), "user_uid": "usr-1"},
            timeout=20,
        )
        (encoded,) = re.findall(r'name="SAMLResponse" value="([^"]*)"', answer.text)
        document = opened({"SAMLResponse": encoded})
        assert said(document)["email"] == "ines@pelican.example"
        assert said(document)["group_role"] == "Admin"
        assert document.findtext(".//{*}Audience") == "somebody"
        assert document.find(".//{*}SignatureMethod").get("Algorithm").endswith("rsa-sha1")
        (entry,) = requests.get(f"{url}/api/config/v1/marketplaces", auth=("env", "s"), timeout=10).json()[
            "marketplaces"
        ]
        assert (entry["marketplace"], entry["api"]["key"]) == ("eu", KEY)


def test_users_of_a_file(tmp_path):
    config = tmp_path / "config.json"
    content = {
        "applications": [{"api_id": APP, "api_key": KEY, "host": "http://127.0.0.1:9"}],
        "groups": [{"uid": GROUP, "api_id": APP, "org": "org-1", "city": "Porto"}],
        "users": [{"uid": "usr-7", "name": "Ines", "groups": {GROUP: "Super Admin"}}],
    }
    config.write_text(json.dumps(content))
    with served("--memory", "--config", str(config)) as url:
        users = requests.get(f"{url}/api/v1/account/users", auth=(APP, KEY), timeout=10).json()["data"]
        assert [user["id"] for user in users] == ["usr-7"]
        groups = requests.get(f"{url}/api/v1/account/groups", auth=(APP, KEY), timeout=10).json()["data"]
        assert [group["city"] for group in groups] == ["Porto"]
    for wrong in ({"groups": {"cld-none": "Member"}}, {"groups": {GROUP: "King"}}, {"shoe_size": 44}):
        config.write_text(json.dumps(content | {"users": [wrong]}))
        refused("--memory", "--config", str(config))


def test_people_are_sent_to_this_machine_only():
    assert "this machine" in refused("--memory", *ONE, "--app-host", "http://books.example")
