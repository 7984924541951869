"""Calls as the hub and the platform make them."""

from __future__ import annotations

import base64
import json
from typing import Any

from django.test import Client

from tests.conftest import API_ID, API_KEY


def call(method: str, path: str, body: Any = None, *, user: str = API_ID, password: str = API_KEY) -> Any:
    """Make one call under ``/maestrano/`` with a marketplace's keys."""
    keys = base64.b64encode(f"{user}:{password}".encode()).decode()
    extra = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return Client(raise_request_exception=False).generic(
        method, f"/maestrano/{path}", headers={"authorization": f"Basic {keys}"}, **extra
    )
