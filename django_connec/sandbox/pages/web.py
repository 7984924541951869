"""What all pages share: a visit, templates, and the headers that keep other sites out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from django.template import Context, Engine

from django_connec.sandbox.accounts import User
from django_connec.sandbox.messages import Request, Response, path_and_query

if TYPE_CHECKING:
    from django_connec.sandbox.hub import SandboxHub

__all__ = ["COOKIE", "Visit", "is_same_origin", "page", "redirect", "text"]

#: Who is signed on to the marketplace in this browser. Cookies of 127.0.0.1 reach every port: hence the long name.
COOKIE = "connec_sandbox_user"

HTML = "text/html; charset=utf-8"
ENGINE = Engine(
    dirs=[str(Path(__file__).parent / "templates")],
    builtins=["django.templatetags.i18n"],
)


@dataclass(slots=True)
class Visit:
    """A request by a browser.

    Attributes:
        origin: Scheme and host as the browser sees them.
        parts: What the page's path names.
    """

    hub: SandboxHub
    request: Request
    origin: str
    parts: dict[str, str]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(path_and_query(self.request.target)[1], keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """The posted fields; line ends are as everywhere else, not as forms send them."""
        pairs = parse_qsl(self.request.body.decode(errors="replace"), keep_blank_values=True)
        return {name: value.replace("\r\n", "\n") for name, value in pairs}

    @property
    def user(self) -> User | None:
        """Who is signed on to the marketplace."""
        try:
            cookie = SimpleCookie(self.request.headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return None
        return self.hub.accounts.user(cookie.value) if cookie else None


def page(
    visit: Visit,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    form_action: str = "'self'",
) -> Response:
    """Return a rendered page.

    Args:
        form_action: Where its forms may be sent, as a content security policy writes it.
    """
    shared = {"people": visit.hub.accounts.users(), "visitor": visit.user, "here": visit.request.target}
    body = ENGINE.get_template(template).render(Context({**shared, **(context or {})}, use_l10n=False, use_tz=False))
    return Response(status, body.encode(), _headers(HTML, form_action))


def redirect(to: str, *, user: str | None = None) -> Response:
    """Send the browser elsewhere with GET.

    Args:
        user: Signed on to the marketplace from now on; empty: nobody.
    """
    headers = _headers(HTML) | {"Location": to}
    if user is not None:
        headers |= {"Set-Cookie": cookie_of(user)}
    return Response(303, b"", headers)


def text(content: str, *, status: int = 200) -> Response:
    """Return plain text."""
    return Response(status, content.encode(), _headers("text/plain; charset=utf-8"))


def cookie_of(user: str) -> str:
    """Return the header that keeps who is signed on."""
    return f"{COOKIE}={user}; Path=/; HttpOnly; SameSite=Lax" + ("" if user else "; Max-Age=0")


def is_same_origin(visit: Visit) -> bool:
    """Tell whether a form was sent from a page of the sandbox: browsers say so with every POST."""
    return visit.request.headers.get("origin") == visit.origin


def local_path(to: str) -> str:
    """Return where to go back to, if it is of the sandbox; its first page otherwise."""
    parts = urlsplit(to)
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) and not parts.netloc else "/"


def _headers(content_type: str, form_action: str = "'self'") -> dict[str, str]:
    return {
        "Content-Type": content_type,
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self'; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
