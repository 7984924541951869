from __future__ import annotations

import pytest

from tests.app.models import Company


@pytest.fixture
def company(connec_group):
    return Company.objects.create(name="Pelican Freight", connec_group=connec_group)
