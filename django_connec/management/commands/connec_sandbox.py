from __future__ import annotations

import ipaddress
import json
import signal
import sqlite3
import threading
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from django_connec.sandbox import AnswerStyle, Behaviour, SandboxHub
from django_connec.sandbox.seeds import sizes


def _size(text: str) -> Any:
    """Read how much to fill in."""
    size = int(text) if text.isascii() and text.isdigit() else text
    try:
        sizes(size)  # type: ignore[arg-type]  # what is none is refused there
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return size


def is_loopback(url: str) -> bool:
    """Tell whether an address is certainly one of this machine."""
    # URL readers disagree about what stands before the host here; no webhook needs it.
    if any(character in "\\@" or character.isspace() for character in url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


class Command(BaseCommand):
    help = "Serve a Connec! hub and its marketplace on 127.0.0.1, with a database file of its own, until interrupted."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8765, help="Port on 127.0.0.1; 0 for any free one.")
        parser.add_argument("--database", default="connec-sandbox.sqlite3", help="The hub's own SQLite file.")
        parser.add_argument("--memory", action="store_true", help="Keep nothing.")
        parser.add_argument("--config", help="JSON file with applications and groups; see the documentation.")
        parser.add_argument("--api-id", help="Register one application…")
        parser.add_argument("--api-key", default="", help="…with this key,")
        parser.add_argument("--group", help="…this group,")
        parser.add_argument("--org", default="org-1", help="…of this organisation,")
        parser.add_argument("--webhook", help="…notified at this address (by default at the host's usual one),")
        parser.add_argument("--app-host", default="", help="…which serves people there, as http://127.0.0.1:8000,")
        parser.add_argument("--marketplace", default="default", help="…under this name in its paths,")
        parser.add_argument("--env-key", default="", help="…and fetches its configuration with this name")
        parser.add_argument("--env-secret", default="", help="…and this password.")
        parser.add_argument("--user", metavar="EMAIL", help="A user, who is Admin of the group.")
        parser.add_argument("--sso-algorithm", choices=("sha256", "sha1"), default="sha256", help="Of signatures.")
        parser.add_argument("--sso-issuer", help="Issuer of answers; by default the address of each sign-on.")
        parser.add_argument("--sso-audience", help="Audience of answers; by default the origin of the consume URL.")
        parser.add_argument(
            "--seed",
            type=_size,
            help="Fill the organisations of all groups with invented records: small, large, or how many.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        config = self._config(options)
        try:
            style = AnswerStyle(options["sso_algorithm"], options["sso_issuer"], options["sso_audience"])
            hub = SandboxHub(":memory:" if options["memory"] else options["database"], sso=style)
        except sqlite3.Error:
            raise CommandError(_("The database file cannot be opened."), returncode=2) from None
        try:
            self._set_up(hub, config)
            if options["seed"] is not None:
                self._seed(hub, options["seed"])
            stopped = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_args: stopped.set())
            try:
                with hub.serve(options["port"]) as url:
                    self.stdout.write(_("The sandbox hub listens at %(url)s") % {"url": url})
                    self.stdout.flush()
                    stopped.wait()
            except (OSError, OverflowError):
                raise CommandError(_("The port cannot be opened."), returncode=2) from None
        finally:
            hub.close()

    def _set_up(self, hub: SandboxHub, config: dict[str, Any]) -> None:
        try:
            for entry in config.get("applications", []):
                if not all(is_loopback(url) for url in (entry.get("webhook_url"), entry.get("host")) if url):
                    raise CommandError(_("The sandbox notifies addresses of this machine only."), returncode=2)
                hub.add_application(**entry)
            for entry in config.get("groups", []):
                hub.add_group(**entry)
            for entry in config.get("users", []):
                hub.add_user(**entry)
            hub.behaviour = Behaviour(**config.get("behaviour", {}))
        except (AttributeError, LookupError, TypeError, ValueError, sqlite3.Error):
            raise CommandError(
                _("The configuration must list applications, groups, users and behaviour as the documentation says."),
                returncode=2,
            ) from None
        # The file may have been made elsewhere.
        registered = hub.store.applications()
        urls = [a.webhook_url for a in registered] + [hub.accounts.registration(a.api_id).host for a in registered]
        if not all(is_loopback(url) for url in urls if url):
            raise CommandError(_("The sandbox notifies addresses of this machine only."), returncode=2)

    def _seed(self, hub: SandboxHub, size: Any) -> None:
        orgs = sorted({group.org for group in hub.store.groups() if not group.revoked})
        if not orgs:
            raise CommandError(_("There is no group whose organisation could be filled."), returncode=2)
        for org in orgs:
            count = sum(hub.seed(org, size).values())
            self.stdout.write(_("%(count)s records in %(org)s") % {"count": count, "org": org})

    def _config(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["config"]:
            try:
                content = json.loads(Path(options["config"]).read_text())
            except (OSError, ValueError) as error:
                raise CommandError(
                    _("The configuration cannot be read: %(kind)s") % {"kind": type(error).__name__}, returncode=2
                ) from None
            if not isinstance(content, dict):
                raise CommandError(_("The configuration must be a JSON object."), returncode=2)
            return content
        if not options["api_id"]:
            return {}
        application = {
            "api_id": options["api_id"],
            "api_key": options["api_key"],
            "webhook_url": options["webhook"],
            "host": options["app_host"],
            **{name: options[name] for name in ("marketplace", "env_key", "env_secret")},
        }
        groups, users = [], []
        if options["group"]:
            groups.append({"uid": options["group"], "api_id": options["api_id"], "org": options["org"]})
        if options["user"]:
            name = options["user"].partition("@")[0]
            roles = {group["uid"]: "Admin" for group in groups}
            users.append({"uid": "usr-1", "name": name, "email": options["user"], "groups": roles})
        return {"applications": [application], "groups": groups, "users": users}
