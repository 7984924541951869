"""What the developer platform says about marketplaces, in the form that ``CONNEC["MARKETPLACES"]`` has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django_connec.conf import Problem, marketplace_problems

__all__ = ["BadAnswer", "Listing", "merged", "read_listing"]

#: Where each option is in an entry (Maestrano SDK, auto-configure). Paths of this application are not read: they are
#: those of ``django_connec.urls``.
PLACES: dict[str, tuple[str, str]] = {
    "API_ID": ("api", "id"),
    "API_KEY": ("api", "key"),
    "API_HOST": ("api", "host"),
    "API_BASE": ("api", "base"),
    "CONNEC_HOST": ("connec", "host"),
    "CONNEC_BASE_PATH": ("connec", "base_path"),
    "CONNEC_TIMEOUT": ("connec", "timeout"),
    "APP_HOST": ("app", "host"),
    "SSO_X509_CERTIFICATE": ("sso", "x509_certificate"),
    "SSO_X509_FINGERPRINT": ("sso", "x509_fingerprint"),
    "SSO_CREATION_MODE": ("sso", "creation_mode"),
}


class BadAnswer(ValueError):
    """An answer of the developer platform that names no marketplace which could be used; says why, without values."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What an answer names.

    Attributes:
        entries: Options by marketplace, as the platform gives them.
        problems: What is wrong with the others, by marketplace; free of values, some of which are secrets.
    """

    entries: dict[str, dict[str, Any]] = field(repr=False)
    problems: dict[str, str]


def read_listing(body: Mapping[str, Any], overrides: Mapping[str, Mapping[str, Any]]) -> Listing:
    """Read the platform's list of marketplaces.

    Args:
        body: The answer. ``marketplaces`` is a list; a lone object, as in the Java SDK's fixture, is one of one.
        overrides: ``CONNEC["MARKETPLACES"]``, which may add what the platform leaves out.

    Raises:
        BadAnswer: Nothing in it can be used.
    """
    listed = body.get("marketplaces")
    if isinstance(listed, Mapping):
        listed = [listed]
    if not isinstance(listed, list):
        raise BadAnswer("the answer holds no list of marketplaces")
    entries: dict[str, dict[str, Any]] = {}
    problems: dict[str, str] = {}
    for position, raw in enumerate(listed, 1):
        name = raw.get("marketplace") if isinstance(raw, Mapping) else None
        if not isinstance(name, str) or not name:
            problems[f"entry {position}"] = "it has no name"
            continue
        found = list(_problems(name, {**_options(raw), **overrides.get(name, {})}))
        if name in entries or name in problems:
            problems[name] = "it is named twice"
            entries.pop(name, None)
        elif found:
            problems[name] = "; ".join(f"{problem.key} {problem.message}" for problem in found)
        else:
            entries[name] = _options(raw)
    if not entries:
        why = "; ".join(f"{name}: {words}" for name, words in problems.items())
        raise BadAnswer(why or "the answer names no marketplace")
    return Listing(entries, problems)


def merged(
    content: Mapping[str, Mapping[str, Any]], overrides: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Merge the platform's options with those of the settings, which win key by key.

    Returns:
        Options by marketplace, and the names of those that are not whole.
    """
    usable: dict[str, dict[str, Any]] = {}
    unusable: list[str] = []
    for name in dict.fromkeys([*content, *overrides]):
        options = {**content.get(name, {}), **overrides.get(name, {})}
        if next(_problems(name, options), None) is None:
            usable[name] = options
        else:
            unusable.append(name)
    return usable, unusable


def _options(raw: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option, (block, key) in PLACES.items():
        values = raw.get(block)
        value = values.get(key) if isinstance(values, Mapping) else None
        if value not in (None, ""):
            found[option] = value
    return found


def _problems(name: str, options: Mapping[str, Any]) -> Iterator[Problem]:
    yield from marketplace_problems(name, name, options)
