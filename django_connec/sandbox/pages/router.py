"""Which page is where, and what no page lets in."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from django.utils.translation import gettext as _

from django_connec.sandbox.messages import Request, Response, path_and_query
from django_connec.sandbox.pages import activity, data, files, market, people, signon
from django_connec.sandbox.pages.web import Visit, is_same_origin, page
from django_connec.sandbox.records import Refused
from django_connec.sandbox.site import SIGN_ON

if TYPE_CHECKING:
    from django_connec.sandbox.hub import SandboxHub

__all__ = ["SandboxPages"]

logger = logging.getLogger(__name__)

View = Callable[[Visit], Response]

PART = "[^/]+"
ROUTES: tuple[tuple[str, str, View], ...] = (
    ("GET", "/", market.tiles),
    ("POST", "/switch", market.switch),
    ("POST", "/groups", market.add_group),
    ("POST", f"/groups/(?P<group>{PART})/cancel", market.cancel),
    ("POST", f"/groups/(?P<group>{PART})/resume", market.resume),
    ("GET", "/people", people.show),
    ("POST", "/people", people.add),
    ("POST", f"/people/(?P<user>{PART})/member", people.join),
    ("POST", f"/people/(?P<user>{PART})/leave", people.leave),
    ("POST", f"/people/(?P<user>{PART})/sign-out", people.sign_out),
    ("GET", f"/data/(?P<group>{PART})", data.resources),
    ("GET", f"/data/(?P<group>{PART})/(?P<resource>{PART})", data.records),
    ("GET", f"/data/(?P<group>{PART})/(?P<resource>{PART})/(?P<id>{PART})", data.record),
    ("POST", f"/data/(?P<group>{PART})/(?P<resource>{PART})/(?P<id>{PART})", data.save),
    ("GET", "/activity", activity.show),
    ("GET", "/activity/rows", activity.rows),
    ("POST", "/activity/forget", activity.forget),
    ("POST", "/activity/redeliver", activity.redeliver),
    ("POST", "/trouble", activity.make_trouble),
    ("POST", "/trouble/end", activity.end_trouble),
    ("GET", SIGN_ON, signon.sign_on),
    ("GET", "/app_logout", signon.logged_out),
    ("GET", "/app_access_unauthorized", signon.unauthorised),
    ("GET", f"/static/(?P<name>{PART})", files.static),
    ("GET", "/favicon.ico", files.icon),
)
COMPILED = tuple((method, re.compile(pattern), view) for method, pattern, view in ROUTES)


class SandboxPages:
    """Answers browsers."""

    def __init__(self, hub: SandboxHub) -> None:
        self.hub = hub

    def owns(self, path: str) -> bool:
        """Tell whether there is a page at a path."""
        return any(pattern.fullmatch(_trimmed(path)) for _method, pattern, _view in COMPILED)

    def handle(self, request: Request, origin: str) -> Response:
        """Answer a browser; a form of another site is refused.

        Args:
            origin: Scheme and host as the browser sees them.
        """
        path = _trimmed(path_and_query(request.target)[0])
        wanted = "GET" if request.method == "HEAD" else request.method
        visit = Visit(self.hub, request, origin, {})
        for method, pattern, view in COMPILED:
            found = pattern.fullmatch(path)
            if found is None or method != wanted:
                continue
            visit.parts = {name: unquote(part) for name, part in found.groupdict().items()}
            if method == "POST" and not is_same_origin(visit):
                return _message(visit, 403, _("This form was not sent from a page of the sandbox."))
            return self._viewed(view, visit)
        return _message(visit, 405, _("That cannot be done here."))

    def _viewed(self, view: View, visit: Visit) -> Response:
        try:
            return view(visit)
        except Refused as error:
            return _message(visit, error.status, error.title)
        except LookupError:
            return _message(visit, 404, _("There is no such thing here."))
        except ValueError as error:
            return _message(visit, 400, str(error))
        except Exception as error:
            # What an exception says may quote a record.
            logger.error("A page failed: %s", type(error).__name__)
            return _message(visit, 500, _("The page could not be made."))


def _trimmed(path: str) -> str:
    return path.rstrip("/") or "/"


def _message(visit: Visit, status: int, message: str) -> Response:
    return page(visit, "message.html", {"title": status, "message": message}, status=status)
