"""The account API: what an application asks the marketplace about people and bills (Maestrano SDK, account API)."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl, unquote

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from django_connec.sandbox.accounts.bills import Bills, Invalid
from django_connec.sandbox.accounts.directory import Accounts
from django_connec.sandbox.accounts.entities import RESELLER, GroupProfile, User
from django_connec.sandbox.accounts.filters import filtered
from django_connec.sandbox.messages import Request, Response, path_and_query

__all__ = ["BASE_PATH", "AccountApi", "application_of"]

logger = logging.getLogger(__name__)

BASE_PATH = "/api/v1/"
JSON = {"Content-Type": "application/json; charset=utf-8"}
BILL = frozenset(
    {"price_cents", "description", "units", "currency", "period_started_at", "period_ended_at", "third_party"}
)
RECURRING = frozenset(
    {"period", "frequency", "cycles", "price_cents", "description", "currency", "start_date", "initial_cents"}
)


class AccountApi:
    """Answers under ``/api/v1/``.

    Args:
        accounts: Who is who.
        bills: What was charged.
    """

    def __init__(self, accounts: Accounts, bills: Bills) -> None:
        self.accounts = accounts
        self.bills = bills

    def handle(self, request: Request) -> Response:
        """Answer a request; every answer is an envelope of ``success``, ``errors`` and ``data``."""
        try:
            api_id = application_of(request, {a.api_id: a.api_key for a in self.accounts.hub.applications()})
            if api_id is None:
                return _failed(401, {"authentication": ["Invalid API token"]})
            path, query = path_and_query(request.target)
            segments = [unquote(part) for part in path.removeprefix(BASE_PATH).strip("/").split("/")]
            parameters = dict(parse_qsl(query, keep_blank_values=True)) | _body(request)
            return self._route(request.method, segments, parameters, api_id)
        except Exception as error:
            # What an exception says may quote a person's details.
            logger.error("The account API failed to answer: %s", type(error).__name__)
            return _failed(500, {"system": ["A system error occured. Please retry later."]})

    def _route(self, method: str, segments: list[str], parameters: dict[str, Any], api_id: str) -> Response:
        match (method, *segments):
            case ("GET", "ping"):
                return _done({"msg": "Ping successful! (API Authentication successful)"})
            case ("GET", "account", "users"):
                return _done(filtered(self._users(api_id, parameters.pop("group_id", None)), parameters))
            case ("POST", "account", "users", "authenticate"):
                return self._authenticate(api_id, parameters)
            case ("GET", "account", "groups"):
                return _done(filtered(self._groups(api_id), parameters))
            case ("GET", "account", "resellers"):
                return _done([self._reseller()])
            case ("GET", "account", "resellers", _):
                return _done(self._reseller())
            case ("GET", "account", "resellers", _, "groups"):
                return _done(filtered(self._groups(api_id), parameters))
            case ("GET", "account", "users" | "groups" as kind, uid):
                found = self._users(api_id, None) if kind == "users" else self._groups(api_id)
                return _one(found, uid)
            case (_, "account", "bills" | "recurring_bills" as plural, *rest) if len(rest) <= 1:
                return self._bills(method, plural.removesuffix("s"), rest, parameters, api_id)
        return _failed(404, {"id": ["does not exist"]})

    # People ---------------------------------------------------------------------------------------------

    def _users(self, api_id: str, group: str | None) -> list[dict[str, Any]]:
        groups = {found.uid for found in self.accounts.groups(api_id=api_id) if group in (None, found.uid)}
        uids = {member.user for member in self.accounts.members() if member.group in groups}
        return [_user(user) for user in self.accounts.users() if user.uid in uids]

    def _groups(self, api_id: str) -> list[dict[str, Any]]:
        return [_group(group) for group in self.accounts.groups(api_id=api_id)]

    def _authenticate(self, api_id: str, parameters: Mapping[str, Any]) -> Response:
        """Any password is right but ``invalid_password``, as long as it was encrypted with the API key."""
        key = next(a.api_key for a in self.accounts.hub.applications() if a.api_id == api_id)
        password = _decrypted(str(parameters.get("password", "")), key)
        name, wanted = ("id", parameters["id"]) if parameters.get("id") else ("email", parameters.get("email"))
        user = next((user for user in self._users(api_id, None) if user[name] == wanted), None)
        if user is None or password in (None, "invalid_password"):
            return _failed(200, {"password": ["invalid password or non existing user"]})
        return _done(user)

    def _reseller(self) -> dict[str, Any]:
        return {"object": "account_reseller", **RESELLER}

    # Bills ----------------------------------------------------------------------------------------------

    def _bills(self, method: str, kind: str, rest: list[str], parameters: dict[str, Any], api_id: str) -> Response:
        groups = {group.uid for group in self.accounts.groups(api_id=api_id)}
        ours = [bill for bill in self.bills.all(kind) if bill["group_id"] in groups]
        if method == "GET":
            return _done(filtered(ours, parameters)) if not rest else _one(ours, rest[0])
        try:
            if method == "POST" and not rest:
                group = parameters.get("group_id")
                if group not in groups:
                    raise Invalid({"group_id": ["does not exist or cannot be charged by your service"]})
                allowed, create = (
                    (BILL, self.bills.create) if kind == "bill" else (RECURRING, self.bills.create_recurring)
                )
                return _done(create(str(group), {k: v for k, v in parameters.items() if k in allowed}))
            if method == "DELETE" and rest:
                if not any(bill["id"] == rest[0] for bill in ours):
                    raise Invalid({"id": ["does not exist"]})
                return _done(self.bills.cancel(kind, rest[0]))
        except Invalid as error:
            return _failed(400, error.errors)
        return _failed(404, {"id": ["does not exist"]})


def application_of(request: Request, keys: Mapping[str, str]) -> str | None:
    """Return whose HTTP Basic credentials a request carries; ``keys`` are the passwords by name."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, key = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return name if scheme.lower() == "basic" and name and keys.get(name) == key else None


def _body(request: Request) -> dict[str, Any]:
    """Read a form, as Ruby and PHP send it, or JSON, as Java does."""
    if "json" in request.headers.get("content-type", ""):
        try:
            content = json.loads(request.body) if request.body else {}
        except (ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}
    try:
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    except UnicodeDecodeError:
        return {}


def _decrypted(text: str, key: str) -> str | None:
    """Decrypt ``base64(iv)--base64(cipher text)``, AES-256-CBC under the first 32 bytes of the key."""
    try:
        iv, encrypted = (base64.b64decode(part) for part in text.split("--"))
        decryptor = Cipher(algorithms.AES(key.encode()[:32].ljust(32, b"\0")), modes.CBC(iv)).decryptor()
        unpadder = padding.PKCS7(128).unpadder()
        padded = decryptor.update(encrypted) + decryptor.finalize()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except ValueError:
        return None


def _user(user: User) -> dict[str, Any]:
    body = asdict(user)
    return {"object": "account_user", "id": body.pop("uid"), **body}


def _group(group: GroupProfile) -> dict[str, Any]:
    body = asdict(group)
    metadata = {name: body.pop(name) for name in ("push_disabled", "pull_disabled")}
    del body["api_id"]
    # The one attribute that connectors read beside the list of the reference.
    return {"object": "account_group", "id": body.pop("uid"), "org_uid": body.pop("org"), **body, "metadata": metadata}


def _one(entities: list[dict[str, Any]], uid: str) -> Response:
    found = next((entity for entity in entities if entity["id"] == uid), None)
    # Not 404 (Maestrano SDK, account API, errors).
    return _failed(200, {"id": ["does not exist"]}) if found is None else _done(found)


def _done(data: Any) -> Response:
    return Response(200, {"success": True, "errors": {}, "data": data}, dict(JSON))


def _failed(status: int, errors: dict[str, list[str]]) -> Response:
    return Response(status, {"success": False, "errors": errors, "data": None}, dict(JSON))
