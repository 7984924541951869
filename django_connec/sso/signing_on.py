"""Beginning a sign-on and taking its answer, as the two views do it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from django.contrib.auth import login
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from django_connec.conf import Marketplace, get_settings
from django_connec.signals import user_authenticated
from django_connec.sso import spent
from django_connec.sso.addresses import audience_of, consume_url, sign_on_url
from django_connec.sso.handshake import Handshake, Pending, digest, matches
from django_connec.sso.refusal import Reason, Refused
from django_connec.sso.saml import document
from django_connec.sso.saml.consume import Verified, verify
from django_connec.sso.saml.presence import Expected
from django_connec.sso.saml.provider import authn_request
from django_connec.sso.session import SsoSession
from django_connec.sso.users import SignOn, sign_on

__all__ = ["begin", "finish", "safe_next"]

MAX_GROUP_ID = 150


def begin(request: HttpRequest, marketplace: Marketplace, handshake: Handshake) -> str:
    """Begin a sign-on; returns the identity provider's address with the request.

    Of the parameters only ``group_id`` is passed on, and ``next`` is kept for later.

    Raises:
        ConnecConfigurationError: A host that sign-on needs is not configured.
        Refused: The marketplace has no key of its identity provider.
    """
    if not marketplace.has_sign_on:
        raise Refused(Reason.NOT_CONFIGURED)
    request_id = f"_{uuid.uuid4().hex}"
    location = authn_request(
        api_id=marketplace.api_id,
        consume_url=consume_url(marketplace, request),
        sign_on_url=sign_on_url(marketplace),
        request_id=request_id,
    )
    # The identity provider's Issuer is the address that it was called at, up to the first "&".
    handshake.add(
        Pending(
            marketplace=marketplace.name,
            request_id=request_id,
            issuer=digest(location),
            next=safe_next(request, marketplace, request.GET.get("next", "")),
            at=int(time.time()),
        )
    )
    group_id = request.GET.get("group_id", "")
    if group_id and len(group_id) <= MAX_GROUP_ID:
        location += "&" + urlencode({"group_id": group_id})
    return location


def finish(
    request: HttpRequest, marketplace: Marketplace, handshake: Handshake, values: Sequence[str]
) -> tuple[SignOn, str]:
    """Take an answer: verify it, find or make who it is about, and log him in.

    Args:
        values: What the form's ``SAMLResponse`` holds.

    Returns:
        What was found or made, and where the user wanted to go (empty: nowhere in particular).

    Raises:
        Refused: The answer signs nobody on.
    """
    verified, wanted = _verified(request, marketplace, handshake, values)
    identity = verified.identity
    done = sign_on(identity)
    previous = SsoSession.of(request)
    if previous is not None and (previous.marketplace, previous.group) != (marketplace.name, identity.group.uid):
        # What the session holds belongs to another customer.
        request.session.flush()
    else:
        # login() does not rotate the key where the same user is logged in already.
        request.session.cycle_key()
    login(request, done.user, backend=done.backend)
    SsoSession(
        marketplace=marketplace.name,
        group=done.group.uid,
        user=identity.user.real_uid,
        membership=done.membership.pk,
        token=identity.session_token,
        recheck_at=identity.recheck_at.isoformat(),
    ).store(request)
    user_authenticated.send_robust(
        type(done.user),
        group=done.group,
        user=done.user,
        membership=done.membership,
        identity=identity,
        request=request,
        user_created=done.user_created,
        group_created=done.group_created,
        membership_created=done.membership_created,
    )
    return done, safe_next(request, marketplace, wanted)


def safe_next(request: HttpRequest, marketplace: Marketplace, url: str) -> str:
    """Return an address of this application; empty for every other."""
    host = urlsplit(marketplace.app_host or "").netloc
    secure = (marketplace.app_host or "").startswith("https:")
    allowed = {request.get_host(), host} - {""}
    return url if url_has_allowed_host_and_scheme(url, allowed_hosts=allowed, require_https=secure) else ""


def _verified(
    request: HttpRequest, marketplace: Marketplace, handshake: Handshake, values: Sequence[str]
) -> tuple[Verified, str]:
    spent.forget_expired()
    try:
        if len(values) != 1:
            raise Refused(Reason.BODY)
        root = document.parse(document.decode(values[0]))
    except Refused as refusal:
        # The first answer uses the request up, also one that cannot be read.
        try:
            handshake.spend(marketplace, None)
        except Refused:
            raise refusal from None
        raise
    pending = handshake.spend(marketplace, root.get("InResponseTo"))
    if not marketplace.has_sign_on:
        raise Refused(Reason.NOT_CONFIGURED)
    verified = verify(root, marketplace, _expected(request, marketplace, pending), get_settings().sso_xmlsec1_binary)
    if not spent.spend("assertion", marketplace.name, verified.assertion_id, until=verified.expires_at):
        raise Refused(Reason.REPLAY)
    return verified, pending.next


def _expected(request: HttpRequest, marketplace: Marketplace, pending: Pending) -> Expected:
    address = consume_url(marketplace, request)
    bare = sign_on_url(marketplace)

    def is_issuer(value: str) -> bool:
        if marketplace.sso_issuer is not None:
            return value == marketplace.sso_issuer
        return value == bare or matches(value, pending.issuer)

    return Expected(
        request_id=pending.request_id,
        consume_url=address,
        audience=audience_of(address) if marketplace.sso_audience is None else marketplace.sso_audience,
        is_issuer=is_issuer,
    )
