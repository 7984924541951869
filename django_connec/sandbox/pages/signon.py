"""Signing on to an application (Maestrano SDK, launch flow): who, for which group, and the answer's form."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlsplit

from django.utils.translation import gettext as _

from django_connec.sandbox.accounts import User
from django_connec.sandbox.idp import SignOnRefused
from django_connec.sandbox.idp.requests import SignOnRequest
from django_connec.sandbox.messages import Response
from django_connec.sandbox.pages.web import Visit, cookie_of, page, text

__all__ = ["logged_out", "sign_on", "unauthorised"]


def sign_on(visit: Visit) -> Response:
    """Answer an application's request, or ask who signs on and for which group."""
    idp = visit.hub.idp
    try:
        request = idp.read(visit.origin + visit.request.target)
    except SignOnRefused as error:
        # Plain text, and 200 where it is only the application that is unknown (Maestrano SDK, launch flow).
        return text(str(error), status=200 if error.reason == "application" else 400)
    chosen = request.parameters.get("user_uid", "")
    user = visit.hub.accounts.user(chosen) if chosen else visit.user
    if user is None:
        return _choose_user(visit, request)
    return _remembered(_answer(visit, request, user), user)


def logged_out(visit: Visit) -> Response:
    """End the session at the marketplace, and with it, when they next check, those at the applications."""
    user = visit.hub.accounts.user(visit.query.get("user_uid", "")) or visit.user
    if user is not None:
        visit.hub.accounts.end_session(user.uid)
    response = page(
        visit,
        "message.html",
        {"title": _("Signed out"), "message": _("You are signed out of the application."), "visitor": None},
    )
    response.headers["Set-Cookie"] = cookie_of("")
    return response


def unauthorised(visit: Visit) -> Response:
    """Say that an application let nobody in."""
    message = _("The application could not sign you in.")
    return page(visit, "message.html", {"title": _("No access"), "message": message})


def _answer(visit: Visit, request: SignOnRequest, user: User) -> Response:
    name = visit.hub.accounts.registration(request.issuer).name
    try:
        group = visit.hub.idp.choose(request, user)
    except SignOnRefused as error:
        if error.reason == "choice":
            return _choose_group(visit, request, user)
        context = {"user": user, "application": name, "others": _without(request.address, "user_uid", visit.origin)}
        return page(visit, "denied.html", {**context, "choices": _users(visit, request)}, status=403)
    answer = visit.hub.idp.answer_to(request, user, group)
    where = urlsplit(answer.url)
    # Applications redirect from there, which browsers hold against the same list.
    action = f"{where.scheme}://{where.netloc} http://127.0.0.1:* http://localhost:*"
    context = {"answer": answer, "application": name, "visitor": user}
    return page(visit, "post.html", context, form_action=action)


def _choose_user(visit: Visit, request: SignOnRequest) -> Response:
    name = visit.hub.accounts.registration(request.issuer).name
    return page(visit, "choose_user.html", {"choices": _users(visit, request), "application": name})


def _choose_group(visit: Visit, request: SignOnRequest, user: User) -> Response:
    address = _without(request.address, "group_id", visit.origin)
    choices = [
        {"group": group, "url": f"{address}&group_id={quote(group.uid)}"}
        for group in visit.hub.accounts.accessible(user.uid, request.issuer)
    ]
    name = visit.hub.accounts.registration(request.issuer).name
    return page(visit, "choose_group.html", {"choices": choices, "application": name, "user": user})


def _users(visit: Visit, request: SignOnRequest) -> list[dict[str, Any]]:
    address = _without(request.address, "user_uid", visit.origin)
    return [
        {
            "user": user,
            "url": f"{address}&user_uid={quote(user.uid)}",
            "groups": len(visit.hub.accounts.accessible(user.uid, request.issuer)),
        }
        for user in visit.hub.accounts.users()
    ]


def _without(address: str, parameter: str, origin: str) -> str:
    """Return the path and query of an address without a parameter; the rest stays as it is, the answer repeats it."""
    return re.sub(f"&{parameter}=[^&]*", "", address.removeprefix(origin))


def _remembered(response: Response, user: User) -> Response:
    response.headers["Set-Cookie"] = cookie_of(user.uid)
    return response
