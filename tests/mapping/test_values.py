"""Every value survives the way to the hub and back; whatever the hub sends raises BadValue and nothing else."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from django.db import models
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_connec.client.wire import encode_json
from django_connec.exceptions import BadValue
from django_connec.mapping import DateField, DateTimeField, DecimalField, Field
from django_connec.mapping.references import RemoteId, parse_remote_id
from django_connec.mapping.values import BLANK, MISSING, digest
from tests.mapping.conftest import EverythingMapper
from tests.other.models import Everything, Tracked

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=50)
finite = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | finite | storable,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(storable, inner, max_size=3),
    max_leaves=10,
)
VALUES = {
    "name": storable,
    "text": storable | st.none(),
    "small": st.integers(-32768, 32767) | st.none(),
    "whole": st.integers(-(2**31), 2**31 - 1) | st.none(),
    "big": st.integers(-(2**63), 2**63 - 1) | st.none(),
    "positive": st.integers(0, 2**31 - 1),
    "needed": st.integers(-(2**31), 2**31 - 1),
    "ratio": finite | st.none(),
    "flag": st.booleans() | st.none(),
    "on": st.booleans(),
    "data": json_values.filter(lambda value: value != {}),
    "key": st.uuids() | st.none(),
    "hour": st.times() | st.none(),
    "span": st.timedeltas(min_value=dt.timedelta(days=-9999), max_value=dt.timedelta(days=9999)) | st.none(),
    "address": st.ip_addresses(v=4).map(str) | st.none(),
    "amount": st.decimals("-9999999999.99", "9999999999.99", places=2) | st.none(),
    "wide": st.decimals("-999999999999999999999999999999", "999999999999999999999999999999", places=10) | st.none(),
    "day": st.dates() | st.none(),
    "moment": st.datetimes(timezones=st.just(dt.UTC)).map(lambda v: v.replace(microsecond=0)) | st.none(),
    "grade": st.sampled_from(["a", "i"]),
    "target": st.text("0123456789abcdef-", min_size=1, max_size=36).map(lambda v: RemoteId(v, plain=True)) | st.none(),
    "strict": st.text("0123456789abcdef-", min_size=1, max_size=36).map(lambda v: RemoteId(v, plain=True)),
}


def test_every_field_has_a_strategy(bound):
    assert set(VALUES) == set(bound)
    assert {f.name for f in Everything._meta.concrete_fields if not f.name.startswith("connec_")} - {"id"} == set(
        VALUES
    )


@pytest.mark.parametrize("name", sorted(VALUES))
def test_value_survives_the_way_there_and_back(bound, name):
    field = bound[name]

    @quick
    @given(VALUES[name])
    def there_and_back(value):
        wire = encode_json({"value": field.encode(value)})
        assert wire is not None, "it must be JSON"
        back = field.decode(json.loads(wire)["value"])
        assert back == value or (back == "" and value is None)
        assert type(back) is type(value) or value is None
        assert field.digest(back) == field.digest(value)

    there_and_back()


def nested(depth, leaf="x"):
    value = leaf
    for _ in range(depth):
        value = {"k": value}
    return value


def deep_list(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE = [
    nested(26),
    nested(900),
    nested(3000),
    deep_list(3000),
    10**400,
    -(10**400),
    10**5000,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    True,
    False,
    "",
    "\x00",
    "a\x00b",
    "\ud800",
    "a\udfffb",
    {"\ud800": 1},
    {"a": ["\x00"]},
    {"a": float("nan")},
    [10**5000],
    [],
    {},
    [[]],
    ["text"],
    [None],
    [{"id": None}],
    [{"id": True, "provider": "connec", "realm": "r"}],
    [{"id": "\ud800", "provider": "other", "realm": "r"}],
    [{"id": 10**5000, "provider": "other", "realm": "r"}],
    [{"id": "x", "provider": "other", "realm": 10**5000}],
    [{"id": "x", "provider": "\ud800", "realm": "\x00"}],
    [{"id": "x", "provider": None, "realm": "r"}],
    "0000-00-00",
    "0000-00-00T00:00:00Z",
    "2018-02-30",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
    "1e400",
    "1e999999999",
    "NaN",
    "sNaN",
    "Infinity",
    "9" * 5000,
    "-" * 70,
    "٣",
    9999999999.999,
    "9999999999.999",
    "x" * 100_000,
    "2018-W53-8",
    "24:00:01",
    "P1Y",
    "::ffff:1.2.3.4/8",
]


@pytest.mark.parametrize("name", sorted(VALUES))
def test_hostile_value_is_taken_or_refused_and_nothing_else(bound, everything, name):
    for value in HOSTILE:
        record: dict = {}
        inner = record
        for part in bound[name].path[:-1]:
            inner = inner.setdefault(part, {})
        inner[bound[name].path[-1]] = value
        try:
            decoded = everything.decode(record)
        except BadValue as problem:
            message = str(problem)
        else:
            message = ""
            _check_storable(bound[name], decoded.values[name])
        assert len(message) < 200


def _check_storable(field, value):
    """What was taken is what every database can keep."""
    if isinstance(value, str):
        value.encode()
        assert "\x00" not in value
    if isinstance(value, Decimal):
        assert value.is_finite()
        assert abs(value) < Decimal(10) ** (field.column.max_digits - field.column.decimal_places)
    if isinstance(field.column, models.JSONField):
        json.dumps(value, allow_nan=False).encode()
    if value is None:
        assert field.column.null


@quick
@given(
    st.dictionaries(
        st.sampled_from(sorted({f.split(".")[0] for f in ("notes.x", "numbers.x", "price.x", "starts.x", "address.x")}))
        | st.sampled_from(["name", "data", "key", "status", "organization_id", "owner_id", "birth_date", "flag"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["id", "provider", "realm", "whole", "deep", "text", "ip", "at"]), inner, max_size=4
                )
            ),
            max_leaves=12,
        ),
        max_size=5,
    )
)
@example({"numbers": {"deep": []}})
@example({"numbers": [1]})
@example({"price": "12"})
def test_any_record_is_decoded_or_refused(everything, record):
    try:
        decoded = everything.decode(record)
    except BadValue:
        return
    assert set(decoded.digests) == set(decoded.values)


SECRET = "Zq7-secret-Zq7"


@pytest.mark.parametrize("name", sorted(set(VALUES) - {"name", "text", "data", "target", "strict"}))
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"k": v}, lambda v: v + "\x00"])
def test_refusal_names_path_expectation_and_kind_but_not_the_value(bound, name, wrap):
    with pytest.raises(BadValue) as caught:
        bound[name].decode(wrap(SECRET))
    message = str(caught.value)
    assert message.startswith(".".join(bound[name].path) + ": expected ")
    assert ", found " in message
    assert "Zq7" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("name", ["name", "text", "data", "target", "strict"])
def test_refused_text_is_not_shown_either(bound, name):
    with pytest.raises(BadValue) as caught:
        bound[name].decode(SECRET * 5 + "\x00")
    assert "Zq7" not in str(caught.value)


def test_refused_leftovers_are_not_shown(everything):
    for bad in (SECRET + "\x00", nested(40, SECRET), {SECRET + "\ud800": 1}, [float("nan"), SECRET]):
        with pytest.raises(BadValue) as caught:
            everything.decode({"price": {"rest": bad}})
        assert caught.value.path == "price"
        assert "Zq7" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("whole", True),
        ("small", 1.5),
        ("whole", 2**31),
        ("positive", -1),
        ("small", 40000),
        ("whole", "1_0"),
        ("ratio", True),
        ("ratio", "nan"),
        ("amount", True),
        ("amount", "٣"),
        ("key", True),
        ("key", 7.5),
        ("hour", True),
        ("name", True),
        ("name", ["x"]),
        ("name", "x" * 51),
        ("flag", 2),
        ("flag", 10**300),
        ("day", 20180101),
        ("moment", 1.0),
        ("grade", "active"),
        ("grade", True),
        ("address", "1.2.3"),
        ("strict", None),
        ("strict", []),
        ("needed", None),
        ("amount", "9999999999.999"),
        ("name", float("nan")),
        ("data", [float("inf")]),
    ],
)
def test_wrong_type_is_refused(bound, name, value):
    with pytest.raises(BadValue):
        bound[name].decode(value)


@pytest.mark.parametrize(
    ("name", "value", "local"),
    [
        ("whole", "12", 12),
        ("whole", 12.0, 12),
        ("name", 41, "41"),
        ("name", 1.5, "1.5"),
        ("flag", "true", True),
        ("flag", 0, False),
        ("amount", "1.005", Decimal("1.00")),
        ("amount", 1.015, Decimal("1.02")),
        ("amount", "0.125", Decimal("0.12")),
        ("day", "1984-06-07", dt.date(1984, 6, 7)),
        ("day", "1984-06-07T00:00:00Z", dt.date(1984, 6, 7)),
        ("ratio", "1e3", 1000.0),
        ("moment", "2018-03-01T04:05:06+10:00", dt.datetime(2018, 2, 28, 18, 5, 6, tzinfo=dt.UTC)),
        ("moment", "2018-03-01T04:05:06", dt.datetime(2018, 3, 1, 4, 5, 6, tzinfo=dt.UTC)),
        ("grade", "ARCHIVED", "i"),
        ("grade", "INACTIVE", "i"),
        ("grade", "ACTIVE", "a"),
    ],
)
def test_lenient_forms_are_taken(bound, name, value, local):
    assert bound[name].decode(value) == local


def test_archived_is_not_sent_over_inactive(bound):
    field = bound["grade"]
    assert field.digest(field.decode("ARCHIVED")) == field.digest("i")
    assert field.encode("i") == "INACTIVE"


def test_amount_that_a_double_cannot_carry_is_sent_as_text(bound):
    assert bound["wide"].encode(Decimal("123456789012345678901234567890.1234567891")) == (
        "123456789012345678901234567890.1234567891"
    )
    assert bound["amount"].encode(Decimal("1.20")) == 1.2


def test_one_amount_has_one_digest(bound):
    assert (
        len({bound["amount"].digest(v) for v in (Decimal("1.50"), Decimal("1.5"), 1.5, "1.500", Decimal("1.504"))}) == 1
    )
    assert len({bound["amount"].digest(v) for v in (Decimal("1000"), Decimal("1E+3"), 1000)}) == 1
    one, other = (Decimal(f"123456789012345678901234567890.123456789{n}") for n in "12")
    assert bound["wide"].digest(one) != bound["wide"].digest(other)


def test_fraction_of_a_second_is_no_change(bound):
    moment = dt.datetime(2018, 3, 1, 4, 5, 6, tzinfo=dt.UTC)
    assert bound["moment"].digest(moment.replace(microsecond=999)) == bound["moment"].digest(moment)


def test_nothing_has_one_digest():
    assert {digest(value) for value in (None, "", {})} == {BLANK}
    assert digest(False) != BLANK != digest(0)


def test_naive_times_without_time_zones(settings, declare):
    settings.USE_TZ = False
    settings.TIME_ZONE = "Australia/Sydney"
    field = declare(Everything, moment=DateTimeField()).fields[0]
    assert field.decode("2018-03-01T00:00:00Z") == dt.datetime(2018, 3, 1, 11)
    assert field.encode(dt.datetime(2018, 3, 1, 11)) == "2018-03-01T00:00:00Z"
    with pytest.raises(BadValue):
        field.decode("9999-12-31T23:59:59Z")


def test_bare_dates(declare):
    field = declare(Everything, day=DateField(bare=True)).fields[0]
    assert field.encode(dt.date(1984, 6, 7)) == "1984-06-07"


def test_file_names_are_compared_as_text(declare):
    class Picture(models.Model):
        file = models.FileField(null=True)

        class Meta:
            app_label = "other"
            managed = False
            apps = __import__("django.apps.registry", fromlist=["Apps"]).Apps()

    field = declare(Picture, file=Field()).fields[0]
    assert field.digest(Picture(file="a.png").file) == field.digest(field.decode("a.png"))
    assert field.encode(Picture(file="a.png").file) == "a.png"


def test_one_number_of_json_is_stored_by_every_database(db, bound):
    owner = Tracked.objects.create(name="x")
    for value in ([10**400], nested(24), deep_list(23), {"a": 1.5}, "text", [None, True]):
        row = Everything.objects.create(needed=1, strict=owner, data=bound["data"].decode(value))
        Everything._base_manager.filter(pk=row.pk).update(connec_state={"r": {"block": value}})
        row.refresh_from_db()
        assert row.data == value


def test_ids_in_all_forms():
    assert parse_remote_id("u-1") == RemoteId("u-1", plain=True)
    assert parse_remote_id(118) == RemoteId("118", plain=True)
    both = parse_remote_id(
        [
            {"id": "41", "provider": "acme-books", "realm": "cld-1"},
            {"id": 77, "provider": "connec", "realm": "org-1"},
            {"id": 5, "provider": "other", "realm": None},
        ]
    )
    assert both == RemoteId("77", (("acme-books", "cld-1", "41"), ("other", "", "5")))
    assert both.own("acme-books", "cld-1") == "41"
    assert both.own("acme-books", "cld-2") is None
    assert parse_remote_id({"id": "u", "provider": "connec", "realm": "r"}) == RemoteId("u")
    assert [parse_remote_id(value) for value in (None, "", [], {})] == [None] * 4
    for bad in (
        True,
        1.5,
        ["u"],
        [{}],
        "x" * 65,
        [{"id": "x" * 65, "provider": "connec"}],
        [{"id": True, "provider": "connec"}],
        [{"id": "u"}] * 201,
    ):
        with pytest.raises(BadValue):
            parse_remote_id(bad)


def test_missing_null_and_empty_blocks(everything):
    assert everything.decode({}).values == {}
    assert everything.decode({"numbers": {"other": 1}}).values == {}
    for empty in (None, {}):
        found = everything.decode({"name": empty, "text": 1, "price": empty, "notes": {"text": empty}}).values
        assert found == {"name": "", "text": None, "amount": None, "wide": None}
    assert everything.decode({"numbers": {"deep": None}}).values == {"ratio": None}
    assert everything.decode({"numbers": {"positive": None}}).values == {"positive": 7}
    assert MISSING not in everything.decode({"price": {}}).values.values()


def test_decimal_column_may_be_wider_than_pythons_default(declare):
    field = declare(Everything, wide=DecimalField()).fields[0]
    text = "999999999999999999999999999999.9999999999"
    assert field.decode(text) == Decimal(text)


def test_mapper_of_everything_has_no_problem():
    assert list(EverythingMapper(Everything).problems()) == []
