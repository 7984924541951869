"""Settings of the wrong kind are refused by name."""

from __future__ import annotations

import dataclasses

import pytest

from django_connec.sandbox import Behaviour


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Behaviour)])
def test_values_of_another_kind(name):
    for value in (None, [], 1.5, "2" if name == "page_cap" else 2 if name == "matching" else object()):
        with pytest.raises(ValueError, match=name):
            Behaviour(**{name: value})


@pytest.mark.parametrize(
    "settings",
    [{"matching": "some"}, {"unknown_references": "keep"}, {"page_cap": 0}, {"batch_cap": -1}, {"wide_filters": 1}],
)
def test_values_that_mean_nothing(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        Behaviour(**settings)


def test_no_such_setting():
    with pytest.raises(TypeError):
        Behaviour(pages=3)
