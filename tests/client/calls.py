"""The one call that most of these tests make."""

from __future__ import annotations

from typing import Any

import pytest

from django_connec.client import ConnecClient, ConnecError

PERSON = {"people": {"id": "p-1", "first_name": "Ines"}}


def get(client: ConnecClient) -> Any:
    return client.get("cld-1", "people", "p-1").record


def fails(client: ConnecClient, kind: type[ConnecError] = ConnecError) -> ConnecError:
    with pytest.raises(kind) as caught:
        get(client)
    assert type(caught.value) is kind
    return caught.value
