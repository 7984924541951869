"""Fetch a collection's pages ahead with a few threads and hand them out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from django_connec.client import ConnecClient, Page

__all__ = ["ORDER", "fetch_ahead"]

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

    The first page tells how many there are; a hub that gives fewer records a page than asked for is followed
    page by page instead, so that no hole is left.

    Args:
        filter: A ``$filter``.
        skip: Records to leave out at the beginning.
        top: Records a page.
        threads: Pages on their way at once.

    Raises:
        ConnecError: A page could not be read; those before it have been yielded.
    """

    def fetch(at: int) -> Page:
        return client.page(group_uid, resource, filter=filter, orderby=ORDER, top=top, skip=at)

    page = fetch(skip)
    yield page
    given = page.top or len(page.records)
    if page.total is None or given != top or threads < 2:
        while page.has_next and page.records:
            skip += len(page.records)
            page = fetch(skip)
            yield page
        return
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="connec-pages") as pool:
        ahead: deque[Future[Page]] = deque()
        following = skip + top
        try:
            while page.has_next or following < page.total:
                while len(ahead) < threads and (following < page.total or not ahead):
                    ahead.append(pool.submit(fetch, following))
                    following += top
                page = ahead.popleft().result()
                if not page.records:
                    return
                yield page
                if page.total is None:
                    return
        finally:
            for future in ahead:
                future.cancel()
