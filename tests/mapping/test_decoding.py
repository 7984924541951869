"""A page decoded at once says what each of its records says alone."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_connec.exceptions import BadValue
from django_connec.inbound import apply_records
from tests.app.models import Person

quick = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TOPS = ["name", "flag", "on", "small", "data", "key", "status", "birth_date", "organization_id", "owner_id"]
BLOCKS = ["notes", "numbers", "price", "starts", "address"]
simple = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["", "1", "ACTIVE", "2018-03"])
inside = st.sampled_from(["text", "whole", "deep", "net_amount", "at", "ip", "beside"])
blocks = simple | st.just({}) | st.dictionaries(inside, simple | st.dictionaries(st.just("ratio"), simple), max_size=3)
records = st.fixed_dictionaries(
    {"owner_id": st.just("42"), "needed": st.just(1)},
    optional={top: simple for top in TOPS if top != "owner_id"} | dict.fromkeys(BLOCKS, blocks),
)


@quick
@given(st.lists(records, min_size=1, max_size=4))
# Equal to Python, and not one value.
@example([{"name": 1}, {"name": True}])
@example([{"name": 1}, {"name": True}, {"name": 1.0}, {"name": "1"}])
@example([{"numbers": {}}, {"numbers": None}, {}, {"numbers": {"deep": {}}}, {"numbers": {"deep": {"ratio": 1}}}])
def test_page_is_decoded_as_its_records_are(everything, page):
    try:
        alone = [everything.decode(record) for record in page]
    except BadValue:
        with pytest.raises(BadValue):
            everything.decoder.decode_all(page)
    else:
        together = everything.decoder.decode_all(page)
        assert repr(together) == repr(alone), "also in the types of values"


@pytest.mark.django_db
def test_bad_record_of_a_page_fails_alone(company, group):
    page = [{"id": f"p-{n}", "first_name": f"First {n}"} for n in range(5)]
    page[2]["first_name"] = ["no text"]
    page[3]["email"] = "no block"
    outcome = apply_records(group, "people", page, source="import")
    assert (outcome.created, outcome.failed) == (3, 2)
    assert set(Person.objects.values_list("connec_id", flat=True)) == {"p-0", "p-1", "p-4"}
