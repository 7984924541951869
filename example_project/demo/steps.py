"""What happens, in order, and what is said about it."""

from __future__ import annotations

import secrets
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from example_project import payloads

from .admin import Admin
from .processes import DemoError, Processes
from .stage import USER_NAME, Application, is_up, set_stage
from .visitor import Visitor

READY, SEEN = 60.0, 30.0
USER = "demo"


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def indent(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())


def path_of(url: str) -> str:
    return urlsplit(url).path


def queue_of(app: Application) -> str:
    return f"the queue of {app.settings}"


class Demonstration:
    """Runs the steps on a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.hub, self.books, self.desk = set_stage(directory)
        self.both = (self.books, self.desk)
        self.password = secrets.token_urlsafe(9)
        self.processes = Processes(
            directory,
            {
                app.settings: {
                    "CONNEC_HOST": self.hub.url,
                    "CONNEC_APP_HOST": app.url,
                    "CONNEC_CERTIFICATE": self.hub.certificate,
                    "CONNEC_API_ID": app.api_id,
                    "CONNEC_API_KEY": app.api_key,
                    "DJANGO_SUPERUSER_PASSWORD": self.password,
                }
                for app in self.both
            },
        )
        self._number = 0
        # Ines Okafor, whom both applications will know.
        self.person = payloads.hub_id("people", 0)

    def run(self) -> None:
        self.create_databases()
        self.start()
        self.fill_the_hub()
        self.sign_on()
        self.edit_in_books()
        self.edit_in_desk()
        self.show_status()
        self.cancel()

    # The steps ------------------------------------------------------------------------------------------

    def create_databases(self) -> None:
        self.title("Two applications, each with a database of its own")
        say("   Pelican Books (invoicing) and Otter Desk (a helpdesk) both keep people and organisations,")
        say("   in models of different shape: example_project/books and example_project/desk.")
        self.manage("migrate", "--verbosity", "0")
        self.manage("createsuperuser", "--noinput", "--username", USER, "--email", "demo@pelican.example")

    def start(self) -> None:
        self.title("A local hub and the two applications start")
        self.processes.start(
            "the hub",
            "books",
            "connec_sandbox",
            "--port",
            str(self.hub.port),
            "--database",
            str(self.directory / "hub.sqlite3"),
            "--config",
            str(self.directory / "hub.json"),
        )
        for app in self.both:
            # --insecure: the development server also hands out the admin's style sheets while DEBUG is off.
            self.processes.start(
                f"the web server of {app.settings}",
                app.settings,
                "runserver",
                "--noreload",
                "--insecure",
                f"127.0.0.1:{app.port}",
            )
        self.processes.wait_for("the hub answers", lambda: is_up(f"{self.hub.url}/_sandbox/log"), READY)
        say(f"   the hub        {self.hub.url}")
        for app in self.both:
            self.processes.wait_for(f"{app.title} answers", lambda app=app: is_up(f"{app.url}/"), READY)
            say(f"   {app.title:<14} {app.url}")
        self.start_queue(self.desk)
        say("   Otter Desk's queue (django-q2) runs; that of Pelican Books is left down for now.")

    def fill_the_hub(self) -> None:
        self.title("The hub already holds this customer's data")
        say("   Invented, with the oddities of real records: see example_project/payloads.py.")
        counts = {resource: self.hub.load(resource, records) for resource, records in payloads.everything().items()}
        say("   " + ", ".join(f"{count} {resource}" for resource, count in counts.items()))

    def sign_on(self) -> None:
        self.title("The customer opens both applications in the marketplace")
        self.manage("connec_schedule")
        known = len(payloads.people())
        for app in self.both:
            visitor = Visitor()
            visitor.open(self.hub.url)
            visitor.follow(f"//*[@id='tile-{app.group}']//a[contains(@class, 'primary')]")
            say(f"   {app.title}: tile -> " + " -> ".join(map(path_of, visitor.path)))
            if not visitor.has("//form[@id='answer']"):
                visitor.follow(f"//main//a[contains(., '{USER_NAME}')]")
            visitor.submit("//form[@id='answer']")
            say(f"      {USER_NAME} -> signed answer -> " + " -> ".join(map(path_of, visitor.path)))
            importing = visitor.url
            self.expect("the page after sign-on", path_of(importing), "/maestrano/auth/saml/importing")
            say(f'      "{visitor.text()}"')
            if app is self.books:
                self.start_queue(app)

            def arrived(visitor: Visitor = visitor, importing: str = importing) -> bool:
                visitor.open(importing)
                return path_of(visitor.url) == "/home/"

            started = time.monotonic()
            self.processes.wait_for(f"{app.title} has imported", arrived, READY)
            say(f"      {time.monotonic() - started:.1f} s later -> /home/")
            self.expect(f"people in {app.title}", len(app.rows(self.directory)), known)
            self.expect(f"{known} people on the page", f"{known} " in visitor.text(), True)
        say("   No command was run: sign-on has made the company, linked the group and started the import.")
        say()
        self.show_both()

    def edit_in_books(self) -> None:
        self.title("Somebody changes a row in the admin of Pelican Books, while its queue is down")
        self.processes.end(queue_of(self.books))
        admin, row = Admin(self.books.url, USER, self.password), self.row(self.books)
        new = {"last_name": "Okafor-Brandt", "phone": "07 5550 4242"}
        say(f'   {row["first"]}: last name "{row["last"]}" -> "{new["last_name"]}", phone -> "{new["phone"]}"')
        before = self.hub.log()
        admin.change("books/person", row["id"], **new)
        row = self.row(self.books)
        standing = admin.standing("books/person", row["email"])
        say(f"   saved; marked in the same UPDATE: connec_changed_at = {row['changed']}")
        say(f'   the admin\'s list says: "{standing}"')
        self.expect("what the list says", standing, "waiting to be sent")
        say("   Nothing runs that could send it. Nothing is lost either: now the queue starts again.")
        started = time.monotonic()
        self.start_queue(self.books)
        self.wait_until_seen(self.desk, new["last_name"], new["phone"])
        say(f"   {time.monotonic() - started:.1f} s later, queue's start included, it is in Otter Desk:")
        self.show_traffic(before)
        self.show_both()

    def edit_in_desk(self) -> None:
        self.title("And back: somebody changes it in the admin of Otter Desk")
        admin, row = Admin(self.desk.url, USER, self.password), self.row(self.desk)
        new = {"family_name": "Okafor", "phone": "07 5551 0000"}
        say(f'   {row["first"]}: family name "{row["last"]}" -> "{new["family_name"]}", phone -> "{new["phone"]}"')
        before, started = self.hub.log(), time.monotonic()
        admin.change("desk/contact", row["id"], **new)
        self.wait_until_seen(self.books, new["family_name"], new["phone"])
        say(f"   {time.monotonic() - started:.1f} s later it is in Pelican Books:")
        self.show_traffic(before)
        self.show_both()

    def show_status(self) -> None:
        self.title("manage.py connec_status: is anything waiting or lost?")
        for output in self.manage("connec_status", group=True):
            say(indent(output))
            self.expect("connec_status", ", in step" in output, True)
        values = [
            {
                id: (row["first"], row["last"], row["email"], row["phone"])
                for id, row in app.rows(self.directory).items()
            }
            for app in self.both
        ]
        self.expect("the people of both applications are equal", values[0] == values[1], True)
        say(f"   All {len(values[0])} people are the same in both applications.")

    def cancel(self) -> None:
        self.title("The customer cancels Pelican Books in the marketplace")
        visitor = Visitor()
        visitor.open(self.hub.url)
        visitor.submit(f"//*[@id='tile-{self.books.group}']//form[contains(@action, 'cancel')]")
        say("   hub -> DELETE /maestrano/account/groups/…: the account webhook")
        before = self.hub.log()
        admin, row = Admin(self.books.url, USER, self.password), self.row(self.books)
        admin.change("books/person", row["id"], phone="07 5552 9999")
        (output,) = self.processes.run((self.books.settings, ["connec_drain"]))
        say(indent(output or "manage.py connec_drain has nothing to do"))
        self.expect("the row here", self.row(self.books)["phone"], "07 5552 9999")
        calls = [call for call in self.hub.log()["calls"][len(before["calls"]) :] if self.books.group in call["path"]]
        self.expect("calls of Pelican Books after it was cancelled", calls, [])
        self.expect("the row in Otter Desk", self.row(self.desk)["phone"], row["phone"])
        say("   A row is changed in Pelican Books, and a drain is run: nothing is sent any more. The rows stay.")

    def stay(self) -> None:
        """Keep everything up until it is interrupted."""
        say()
        say(f"The marketplace: {self.hub.url}/ (open Otter Desk, or let the customer subscribe to Pelican Books again)")
        say("All of it keeps running. Change a row in one admin and look at it in the other:")
        for app in self.both:
            say(f"   {app.title:<14} {app.url}/admin/{app.model}/")
        say(f"   user {USER}, password {self.password}")
        say("Ctrl-C ends it and removes its files.")
        never = threading.Event()
        while not never.wait(1):
            self.processes.check()

    # What they are made of ------------------------------------------------------------------------------

    def title(self, text: str) -> None:
        self._number += 1
        say()
        say(f"{self._number}. {text}")

    def manage(self, *arguments: str, group: bool = False) -> list[str]:
        """Run a command in both applications, side by side."""
        return self.processes.run(
            *((app.settings, [*arguments, *(["--group", app.group] if group else [])]) for app in self.both)
        )

    def start_queue(self, app: Application) -> None:
        self.processes.start(queue_of(app), app.settings, "qcluster")

    def row(self, app: Application) -> dict[str, Any]:
        return app.rows(self.directory)[self.person]

    def wait_until_seen(self, app: Application, last: str, phone: str) -> None:
        def look() -> bool:
            row = self.row(app)
            return (row["last"], row["phone"]) == (last, phone)

        self.processes.wait_for(f"{app.title} shows {last}, {phone}", look, SEEN)

    def show_both(self) -> None:
        for app in self.both:
            row = self.row(app)
            say(f"   {app.title:<14} {row['first']} {row['last']}, {row['email']}, {row['phone']}")

    def show_traffic(self, before: dict[str, list[dict[str, Any]]]) -> None:

        def look() -> dict[str, list[dict[str, Any]]] | None:
            log = self.hub.log()
            return log if len(log["deliveries"]) > len(before["deliveries"]) else None

        now = self.processes.wait_for("the hub's log shows a delivery", look, SEEN)
        for call in now["calls"][len(before["calls"]) :]:
            say(f"   hub <- {call['method']} {call['path']}  {call['status']}, {call['milliseconds']:.0f} ms")
        for delivery in now["deliveries"][len(before["deliveries"]) :]:
            say(
                f"   hub -> notified {delivery['api_id']}: {delivery['records']} record(s), answer "
                f"{delivery['status']}, {delivery['milliseconds']:.0f} ms"
            )

    @staticmethod
    def expect(what: str, found: object, wanted: object) -> None:
        if found != wanted:
            raise DemoError(f"{what}: {found!r} instead of {wanted!r}")
