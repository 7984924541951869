"""Middleware: sessions that came by sign-on end when the hub says so. Others are left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.utils.translation import gettext as _

from django_connec.conf import get_settings
from django_connec.exceptions import ConnecConfigurationError
from django_connec.sso import addresses
from django_connec.sso.recheck import State, check
from django_connec.sso.session import SsoSession

__all__ = ["SessionRecheckMiddleware"]


class SessionRecheckMiddleware:
    """Put it behind ``AuthenticationMiddleware``.

    When the assertion's recheck time has come, the hub is asked once (``GET {identity provider}/{user}?session=…``).
    A session that it has ended is logged out: a page is redirected to a new sign-on, a script's request gets 401. A
    user who has lost his place in the group, or whose group has cancelled, goes to the hub's page for that.

    It runs in a thread where Django runs asynchronously: it writes sessions, and asks with requests.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Check before the view runs; ``None`` lets it."""
        # Without the cookie the session is not touched: reading it would make every page vary by cookie.
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not hasattr(request, "session"):
            return None
        match = request.resolver_match
        if match and match.app_names[-1:] == ["django_connec"] and str(match.url_name).startswith("sso-"):
            return None
        session = SsoSession.of(request)
        if session is None:
            return None
        state = check(request, session)
        if state is State.GOOD:
            return None
        logout(request)
        return _turned_away(request, session, state)


def _turned_away(request: HttpRequest, session: SsoSession, state: State) -> HttpResponse:
    if not _wants_page(request):
        return JsonResponse({"error": _("The session has ended. Sign on again.")}, status=401)
    marketplace = get_settings().marketplaces.get(session.marketplace)
    if marketplace is None:
        return HttpResponseRedirect("/")
    if state is State.NOT_ALLOWED:
        try:
            return HttpResponseRedirect(addresses.unauthorized_url(marketplace))
        except ConnecConfigurationError:
            return JsonResponse({"error": _("You may not use this application.")}, status=403)
    # What was sent cannot be sent again for the user, so only a page that was asked for is returned to.
    wanted = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    response = HttpResponseRedirect(addresses.init_url(marketplace, request, group_id=session.group, next=wanted))
    if request.method not in ("GET", "HEAD"):
        response.status_code = 303
    return response


def _wants_page(request: HttpRequest) -> bool:
    """A browser that goes somewhere, and no script that would follow a redirect in vain."""
    headers = request.headers
    if headers.get("X-Requested-With", "").lower() == "xmlhttprequest":
        return False
    mode = headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    if "json" in headers.get("Content-Type", "").lower() or "Authorization" in headers:
        return False
    accept = headers.get("Accept", "*/*")
    return "text/html" in accept or "application/xhtml+xml" in accept or accept.strip() in ("", "*/*")
