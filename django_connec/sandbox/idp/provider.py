"""Who may sign on where, what the application is told of them, and whether the session still holds."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from django_connec.sandbox.accounts import Accounts, GroupProfile, User
from django_connec.sandbox.accounts.entities import RESELLER
from django_connec.sandbox.idp.keys import KeyPair, key_pair_of_this_process, new_key_pair
from django_connec.sandbox.idp.requests import SignOnRequest, UnreadableRequest, read_request
from django_connec.sandbox.idp.style import AnswerStyle
from django_connec.sandbox.times import stamp

__all__ = ["Answer", "IdentityProvider", "SignOnRefused"]

#: Seconds until an application asks again whether a session holds (Maestrano SDK, session check).
RECHECK = 180


class Answer(NamedTuple):
    """What the browser posts: where to, and the form's fields."""

    url: str
    fields: dict[str, str]


class SignOnRefused(Exception):
    """Nobody is signed on.

    Attributes:
        reason: ``request``, ``application``, ``user``, ``access`` (no group) or ``choice`` (several groups).
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class IdentityProvider:
    """The identity provider of one sandbox.

    Args:
        accounts: Who is who.
        clock: Returns the hub's time, aware.
        keeps: The key pair is kept with the accounts; else it lives as long as the process.
        style: What marketplaces may do differently; may be replaced at any time.
    """

    def __init__(
        self, accounts: Accounts, clock: Callable[[], dt.datetime], *, keeps: bool, style: AnswerStyle | None = None
    ) -> None:
        self.accounts = accounts
        self.clock = clock
        self.style = style or AnswerStyle()
        self._keeps = keeps
        self._keys: KeyPair | None = None

    @property
    def keys(self) -> KeyPair:
        """The key and certificate, made at first use."""
        if self._keys is None:
            self._keys = self._kept_keys() if self._keeps else key_pair_of_this_process()
        return self._keys

    @property
    def certificate(self) -> str:
        """The certificate, PEM."""
        return self.keys.certificate

    @property
    def fingerprint(self) -> str:
        """The certificate's SHA-1, as ``01:06:15:…``."""
        return self.keys.fingerprint

    def answer(self, address: str, *, user: str, group: str | None = None) -> Answer:
        """Sign a user on, as if a browser had called this address and chosen.

        Args:
            address: Where the application sends the browser: the sign-on URL with its query.
            user: Uid of the user at the marketplace.
            group: Uid of the chosen group; the one in the address, or the only one, by default.

        Raises:
            SignOnRefused: Nobody is signed on.
        """
        request = self.read(address)
        person = self.accounts.user(user)
        if person is None:
            raise SignOnRefused("user", "There is no such user.")
        return self.answer_to(request, person, self.choose(request, person, group))

    def read(self, address: str) -> SignOnRequest:
        """Read the address that an application sends the browser to.

        Raises:
            SignOnRefused: It holds no readable request, or no registered application made it.
        """
        try:
            request = read_request(address)
        except UnreadableRequest as error:
            raise SignOnRefused("request", str(error)) from None
        if not any(application.api_id == request.issuer for application in self.accounts.hub.applications()):
            raise SignOnRefused(
                "application", "Wrong APP ID! The API id of the application's configuration is not known here."
            )
        return request

    def choose(self, request: SignOnRequest, user: User, group: str | None = None) -> GroupProfile:
        """Return the group as which a user signs on: the only one, or the one that was asked for.

        Raises:
            SignOnRefused: The user has no group of this application, or several and none was chosen.
        """
        groups = self.accounts.accessible(user.uid, request.issuer)
        if not groups:
            raise SignOnRefused("access", "You do not have access to this application.")
        if len(groups) == 1:
            return groups[0]
        wanted = group or request.parameters.get("group_id")
        for found in groups:
            if found.uid == wanted:
                return found
        raise SignOnRefused("choice", "Choose for whom you open the application.")

    def answer_to(self, request: SignOnRequest, user: User, group: GroupProfile) -> Answer:
        """Return the signed answer to a request."""
        # pysaml2 takes half a second to load: hubs where nobody signs on, most of a test run's, do without.
        from django_connec.sandbox.idp.answers import make_response

        now = self.clock()
        attributes = self.attributes(request, user, group)
        xml = make_response(request, user.uid, attributes, keys=self.keys, style=self.style, now=now)
        fields = {"SAMLResponse": base64.b64encode(xml).decode()}
        # No SDK makes one; who put it into the address has it back.
        if "RelayState" in request.parameters:
            fields["RelayState"] = request.parameters["RelayState"]
        return Answer(request.consume_url, fields)

    def attributes(self, request: SignOnRequest, user: User, group: GroupProfile) -> dict[str, str]:
        """Return what an application is told (Maestrano SDK, assertion attributes); all of it is text."""
        members = self.accounts.members(user=user.uid, group=group.uid)
        values: dict[str, Any] = {
            "mno_uid": user.uid,
            "mno_session": user.sso_session,
            "mno_session_recheck": self._recheck(),
            "group_uid": group.uid,
            "group_name": group.name,
            "group_end_free_trial": group.free_trial_end_at,
            "group_role": (members[0].role if members else None) or "Guest",
            "group_has_credit_card": group.has_credit_card,
            "group_email": group.email,
            "group_currency": group.currency,
            "group_timezone": group.timezone,
            "group_country": group.country,
            "group_city": group.city,
            # The SDKs' sandbox leaves it out; production's connectors read it.
            "group_org_uid": group.org,
            "group_reseller_id": RESELLER["id"],
        }
        if request.parameters.get("reseller_sso"):
            values |= {f"reseller_{name}": RESELLER[name] for name in ("id", "name", "country")}
        values |= {
            "uid": user.uid,
            "virtual_uid": user.virtual_uid(group.uid),
            "email": user.email,
            "virtual_email": user.virtual_email(group.uid),
            "name": user.name,
            "surname": user.surname,
            "country": user.country,
            "company_name": user.company_name,
            "app_owner": True,
            "organizations": {},
        }
        return {name: _text(value) for name, value in values.items()}

    def check(self, uid: str, session: str) -> dict[str, Any]:
        """Tell whether a session still holds (Maestrano SDK, session check).

        Args:
            uid: The user's uid; the virtual one or its address will do.
        """
        user = self.accounts.user(uid) if uid and session else None
        return {"valid": user is not None and user.sso_session == session, "recheck": self._recheck()}

    def _recheck(self) -> str:
        return stamp(self.clock() + dt.timedelta(seconds=RECHECK))

    def _kept_keys(self) -> KeyPair:
        kept = self.accounts.store.get("keys", "idp")
        if kept is None:
            made = new_key_pair()
            kept = {"private_key": made.private_key, "certificate": made.certificate}
            self.accounts.store.save("keys", "idp", kept)
        return KeyPair(**kept)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
