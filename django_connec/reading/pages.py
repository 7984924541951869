"""Fetch a collection's pages ahead with a few threads and hand them out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from django_connec.client import ConnecClient, Page

__all__ = ["ORDER", "fetch_ahead", "fetch_together"]

#: Nothing else that every list has stays as it is while others write: new records come at the end, none leave.
ORDER = "created_at ASC"


def fetch_ahead(
    client: ConnecClient,
    group_uid: str,
    resource: str,
    *,
    filter: str | None = None,
    skip: int = 0,
    top: int = 100,
    threads: int = 3,
) -> Iterator[Page]:
    """Yield the pages of a collection in order, while the next ones are on their way.

    See :func:`fetch_together`, which this is with one page at a time.
    """
    for pages in fetch_together(client, group_uid, resource, filter=filter, skip=skip, top=top, threads=threads):
        yield from pages


def fetch_together(
    client: ConnecClient,
    group_uid: str,
    resource: str,
    *,
    filter: str | None = None,
    skip: int = 0,
    top: int = 100,
    threads: int = 3,
    together: int = 1,
) -> Iterator[list[Page]]:
    """Yield the pages of a collection in order: the next one, with those that have come after it meanwhile.

    Whoever is slower than the hub gets several at once, and nobody waits for more than one. The first page tells how
    many there are; a hub that gives fewer records a page than asked for is followed page by page instead, so that no
    hole is left.

    Args:
        filter: A ``$filter``.
        skip: Records to leave out at the beginning.
        top: Records a page.
        threads: Pages on their way at once.
        together: Pages at once, at most; as many are kept beside those on their way.

    Raises:
        ConnecError: A page could not be read; those before it have been yielded.
    """

    def fetch(at: int) -> Page:
        return client.page(group_uid, resource, filter=filter, orderby=ORDER, top=top, skip=at)

    page = fetch(skip)
    yield [page]
    given = page.top or len(page.records)
    if page.total is None or given != top or threads < 2:
        while page.has_next and page.records:
            skip += len(page.records)
            page = fetch(skip)
            yield [page]
        return
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="connec-pages") as pool:
        ahead: deque[Future[Page]] = deque()
        following = skip + top
        try:
            while page.has_next or following < page.total:
                while len(ahead) < threads + together - 1 and (following < page.total or not ahead):
                    ahead.append(pool.submit(fetch, following))
                    following += top
                pages = [ahead.popleft().result()]
                while len(pages) < together and ahead and _has_come(ahead[0]) and pages[-1].records:
                    pages.append(ahead.popleft().result())
                page = pages[-1]
                if not page.records:
                    pages.pop()
                if pages:
                    yield pages
                if not page.records or page.total is None:
                    return
        finally:
            for future in ahead:
                future.cancel()


def _has_come(future: Future[Page]) -> bool:
    """Tell whether a page is here; one that could not be read is met when it is its turn."""
    return future.done() and future.exception() is None
