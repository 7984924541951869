"""What the identity provider is told of people, where that is wrong."""

from __future__ import annotations

import pytest

from tests.sandbox.helpers import GROUP


def test_details_that_xml_cannot_carry_are_refused_when_they_are_given(hub, ines):
    with pytest.raises(ValueError, match="surname"):
        hub.add_user(surname="Ok\x00afor")
    with pytest.raises(ValueError, match="role"):
        hub.add_member(ines.uid, GROUP, "Owner")
    with pytest.raises(LookupError):
        hub.add_member("usr-99", GROUP)
    with pytest.raises(LookupError):
        hub.add_member(ines.uid, "cld-none")
    with pytest.raises(TypeError):
        hub.add_user(shoe_size="44")
