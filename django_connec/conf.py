"""The one way to read ``settings.CONNEC``.

Nothing here runs at import: :func:`get_settings` parses the dictionary on first use and again after a test
has overridden it. Everything that can be wrong is collected by :func:`find_problems`, so that the system
checks list all of it at once and the accessor raises the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.signals import setting_changed

from django_connec.exceptions import ConnecConfigurationError

__all__ = [
    "ConnecSettings",
    "DeveloperPlatform",
    "Marketplace",
    "Problem",
    "build_marketplace",
    "find_problems",
    "get_marketplace",
    "get_settings",
    "marketplace_problems",
    "written_marketplaces",
]


@dataclass(frozen=True, slots=True)
class Option:
    """One key of the dictionary: its attribute, the kind it must have and its default."""

    attribute: str
    kind: type | tuple[type, ...]
    default: Any = None
    required: bool = False
    is_url: bool = False
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in ``settings.CONNEC``.

    Attributes:
        code: Stable suffix of the system check's id, for example ``E002``.
        key: Where it is, for example ``CONNEC["MARKETPLACES"]["default"]["API_ID"]``.
        message: What is wrong. Never holds a value: some of them are secrets.
        hint: The cure.
    """

    code: str
    key: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Marketplace:
    """Hosts and keys of one marketplace (tenant), as its developer platform shows them.

    Attributes:
        name: The key in ``MARKETPLACES``; also the last segment of the package's URLs.
        api_id: User name of HTTP Basic authentication, both ways (``app-…``).
        api_key: Its password.
        connec_host: Scheme and host of the Connec! API.
        connec_base_path: Path before the group's id, usually ``/api/v2``.
        connec_timeout: Seconds to wait for an answer's next bytes.
        connec_max_requests_per_second: Calls of the Connec! API a second by all processes together; ``None``: no cap.
        api_host: Scheme and host of the account API and the identity provider.
        api_base: Path of the account API below it.
        app_host: Scheme and host of this application as the browser sees it.
        sso_x509_certificate: The identity provider's certificate, PEM or bare base64.
        sso_x509_fingerprint: SHA-1 or SHA-256 fingerprint of that certificate, hexadecimal.
        sso_creation_mode: ``real``: a user may be in several groups; ``virtual``: one user for each group.
        sso_issuer: Exactly this issuer; ``None``: the sign-on URL, bare or with this sign-on's ``?SAMLRequest=…``.
        sso_audience: Exactly this audience; ``None``: origin of the consume URL and ``/``.
        sso_allow_sha1: Accept SHA-1 and RSA keys under 2048 bits.
        sso_link_by_email: The hub's e-mail addresses are verified and find users who are here already.
    """

    name: str
    api_id: str
    api_key: str = field(repr=False)
    connec_host: str
    connec_base_path: str = "/api/v2"
    connec_timeout: int = 60
    connec_max_requests_per_second: int | None = None
    api_host: str | None = None
    api_base: str = "/api/v1/"
    app_host: str | None = None
    sso_x509_certificate: str | None = field(default=None, repr=False)
    sso_x509_fingerprint: str | None = None
    sso_creation_mode: str = "real"
    sso_issuer: str | None = None
    sso_audience: str | None = None
    sso_allow_sha1: bool = False
    sso_link_by_email: bool = False

    @property
    def has_sign_on(self) -> bool:
        """Whether the identity provider's key is known: without it nobody can sign on."""
        return bool(self.sso_x509_certificate or self.sso_x509_fingerprint)


@dataclass(frozen=True, slots=True)
class DeveloperPlatform:
    """Where the marketplaces are asked for (Maestrano SDK, auto-configure).

    Attributes:
        host: Scheme and host of the developer platform.
        path: Path of its list of marketplaces.
        env_key: User name of HTTP Basic authentication there: the key of this application's environment.
        env_secret: Its password.
        timeout: Seconds to wait for an answer's next bytes.
        refresh_minutes: How often the schedule asks.
        check_seconds: How old a worker's view of the stored copy may be.
    """

    host: str
    env_key: str
    env_secret: str = field(repr=False)
    path: str = "/api/config/v1/marketplaces"
    timeout: int = 30
    refresh_minutes: int = 60
    check_seconds: int = 10


@dataclass(frozen=True, slots=True)
class ConnecSettings:
    """``settings.CONNEC``, checked and typed. See ``docs/settings`` for what each value does."""

    provider: str
    marketplaces: Mapping[str, Marketplace]
    developer_platform: DeveloperPlatform | None
    dispatcher: str
    webhook_max_bytes: int
    batch_size: int
    page_size: int
    import_threads: int
    max_attempts: int
    parked_days: int
    sweep_minutes: int
    poll_minutes: int
    delivery_days: int
    run_days: int
    conflict_days: int
    failure_days: int
    tombstone_days: int
    mass_change_percent: int | None
    sso_xmlsec1_binary: str | None
    sso_grace_minutes: int
    sharing_groups: str


#: A hundred years, for what is to be kept for good: a date before the year 1 cannot be written.
MOST_DAYS = 36500

MARKETPLACE_OPTIONS: dict[str, Option] = {
    "API_ID": Option("api_id", str, required=True),
    "API_KEY": Option("api_key", str, required=True),
    "CONNEC_HOST": Option("connec_host", str, required=True, is_url=True),
    "CONNEC_BASE_PATH": Option("connec_base_path", str, "/api/v2"),
    "CONNEC_TIMEOUT": Option("connec_timeout", int, 60, minimum=1),
    "CONNEC_MAX_REQUESTS_PER_SECOND": Option("connec_max_requests_per_second", int, minimum=1),
    "API_HOST": Option("api_host", str, is_url=True),
    "API_BASE": Option("api_base", str, "/api/v1/"),
    "APP_HOST": Option("app_host", str, is_url=True),
    "SSO_X509_CERTIFICATE": Option("sso_x509_certificate", str),
    "SSO_X509_FINGERPRINT": Option("sso_x509_fingerprint", str),
    "SSO_CREATION_MODE": Option("sso_creation_mode", str, "real", choices=("real", "virtual")),
    "SSO_ISSUER": Option("sso_issuer", str),
    "SSO_AUDIENCE": Option("sso_audience", str),
    "SSO_ALLOW_SHA1": Option("sso_allow_sha1", bool, False),
    "SSO_LINK_BY_EMAIL": Option("sso_link_by_email", bool, False),
}

PLATFORM_OPTIONS: dict[str, Option] = {
    "HOST": Option("host", str, required=True, is_url=True),
    "ENV_KEY": Option("env_key", str, required=True),
    "ENV_SECRET": Option("env_secret", str, required=True),
    "PATH": Option("path", str, "/api/config/v1/marketplaces"),
    "TIMEOUT": Option("timeout", int, 30, minimum=1),
    "REFRESH_MINUTES": Option("refresh_minutes", int, 60, minimum=1),
    "CHECK_SECONDS": Option("check_seconds", int, 10, minimum=1),
}

TOP_LEVEL_OPTIONS: dict[str, Option] = {
    "PROVIDER": Option("provider", str, required=True),
    "MARKETPLACES": Option("marketplaces", dict, required=True),
    "DEVELOPER_PLATFORM": Option("developer_platform", dict),
    "DISPATCHER": Option("dispatcher", str, "django_connec.dispatch.django_q2"),
    "WEBHOOK_MAX_BYTES": Option("webhook_max_bytes", int, 10_000_000, minimum=1),
    "BATCH_SIZE": Option("batch_size", int, 50, minimum=1),
    "PAGE_SIZE": Option("page_size", int, 100, minimum=1),
    "IMPORT_THREADS": Option("import_threads", int, 3, minimum=1),
    "MAX_ATTEMPTS": Option("max_attempts", int, 12, minimum=1),
    "PARKED_DAYS": Option("parked_days", int, 7, minimum=1),
    "SWEEP_MINUTES": Option("sweep_minutes", int, 1, minimum=1),
    "POLL_MINUTES": Option("poll_minutes", int, 60, minimum=1),
    "DELIVERY_DAYS": Option("delivery_days", int, 30, minimum=1, maximum=MOST_DAYS),
    "RUN_DAYS": Option("run_days", int, 90, minimum=1, maximum=MOST_DAYS),
    "CONFLICT_DAYS": Option("conflict_days", int, 365, minimum=1, maximum=MOST_DAYS),
    "FAILURE_DAYS": Option("failure_days", int, 365, minimum=1, maximum=MOST_DAYS),
    "TOMBSTONE_DAYS": Option("tombstone_days", int, 1825, minimum=1, maximum=MOST_DAYS),
    "MASS_CHANGE_PERCENT": Option("mass_change_percent", int, 50, minimum=0, maximum=100),
    "SSO_XMLSEC1_BINARY": Option("sso_xmlsec1_binary", str),
    "SSO_GRACE_MINUTES": Option("sso_grace_minutes", int, 15, minimum=0),
    "SHARING_GROUPS": Option("sharing_groups", str, "django_connec.dashboard.access.managed_groups"),
}

# The hub's documented ceilings: 50 operations a batch and 100 records a page (reference 2.2 and 2.7).
CEILINGS = {"BATCH_SIZE": 50, "PAGE_SIZE": 100}


def find_problems(raw: object) -> Iterator[Problem]:
    """Yield everything that is wrong with a ``CONNEC`` dictionary.

    Args:
        raw: The value of ``settings.CONNEC``, whatever it is; ``None`` when the setting is absent.
    """
    if raw is None:
        return
    if not isinstance(raw, Mapping):
        yield Problem(
            "E001",
            "CONNEC",
            f"CONNEC must be a dictionary, not {_kind(raw)}.",
            'Write CONNEC = {"PROVIDER": "…", "MARKETPLACES": {…}} in your settings.',
        )
        return
    platform = raw.get("DEVELOPER_PLATFORM")
    yield from _option_problems("CONNEC", raw, TOP_LEVEL_OPTIONS, optional=() if platform is None else ["MARKETPLACES"])
    if isinstance(platform, Mapping):
        yield from _option_problems('CONNEC["DEVELOPER_PLATFORM"]', platform, PLATFORM_OPTIONS)
    for key, ceiling in CEILINGS.items():
        value = raw.get(key)
        if isinstance(value, int) and value > ceiling:
            yield Problem(
                "E004",
                f'CONNEC["{key}"]',
                f"must be at most {ceiling}, the most that the hub takes at once.",
                f"Lower it to {ceiling} or leave it out.",
            )
    marketplaces = raw.get("MARKETPLACES")
    if not isinstance(marketplaces, Mapping):
        return
    if not marketplaces and platform is None:
        yield Problem(
            "E002",
            'CONNEC["MARKETPLACES"]',
            "names no marketplace.",
            'Add one, usually called "default".',
        )
    for name, entry in marketplaces.items():
        where = f'CONNEC["MARKETPLACES"]["{name}"]'
        # With a developer platform, an entry holds what differs from the platform's.
        yield from marketplace_problems(where, name, entry, is_whole=platform is None)


def marketplace_problems(where: str, name: object, entry: object, *, is_whole: bool = True) -> Iterator[Problem]:
    """Yield everything that is wrong with one marketplace.

    Args:
        where: What the problems call it.
        name: Its name.
        entry: Its options, as ``CONNEC["MARKETPLACES"]`` has them.
        is_whole: Whether what is required has to be there.
    """
    if not isinstance(name, str) or not name or not name.replace("-", "a").replace("_", "a").isalnum():
        yield Problem(
            "E005",
            where,
            "is not usable in a URL.",
            "Use letters, digits, hyphens and underscores: it is the last segment of the webhook's path.",
        )
    if not isinstance(entry, Mapping):
        yield Problem(
            "E003", where, f"must be a dictionary, not {_kind(entry)}.", "Give it API_ID, API_KEY and CONNEC_HOST."
        )
        return
    yield from _option_problems(where, entry, MARKETPLACE_OPTIONS, optional=() if is_whole else MARKETPLACE_OPTIONS)


def build_marketplace(name: str, entry: Mapping[str, Any]) -> Marketplace:
    """Return a marketplace of checked options, as ``CONNEC["MARKETPLACES"]`` has them."""
    return Marketplace(name=name, **_values(entry, MARKETPLACE_OPTIONS))


def get_settings() -> ConnecSettings:
    """Return ``settings.CONNEC``, parsed once.

    Raises:
        ConnecConfigurationError: The setting is absent or something in it is wrong.
    """
    global _parsed
    if _parsed is None:
        _parsed = _parse(getattr(settings, "CONNEC", None))
    return _parsed


def get_marketplace(name: str) -> Marketplace:
    """Return the marketplace with this name.

    Raises:
        KeyError: No such marketplace is configured.
    """
    return get_settings().marketplaces[name]


def written_marketplaces() -> Mapping[str, Marketplace]:
    """Return the marketplaces that stand whole in the settings, without a look at the database: for system checks.

    Raises:
        ConnecConfigurationError: The setting is absent or something in it is wrong.
    """
    from django_connec.platform.live import LiveMarketplaces

    known = get_settings().marketplaces
    return known.written if isinstance(known, LiveMarketplaces) else known


_parsed: ConnecSettings | None = None


def _parse(raw: Mapping[str, Any] | None) -> ConnecSettings:
    if raw is None:
        raise ConnecConfigurationError('settings.CONNEC is missing; give it "PROVIDER" and "MARKETPLACES".')
    for problem in find_problems(raw):
        raise ConnecConfigurationError(f"{problem.key}: {problem.message} {problem.hint}")
    values = _values(raw, TOP_LEVEL_OPTIONS)
    entries = values["marketplaces"] or {}
    if values["developer_platform"] is None:
        values["marketplaces"] = {name: build_marketplace(name, entry) for name, entry in entries.items()}
        return ConnecSettings(**values)
    from django_connec.platform.live import LiveMarketplaces

    platform = DeveloperPlatform(**_values(values["developer_platform"], PLATFORM_OPTIONS))
    values |= {"developer_platform": platform, "marketplaces": LiveMarketplaces(platform, entries)}
    return ConnecSettings(**values)


def _values(raw: Mapping[str, Any], options: Mapping[str, Option]) -> dict[str, Any]:
    return {option.attribute: raw.get(key, option.default) for key, option in options.items()}


def _option_problems(
    where: str, raw: Mapping[str, Any], options: Mapping[str, Option], *, optional: Collection[str] = ()
) -> Iterator[Problem]:
    for key in raw:
        if key not in options:
            yield Problem("E006", f'{where}["{key}"]', "is not a known setting.", f"Known are: {', '.join(options)}.")
    for key, declared in options.items():
        option = replace(declared, required=False) if key in optional else declared
        place = f'{where}["{key}"]'
        value = raw.get(key)
        if value is None:
            if option.required:
                yield Problem("E002", place, "is missing.", f"Set it; it must be a {_names(option.kind)}.")
            continue
        # bool is an int in Python, but True is no number of seconds.
        if not isinstance(value, option.kind) or (isinstance(value, bool) and option.kind is not bool):
            yield Problem("E003", place, f"must be a {_names(option.kind)}, not {_kind(value)}.", "Give it that type.")
        elif option.required and value == "":
            yield Problem("E002", place, "is empty.", "Set it to the value that the developer platform shows.")
        elif option.is_url and not _is_origin(str(value)):
            yield Problem(
                "E004", place, "must be a scheme and a host.", 'Write it like "https://api-connec.example", no path.'
            )
        elif option.minimum is not None and isinstance(value, int) and value < option.minimum:
            yield Problem("E004", place, f"must be at least {option.minimum}.", "Raise it or leave it out.")
        elif option.maximum is not None and isinstance(value, int) and value > option.maximum:
            yield Problem("E004", place, f"must be at most {option.maximum}.", "Lower it or leave it out.")
        elif option.choices and value not in option.choices:
            yield Problem("E004", place, "has an unknown value.", f"Use one of: {', '.join(option.choices)}.")


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    extras = parts.query or parts.fragment or parts.username or parts.password
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/") and not extras


def _names(kind: type | tuple[type, ...]) -> str:
    words = {str: "string", int: "whole number", bool: "bool", dict: "dictionary"}
    return " or ".join(words[k] for k in (kind if isinstance(kind, tuple) else (kind,)))


def _kind(value: object) -> str:
    return type(value).__name__


def _forget(*, setting: str, **_: Any) -> None:
    global _parsed
    if setting == "CONNEC":
        _parsed = None


setting_changed.connect(_forget, dispatch_uid="django_connec.conf")
