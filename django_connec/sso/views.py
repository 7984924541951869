"""The pages of sign-on. Each is a few lines; what they need of pysaml2 and xmlsec is imported at the first visit."""

from __future__ import annotations

import logging
import traceback

from django.conf import settings
from django.contrib.auth import logout as end_session
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFilesSent
from django.db import transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    UnreadablePostError,
)
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from django_connec.conf import Marketplace, get_settings
from django_connec.exceptions import ConnecConfigurationError
from django_connec.models import ConnecGroup
from django_connec.sso import addresses
from django_connec.sso.first_import import progress_of, start
from django_connec.sso.handshake import Handshake
from django_connec.sso.refusal import Reason, Refused
from django_connec.sso.session import SsoSession

__all__ = ["consume", "importing", "init", "logout"]

logger = logging.getLogger("django_connec.sso")

#: A form of one field, base64 and escaped, with room for a RelayState.
MAX_BODY = 300 * 1024
NEXT = "connec_sso_next"


@never_cache
@require_GET
def init(request: HttpRequest, marketplace: str = "default") -> HttpResponseBase:
    """``GET auth/saml/init``: send the browser to the identity provider. Takes ``group_id`` and ``next``."""
    place = _marketplace(marketplace)
    handshake = Handshake.of(request)
    try:
        from django_connec.sso.signing_on import begin

        location = begin(request, place, handshake)
    except Exception as error:
        return _refused(request, place, error)
    response = HttpResponseRedirect(location)
    handshake.store(response, place, addresses.cookie_path(request))
    return response


@never_cache
@csrf_exempt
@sensitive_post_parameters("SAMLResponse")
# An id that was spent stays spent, whatever becomes of the request.
@transaction.non_atomic_requests
@require_POST
def consume(request: HttpRequest, marketplace: str = "default") -> HttpResponseBase:
    """``POST auth/saml/consume``: take the identity provider's answer and log the user in."""
    place = _marketplace(marketplace)
    handshake = Handshake.of(request)
    try:
        from django_connec.sso.signing_on import finish

        done, wanted = finish(request, place, handshake, _answers(request))
        waits = start(done.group, was_linked=done.was_linked)
    except Exception as error:
        response = _refused(request, place, error)
    else:
        target = wanted or resolve_url(settings.LOGIN_REDIRECT_URL)
        if waits:
            request.session[NEXT] = target
            target = addresses.path_of("importing", place, request)
        response = _go(request, target)
    handshake.store(response, place, addresses.cookie_path(request))
    return response


@never_cache
@require_GET
def importing(request: HttpRequest, marketplace: str = "default") -> HttpResponseBase:
    """``GET auth/saml/importing``: how far the first import is; sends the user on when it is through.

    ``?format=json`` answers the same for a script.
    """
    place = _marketplace(marketplace)
    session = SsoSession.of(request)
    target = request.session.get(NEXT) or resolve_url(settings.LOGIN_REDIRECT_URL)
    if session is None or session.marketplace != place.name or not request.user.is_authenticated:
        return HttpResponseRedirect(addresses.init_url(place, request))
    group = ConnecGroup.objects.filter(marketplace=place.name, uid=session.group).first()
    if group is None:
        return HttpResponseRedirect(target)
    progress = progress_of(group)
    if request.GET.get("format") == "json":
        return JsonResponse({**progress.as_json(), "next": target})
    if progress.state == "done" or not group.is_linked:
        request.session.pop(NEXT, None)
        return HttpResponseRedirect(target)
    return render(request, "django_connec/sso/importing.html", {"group": group, "progress": progress, "next": target})


@never_cache
@require_POST
def logout(request: HttpRequest, marketplace: str = "default") -> HttpResponseBase:
    """``POST auth/saml/logout``: end the session here, then at the hub (``app_logout``)."""
    place = _marketplace(marketplace)
    session = SsoSession.of(request)
    user = session.user if session is not None and session.marketplace == place.name else None
    end_session(request)
    try:
        return HttpResponseRedirect(addresses.logout_url(place, user))
    except ConnecConfigurationError:
        return HttpResponseRedirect(resolve_url(settings.LOGOUT_REDIRECT_URL or "/"))


def _marketplace(name: str) -> Marketplace:
    found = get_settings().marketplaces.get(name)
    if found is None:
        raise Http404(_("No such marketplace."))
    return found


def _answers(request: HttpRequest) -> list[str]:
    try:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        size = 0
    if size > MAX_BODY or request.FILES:
        raise Refused(Reason.BODY)
    return request.POST.getlist("SAMLResponse")


def _go(request: HttpRequest, target: str) -> HttpResponse:
    if str(settings.SESSION_COOKIE_SAMESITE).lower() == "strict":
        # A redirect would continue the identity provider's navigation, without the session's new cookie.
        return render(request, "django_connec/sso/go.html", {"next": target})
    return HttpResponseRedirect(target)


def _refused(request: HttpRequest, marketplace: Marketplace, error: Exception) -> HttpResponse:
    """Answer every refusal alike, and tell the operator which it was."""
    status = 403
    if isinstance(error, Refused):
        reason = error.reason
    elif isinstance(error, RequestDataTooBig | TooManyFilesSent | SuspiciousOperation | UnreadablePostError):
        reason, status = Reason.BODY, 400
    elif isinstance(error, ConnecConfigurationError):
        reason = Reason.NOT_CONFIGURED
    else:
        reason = Reason.INTERNAL
        # Frames only: an exception's words may hold what the document held.
        logger.error(
            "sign-on failed with %s:\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
        )
    if reason in (Reason.BODY, Reason.ENCODING, Reason.NOT_XML, Reason.MARKUP, Reason.TOO_COMPLEX):
        status = 400
    logger.warning("sign-on refused: %s (marketplace %s)", reason.value, marketplace.name)
    context = {
        "again": addresses.path_of("init", marketplace, request),
        "marketplace_url": addresses.unauthorized_url(marketplace) if marketplace.api_host else "",
    }
    return render(request, "django_connec/sso/refused.html", context, status=status)
