"""What the marketplace knows of people and of applications, beside the data that these share."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

__all__ = ["RESELLER", "ROLES", "GroupProfile", "Membership", "Registration", "User"]

#: Of a user in a group (Maestrano SDK, assertion attributes).
ROLES = ("Member", "Power User", "Admin", "Super Admin")

#: The one reseller there is (Maestrano SDK, assertion attributes; account API).
RESELLER = {"id": "rsl-449s8fsd", "name": "Blue Consulting", "code": "US-204512-BCL", "country": "AU"}

#: Where the forwarded addresses of virtual users live (Maestrano SDK, assertion attributes).
MAIL_HOST = "mno-api-sandbox-mail.maestrano.com"


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs on.

    Attributes:
        uid: ``usr-…``.
        country: ISO 3166 alpha-2.
        sso_session: Token of the session at the identity provider; another one ends every session.
        created_at: ISO 8601, UTC; so is ``updated_at``.
    """

    uid: str
    name: str
    surname: str
    email: str
    company_name: str
    country: str
    sso_session: str
    created_at: str
    updated_at: str

    def virtual_uid(self, group: str) -> str:
        """Return the uid of this user in one group, for applications that know a user in one group only."""
        return f"{self.uid}.{group}"

    def virtual_email(self, group: str) -> str:
        """Return the address that goes with it."""
        return f"{self.virtual_uid(group)}@{MAIL_HOST}"


@dataclass(frozen=True, slots=True)
class GroupProfile:
    """A customer of one application, as sign-on and the account API show it (Maestrano SDK, account API).

    Attributes:
        uid: ``cld-…``.
        api_id: The application whose customer it is.
        org: The organisation whose data it sees.
        status: ``running`` or ``terminated``.
        free_trial_end_at: ISO 8601, UTC; so are ``created_at`` and ``updated_at``.
        currency: ISO 4217.
        timezone: Name in the time zone database.
        country: ISO 3166 alpha-2.
        main_accounting: ``quickbooks``, ``xero`` or ``myob``.
    """

    uid: str
    api_id: str
    org: str
    name: str
    email: str
    has_credit_card: bool
    status: str
    free_trial_end_at: str
    currency: str
    timezone: str
    country: str
    city: str
    main_accounting: str
    push_disabled: bool
    pull_disabled: bool
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Membership:
    """That a user belongs to a group; without a role the user is a guest there."""

    user: str
    group: str
    role: str | None


@dataclass(frozen=True, slots=True)
class Registration:
    """Where an application is, as its developer registered it (Maestrano SDK, developer platform).

    Attributes:
        name: What people call it.
        host: Scheme, host and port; empty where nobody signs on to it.
        marketplace: The key of its configuration, and the last segment of its paths.
        environment: The name of its environment.
        env_key: User name with which it fetches its configuration; empty: it cannot.
        env_secret: The password.
        init_path: Where a sign-on begins; so on for the other paths, in which ``:id`` and ``:group_id`` stand
            for uids. Empty ones are as the SDKs have them.
    """

    api_id: str
    name: str
    host: str = ""
    marketplace: str = "default"
    environment: str = "sandbox"
    env_key: str = ""
    env_secret: str = ""
    init_path: str = ""
    consume_path: str = ""
    group_path: str = ""
    group_user_path: str = ""
    notification_path: str = ""

    def path(self, kind: str) -> str:
        """Return one of the paths: ``init``, ``consume``, ``group``, ``group_user`` or ``notification``."""
        own = str(getattr(self, f"{kind}_path"))
        usual = {
            "init": "/maestrano/auth/saml/init",
            "consume": "/maestrano/auth/saml/consume",
            "group": "/maestrano/account/groups/:id",
            "group_user": "/maestrano/account/groups/:group_id/users/:id",
            "notification": "/maestrano/connec/notifications",
        }
        return own or f"{usual[kind]}/{self.marketplace}"

    def launch_url(self, group: str) -> str:
        """Return where the marketplace sends the browser of somebody who opens the application."""
        path = self.path("init")
        return f"{self.host}{path}{'&' if '?' in path else '?'}group_id={quote(group)}"

    def group_url(self, group: str) -> str:
        """Return what is deleted when a group cancels the application."""
        return self.host + self.path("group").replace(":id", quote(group, safe=""))

    def group_user_url(self, group: str, user: str) -> str:
        """Return what is deleted when a user leaves a group."""
        path = self.path("group_user").replace(":group_id", quote(group, safe=""))
        return self.host + path.replace(":id", quote(user, safe=""))
