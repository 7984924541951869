"""Ask the developer platform, and keep the answer if it is a good one."""

from __future__ import annotations

import json
from hashlib import sha256

from django.db import router, transaction
from django.utils import timezone

from django_connec.client import ConnecError
from django_connec.client.transport import Transport
from django_connec.conf import DeveloperPlatform, Marketplace, get_settings
from django_connec.exceptions import ConnecConfigurationError
from django_connec.models import PlatformCopy
from django_connec.platform.answers import BadAnswer, Listing, read_listing
from django_connec.platform.live import LiveMarketplaces, source_of

__all__ = ["refresh_marketplaces", "stored_copy"]


def refresh_marketplaces() -> PlatformCopy:
    """Ask the developer platform for the marketplaces, and replace the stored copy, in one UPDATE, where that is good.

    A bad answer, or none, replaces nothing. Where only some marketplaces of an answer are bad, these stay as they were
    last stored, if they were, and the others are replaced. Marketplaces that the answer does not name are gone.

    Returns:
        The stored copy; its ``error`` says what was wrong this time.

    Raises:
        ConnecConfigurationError: ``CONNEC["DEVELOPER_PLATFORM"]`` is not set.
    """
    settings = get_settings()
    platform, live = settings.developer_platform, settings.marketplaces
    if platform is None or not isinstance(live, LiveMarketplaces):
        raise ConnecConfigurationError('CONNEC["DEVELOPER_PLATFORM"] is not set: there is no platform to ask.')
    listing, error = None, ""
    try:
        listing = read_listing(_ask(platform), live.overrides)
    except ConnecError as failure:
        error = failure.reason
    except BadAnswer as bad:
        error = str(bad)
    copy = _store(source_of(platform), listing, error)
    live.forget()
    return copy


def stored_copy() -> PlatformCopy | None:
    """Return what is stored of the platform; ``None`` before it was first asked, or where there is none."""
    platform = get_settings().developer_platform
    if platform is None:
        return None
    using = router.db_for_write(PlatformCopy)
    return PlatformCopy.objects.using(using).filter(source=source_of(platform)).first()


def _ask(platform: DeveloperPlatform) -> dict[str, object]:
    # The transport takes its keys and time-out from a marketplace; the platform is called in the same way.
    caller = Marketplace(
        name="",
        api_id=platform.env_key,
        api_key=platform.env_secret,
        connec_host=platform.host,
        connec_timeout=platform.timeout,
    )
    transport = Transport(caller)
    try:
        url = f"{platform.host.rstrip('/')}/{platform.path.lstrip('/')}"
        headers = {"Accept": "application/json"}
        return transport.call("GET", url, route="the developer platform's marketplaces", headers=headers).body
    finally:
        transport.close()


def _store(source: str, listing: Listing | None, error: str) -> PlatformCopy:
    using = router.db_for_write(PlatformCopy)
    copies = PlatformCopy.objects.using(using)
    with transaction.atomic(using=using):
        copies.get_or_create(source=source)
        copy = copies.select_for_update().get(source=source)
        copy.attempted_at = timezone.now()
        if listing is not None:
            kept = {name: copy.content[name] for name in listing.problems if name in copy.content}
            copy.content = {**listing.entries, **kept}
            copy.version = sha256(json.dumps(copy.content, sort_keys=True).encode()).hexdigest()
            copy.fetched_at = copy.attempted_at
            error = "; ".join(f"{name}: {words}" for name, words in listing.problems.items())
        copy.error = error[:255]
        copy.save()
    return copy
