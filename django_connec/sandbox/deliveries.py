"""One notification on its way: the call itself, and what the log keeps of it."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field

import requests

from django_connec.sandbox.store import Application

__all__ = ["Delivery", "Try", "post"]

#: Characters of an application's answer that the log keeps.
ANSWER_KEPT = 200


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt of a delivery.

    Attributes:
        status: HTTP status; 0 where nobody answered.
        milliseconds: How long it took.
        answer: The beginning of what the application said.
    """

    status: int
    milliseconds: float
    answer: str = ""


@dataclass(slots=True)
class Delivery:
    """One delivery, as the log shows it.

    Attributes:
        api_id: Application that it went to.
        records: How many records it carried.
        status: HTTP status of the last attempt; 0 where nobody answered.
        attempts: How often it was tried.
        milliseconds: How long the last attempt took.
        url: Where it went.
        at: When it was first tried, by the hub's clock, ISO 8601.
        number: Which one it is, from 1 on.
        tries: Each attempt.
    """

    api_id: str
    records: int
    status: int = 0
    attempts: int = 0
    milliseconds: float = 0.0
    url: str = ""
    at: str = ""
    number: int = 0
    tries: list[Try] = field(default_factory=list)

    def note(self, attempt: Try) -> None:
        """Add an attempt."""
        self.tries.append(attempt)
        self.attempts += 1
        self.status, self.milliseconds = attempt.status, attempt.milliseconds


def post(application: Application, body: dict[str, object], timeout: float) -> Try:
    """Send a notification once, with the application's own credentials (Connec! API v2, webhook notifications)."""
    assert application.webhook_url is not None
    credentials = base64.b64encode(f"{application.api_id}:{application.api_key}".encode()).decode()
    started = time.perf_counter()
    status, text = 0, ""
    with requests.Session() as session:
        # Neither a proxy nor a netrc of the developer has anything to do with calls on this machine.
        session.trust_env = False
        try:
            answer = session.post(
                application.webhook_url,
                json=body,
                headers={"Authorization": f"Basic {credentials}"},
                timeout=timeout,
                allow_redirects=False,
            )
            status, text = answer.status_code, answer.text[:ANSWER_KEPT]
        except (requests.RequestException, ValueError) as error:
            text = type(error).__name__
    return Try(status, (time.perf_counter() - started) * 1000, text)
