"""Pages of a collection, and the walk from one to the next (Connec! API v2, lists and pagination)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from django_connec.client.answers import Page
from django_connec.client.errors import ConnecProtocolError
from django_connec.client.transport import Reply

__all__ = ["Parameters", "first_parameters", "query_of", "read_page", "walk"]

Parameters = dict[str, str]
Fetch = Callable[[Parameters], tuple[Page, str | None]]

MAX_PARAMETERS = 50
_COUNT = re.compile(r"[0-9]{1,15}")


def first_parameters(filter: str | None, orderby: str | None, top: int, skip: int) -> Parameters:
    """Return the query of a page.

    Raises:
        ValueError: ``top`` is under 1 or ``skip`` negative.
    """
    if top < 1 or skip < 0:
        raise ValueError("top must be at least 1 and skip at least 0")
    chosen = {"$filter": filter, "$orderby": orderby}
    return {"$top": str(top), "$skip": str(skip)} | {key: value for key, value in chosen.items() if value}


def query_of(parameters: Parameters) -> str:
    """Write a query with its ``$`` and spaces percent-encoded, as the hub does in its own links."""
    return urlencode(parameters, quote_via=quote, safe="")


def read_page(reply: Reply, resource: str, parameters: Parameters, where: str) -> tuple[Page, str | None]:
    """Return a page and the hub's link to the next one.

    Args:
        parameters: The query that was asked, for what the hub does not repeat.

    Raises:
        ConnecProtocolError: The answer is no page of this resource.
    """
    content = reply.body.get(resource)
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, list):
        raise ConnecProtocolError(f"{where}: the answer holds no {resource}", status=reply.status)
    about = reply.body.get("pagination")
    if about is None:
        about = {}
    link = about.get("next") if isinstance(about, Mapping) else about
    if not isinstance(about, Mapping) or not isinstance(link, (str, type(None))):
        # Taken for the last page, it would end a read too early and unnoticed.
        raise ConnecProtocolError(f"{where}: the pagination is unreadable", status=reply.status)
    said, asked = _count(about.get("skip")), parameters.get("$skip", "")
    page = Page(
        records=content,
        total=_count(about.get("total")),
        skip=said if said is not None else int(asked) if _COUNT.fullmatch(asked) else 0,
        top=_count(about.get("top")),
        has_next=bool(link and content),
        date=reply.date,
    )
    return page, link or None


def walk(fetch: Fetch, parameters: Parameters, where: str) -> Iterator[Page]:
    """Yield a page and all that follow it.

    Of the hub's link only the query is taken, and of that neither filter nor order: ``fetch`` puts it on our own
    address, and what was asked for stays so until the end.

    Raises:
        ConnecProtocolError: A link is unreadable, or leads nowhere new before the hub's own ``total`` is reached: a
            walk that ended here quietly would lose the rest, one that went on would never end.
    """
    cursors: set[str] = set()
    previous: Page | None = None
    while True:
        page, link = fetch(parameters)
        if previous is not None and _repeats(page, previous):
            _end(previous, where)
            return
        yield page
        if not page.has_next or link is None:
            return
        following = _rebase(link, parameters, where)
        if not _advances(parameters, following, cursors):
            _end(page, where)
            return
        previous, parameters = page, following


def _end(page: Page, where: str) -> None:
    if page.total is None or page.skip + len(page.records) < page.total:
        raise ConnecProtocolError(f"{where}: the next page does not advance")


def _repeats(page: Page, previous: Page) -> bool:
    # A hub that ignores $skip answers the same records for ever, under links that do advance.
    return bool(page.records) and page.records == previous.records


def _advances(parameters: Parameters, following: Parameters, cursors: set[str]) -> bool:
    before, after = parameters.get("$skip", ""), following.get("$skip", "")
    if _COUNT.fullmatch(before) and _COUNT.fullmatch(after):
        return int(after) > int(before)
    query = query_of(following)
    if query in cursors:
        return False
    cursors.add(query)
    return True


def _rebase(link: str, parameters: Parameters, where: str) -> Parameters:
    try:
        taken = dict(parse_qsl(urlsplit(link).query, max_num_fields=MAX_PARAMETERS, errors="strict"))
    except ValueError:
        taken = {}
    if not taken:
        raise ConnecProtocolError(f"{where}: the link to the next page is unreadable")
    asked = {key: parameters[key] for key in ("$filter", "$orderby") if key in parameters}
    size = {key: parameters[key] for key in ("$top",) if key in parameters}
    return size | taken | asked


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
