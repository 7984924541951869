"""Addresses of sign-on: the identity provider's (Maestrano SDK, single sign-on) and ours."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from django.http import HttpRequest
from django.urls import reverse

from django_connec.conf import Marketplace
from django_connec.exceptions import ConnecConfigurationError

__all__ = [
    "LOCAL_HOSTS",
    "audience_of",
    "consume_url",
    "cookie_path",
    "init_url",
    "logout_url",
    "path_of",
    "session_url",
    "sign_on_url",
    "unauthorized_url",
]

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def sign_on_url(marketplace: Marketplace) -> str:
    """Return where requests are sent: ``{API_HOST}{API_BASE}auth/saml``.

    Raises:
        ConnecConfigurationError: ``API_HOST`` is missing.
    """
    base = marketplace.api_base.strip("/")
    return f"{_api_host(marketplace)}/{base}/auth/saml" if base else f"{_api_host(marketplace)}/auth/saml"


def session_url(marketplace: Marketplace, user_uid: str, token: str) -> str:
    """Return where a session is asked about: ``{sign-on URL}/{user}?session=…``."""
    return f"{sign_on_url(marketplace)}/{quote(user_uid, safe='')}?{urlencode({'session': token})}"


def logout_url(marketplace: Marketplace, user_uid: str | None = None) -> str:
    """Return the hub's page that ends its own session too: ``{API_HOST}/app_logout``."""
    query = f"?{urlencode({'user_uid': user_uid})}" if user_uid else ""
    return f"{_api_host(marketplace)}/app_logout{query}"


def unauthorized_url(marketplace: Marketplace) -> str:
    """Return the hub's page for whoever may not use this application: ``{API_HOST}/app_access_unauthorized``."""
    return f"{_api_host(marketplace)}/app_access_unauthorized"


def consume_url(marketplace: Marketplace, request: HttpRequest) -> str:
    """Return where the identity provider sends its answers.

    Raises:
        ConnecConfigurationError: ``APP_HOST`` is missing, or the address holds a character that the identity provider,
            which does not unescape it, would garble.
    """
    if not marketplace.app_host:
        raise ConnecConfigurationError(f'CONNEC["MARKETPLACES"]["{marketplace.name}"]["APP_HOST"] is missing.')
    url = marketplace.app_host.rstrip("/") + path_of("consume", marketplace, request)
    if any(character in url for character in "&<>\"'"):
        raise ConnecConfigurationError("the path of django_connec.urls holds one of & < > and quotes.")
    return url


def audience_of(url: str) -> str:
    """Return what the identity provider takes for our name: the consume URL's origin and ``/``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def init_url(marketplace: Marketplace, request: HttpRequest, **parameters: str) -> str:
    """Return the path at which a sign-on begins."""
    query = urlencode({key: value for key, value in parameters.items() if value})
    return path_of("init", marketplace, request) + (f"?{query}" if query else "")


def path_of(name: str, marketplace: Marketplace, request: HttpRequest) -> str:
    """Return the path of one of our pages; ``default`` has the short one."""
    app = _instance(request)
    if marketplace.name == "default":
        return reverse(f"django_connec:sso-{name}-default", current_app=app)
    return reverse(f"django_connec:sso-{name}", args=[marketplace.name], current_app=app)


def cookie_path(request: HttpRequest) -> str:
    """Return the path below which all pages of sign-on are: the handshake's cookie goes nowhere else."""
    return reverse("django_connec:sso-consume-default", current_app=_instance(request)).rpartition("/")[0] + "/"


def _instance(request: HttpRequest) -> str | None:
    """Return the namespace in which a request found us: a host may include our paths under another name."""
    match = request.resolver_match
    return match.namespace if match and match.app_names[-1:] == ["django_connec"] else None


def _api_host(marketplace: Marketplace) -> str:
    if not marketplace.api_host:
        raise ConnecConfigurationError(f'CONNEC["MARKETPLACES"]["{marketplace.name}"]["API_HOST"] is missing.')
    return marketplace.api_host.rstrip("/")
