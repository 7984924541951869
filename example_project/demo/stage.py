"""Who takes part: two applications and the hub between them."""

from __future__ import annotations

import json
import secrets
import socket
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from django_connec.sandbox import SandboxHub

ORG = "org-demo"
USER_UID, USER_NAME = "usr-ines", "Ines"
NAME = "Pelican Freight"


@dataclass(frozen=True, slots=True)
class Application:
    """One of the two applications.

    Attributes:
        settings: Its settings module and its database file.
        title: What people call it.
        group: The customer's id in it.
        model: Its people, as in the admin's addresses.
        people: Query for its people: hub id, own id, first name, last name, email, phone, change mark.
    """

    settings: str
    title: str
    group: str
    model: str
    people: str
    port: int
    api_key: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def api_id(self) -> str:
        return f"app-{self.settings}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rows(self, directory: Path) -> dict[str, dict[str, Any]]:
        """Read its people by hub id, straight from its database file."""
        uri = f"{(directory / self.settings).as_uri()}.sqlite3?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=20)) as database:
            database.row_factory = sqlite3.Row
            return {row["hub_id"]: dict(row) for row in database.execute(self.people)}


@dataclass(frozen=True, slots=True)
class Hub:
    """The sandbox hub, by its own controls."""

    port: int
    certificate: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def load(self, resource: str, records: list[dict[str, Any]]) -> int:
        """Put records in, notifying nobody."""
        content = {"org": ORG, "resource": resource, "records": records}
        return int(self._call("POST", "load", content)["loaded"])

    def log(self) -> dict[str, list[dict[str, Any]]]:
        """Return what was asked of the hub, and what it delivered."""
        return self._call("GET", "log")

    def _call(self, method: str, name: str, content: Any = None) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, f"{self.url}/_sandbox/{name}", json=content, timeout=20)
            answer.raise_for_status()
            return dict(answer.json())


def is_up(url: str) -> bool:
    """Tell whether somebody answers 200 there."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=5).status_code == 200
        except requests.RequestException:
            return False


def set_stage(directory: Path) -> tuple[Hub, Application, Application]:
    """Choose free ports and keys, and write the hub's configuration."""
    hub_port, books_port, desk_port = _free_ports(3)
    books = Application(
        "books",
        "Pelican Books",
        "cld-books",
        "books/person",
        "SELECT connec_id AS hub_id, id, first_name AS first, last_name AS last, email, phone, "
        "connec_changed_at AS changed FROM books_person",
        books_port,
    )
    desk = Application(
        "desk",
        "Otter Desk",
        "cld-desk",
        "desk/contact",
        "SELECT connec_id AS hub_id, id, given_name AS first, family_name AS last, mail AS email, phone, "
        "connec_changed_at AS changed FROM desk_contact",
        desk_port,
    )
    config = {
        "applications": [
            {
                "api_id": app.api_id,
                "api_key": app.api_key,
                "name": app.title,
                "host": app.url,
            }
            for app in (books, desk)
        ],
        "groups": [{"uid": app.group, "api_id": app.api_id, "org": ORG, "name": NAME} for app in (books, desk)],
        "users": [
            {
                "uid": USER_UID,
                "name": USER_NAME,
                "surname": "Okafor",
                "email": "ines@pelican.example",
                "groups": {app.group: "Admin" for app in (books, desk)},
            }
        ],
    }
    (directory / "hub.json").write_text(json.dumps(config))
    # The identity provider's key is made with the hub's file, and kept in it.
    with SandboxHub(str(directory / "hub.sqlite3")) as hub:
        certificate = hub.idp.certificate
    return Hub(hub_port, certificate), books, desk


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        # All are held until all are known, or the same could be given twice.
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]
