"""What a list of rows can be told: whose rows, which way, who wins, and the hooks of its mapper."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_connec.mapping import DecimalField, Field, Mapper, Nested, Reference
from django_connec.models import Conflict, Failure
from django_connec.reading import poll_group
from django_connec.settling import settle
from django_connec.work import client_of
from tests.app.models import Invoice, InvoiceLine
from tests.conftest import ORG, drain
from tests.mappers import make_mapper, registering
from tests.test_nested import apply, at_hub, future, hub_key, line, record, settled

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines():
    """Map invoices with a list of these options, and this mapper of the rows."""
    with registering() as add:

        def mapped(meta=None, *, base=(), **options):
            fields = {"description": Field(), "quantity": DecimalField(), **dict(base)}
            rows = make_mapper(meta, **fields)
            return add(
                Invoice,
                "invoices",
                {"group": "company__connec_group"},
                number=Field("transaction_number"),
                lines=Nested("lines", rows, **options),
            )

        yield mapped


def invoice_at(hub, group, *descriptions, **attributes):
    rows = [{"description": d, "quantity": 1, **attributes} for d in descriptions]
    made = hub.create(ORG, "invoices", {"transaction_number": "118", "lines": rows})
    poll_group(group, client_of(group))
    drain(group)
    return hub_key(made)


def test_rows_of_another_kind_are_left_alone_and_go_back_as_they_came(hub, group, company, lines):
    lines({"when": {"is_shipping": False}})
    rows = [{"description": d, "is_shipping": d == "Post", "note": d} for d in ("Bolt", "Post", "Nut")]
    made = hub.create(ORG, "invoices", {"lines": rows})
    poll_group(group, client_of(group))
    drain(group)
    assert sorted(InvoiceLine.objects.values_list("description", flat=True)) == ["Bolt", "Nut"]
    InvoiceLine.objects.get(description="Nut").delete()
    drain(group)
    left = hub.get(ORG, "invoices", hub_key(made))["lines"]
    assert sorted((r["description"], r["is_shipping"], r["note"]) for r in left) == [
        ("Bolt", False, "Bolt"),
        ("Post", True, "Post"),
    ]
    settled(hub, group)
    hub.update(ORG, "invoices", hub_key(made), lines=[{"id": left[0]["id"], "is_shipping": True}])
    poll_group(group, client_of(group))
    assert not InvoiceLine.objects.exists()


def test_pulled_rows_are_not_sent(hub, group, company, lines):
    lines(direction="pull")
    id = invoice_at(hub, group, "Bolt")
    InvoiceLine.objects.update(description="Ours")
    InvoiceLine.objects.create(invoice=Invoice.objects.get(), description="New")
    hub.calls.clear()
    drain(group)
    assert not hub.operations
    hub.update(ORG, "invoices", id, lines=[{"description": "Nut"}])
    poll_group(group, client_of(group))
    assert "Nut" in InvoiceLine.objects.values_list("description", flat=True)


def test_pushed_rows_are_not_written_and_those_of_others_are_kept(hub, group, company, lines):
    lines(direction="push")
    invoice = Invoice.objects.create(company=company, number="7")
    row = InvoiceLine.objects.create(invoice=invoice, description="Ours")
    drain(group)
    row.refresh_from_db()
    assert row.connec_id == at_hub(hub, invoice)[0]["id"]
    hub.update(
        ORG, "invoices", invoice.connec_id, lines=[{"id": row.connec_id, "description": "Theirs"}, {"note": "x"}]
    )
    poll_group(group, client_of(group))
    assert InvoiceLine.objects.get().description == "Ours"
    other = InvoiceLine.objects.create(invoice=invoice, description="Two")
    drain(group)
    row.delete()
    drain(group)
    assert [(r.get("description"), r.get("note")) for r in at_hub(hub, invoice)] == [("Two", None), (None, "x")]
    assert InvoiceLine.objects.get() == other


def test_rows_that_are_set_once(hub, group, company, lines):
    lines(create_only=True)
    id = invoice_at(hub, group, "Bolt")
    hub.update(ORG, "invoices", id, lines=[{"description": "Nut"}])
    poll_group(group, client_of(group))
    assert InvoiceLine.objects.get().description == "Bolt"
    InvoiceLine.objects.update(description="Ours")
    hub.calls.clear()
    drain(group)
    assert not hub.operations


@pytest.mark.parametrize(
    ("where", "policy", "ends"),
    [
        ("list", "connec", "Theirs"),
        ("list", "local", "Ours"),
        ("rows", "connec", "Theirs"),
        ("rows", "local", "Ours"),
        ("field", "connec", "Theirs"),
        ("field", "local", "Ours"),
    ],
)
def test_who_wins_a_field_of_a_row(group, company, lines, where, policy, ends):
    lines(
        {"conflict": policy} if where == "rows" else None,
        base={"description": Field(conflict=policy)} if where == "field" else {},
        **({"conflict": policy} if where == "list" else {}),
    )
    apply(group, record(line(1)))
    row = InvoiceLine.objects.get()
    row.description = "Ours"
    row.save()
    # Theirs is the older one where ours is to lose, and the newer one where it is to win.
    at = future(-60) if policy == "connec" else future()
    apply(group, record(line(1, description="Theirs"), at=at))
    assert InvoiceLine.objects.get().description == ends


@pytest.mark.parametrize("gone", ["here", "there"])
def test_by_hand_a_row_that_one_side_removed_and_the_other_changed_survives(group, company, lines, gone):
    lines(conflict="manual")
    apply(group, record(line(1), line(2)))
    row = InvoiceLine.objects.get(connec_id="line-1")
    if gone == "here":
        row.delete()
        apply(group, record(line(1, quantity=5), line(2), at=future()))
    else:
        row.quantity = 5
        row.save()
        apply(group, record(line(2), at=future()))
    assert InvoiceLine.objects.get(description="Line 1").quantity == 5
    assert Conflict.objects.get().decision == ("connec" if gone == "here" else "local")


@pytest.mark.parametrize("choice", ["local", "connec"])
def test_operator_settles_a_field_of_a_row(hub, group, company, lines, choice):
    lines(base={"quantity": DecimalField(conflict="manual")})
    id = invoice_at(hub, group, "Bolt", note="kept")
    row = InvoiceLine.objects.get()
    row.quantity = 5
    row.save()
    hub.update(ORG, "invoices", id, lines=[{"id": row.connec_id, "quantity": 6}])
    poll_group(group, client_of(group))
    drain(group)
    # While it is open, neither is the field written nor sent, and the rest of the row flows on.
    conflict = Conflict.objects.get()
    assert (conflict.decision, conflict.local_value, conflict.remote_value) == ("open", 5, 6)
    row.refresh_from_db()
    row.description = "Nut"
    row.save()
    drain(group)
    (theirs,) = hub.get(ORG, "invoices", id)["lines"]
    assert (theirs["description"], theirs["quantity"], theirs["note"], row.quantity) == ("Nut", 6, "kept", 5)
    settle(Conflict.objects.all(), Conflict.Decision(choice))
    drain(group)
    row.refresh_from_db()
    (theirs,) = hub.get(ORG, "invoices", id)["lines"]
    assert row.quantity == theirs["quantity"] == (5 if choice == "local" else 6)
    assert Conflict.objects.get().decision == choice
    settled(hub, group)


def test_rows_are_matched_by_what_identifies_them(group, company, lines):
    lines({"match_on": ["description"]})
    apply(group, record(line(1), line(2)))
    keys = dict(InvoiceLine.objects.values_list("description", "pk"))
    InvoiceLine.objects.update(connec_id=None, connec_state=None)
    Invoice.objects.update(connec_state={"a": {}})
    apply(group, record(line(2, quantity=8), line(1, quantity=7), at="2026-01-02T00:00:00Z"))
    assert dict(InvoiceLine.objects.values_list("description", "pk")) == keys
    assert dict(InvoiceLine.objects.values_list("description", "quantity")) == {"Line 1": 7, "Line 2": 8}


def test_hooks_of_the_row_mapper_run(hub, group, company, lines):
    seen = []

    def before_apply(self, instance, record):
        instance.description = instance.description.upper()

    def after_apply(self, instances):
        seen.append([instance.pk is not None for instance in instances])

    def before_push(self, payload, instance):
        payload["account"] = "4000"

    lines(base={"before_apply": before_apply, "after_apply": after_apply, "before_push": before_push})
    id = invoice_at(hub, group, "Bolt", "Nut")
    assert sorted(InvoiceLine.objects.values_list("description", flat=True)) == ["BOLT", "NUT"]
    assert seen[0] == [True, True]
    InvoiceLine.objects.create(invoice=Invoice.objects.get(), description="New")
    drain(group)
    assert [r.get("account") for r in hub.get(ORG, "invoices", id)["lines"]][-1] == "4000"


def test_default_and_create_only_of_a_field(group, company, lines):
    lines(base={"quantity": DecimalField(create_only=True), "description": Field(default="(none)")})
    apply(group, record({"id": line(1)["id"], "quantity": 3}))
    row = InvoiceLine.objects.get()
    assert (row.description, row.quantity) == ("(none)", 3)
    apply(group, record(line(1, quantity=4), at="2026-01-02T00:00:00Z"))
    row.refresh_from_db()
    assert (row.description, row.quantity) == ("Line 1", 3)


def test_hook_that_raises_fails_its_record_alone(group, company, lines):
    def before_apply(self, instance, record):
        if record["description"] == "Line 2":
            raise RuntimeError("with a secret")

    lines(base={"before_apply": before_apply})
    outcome = apply(group, record(line(1)), {**record(line(2)), "id": line(7)["id"]})
    assert outcome.counts() == {"created": 1, "failed": 1}
    assert "secret" not in Failure.objects.get().message


# The declaration --------------------------------------------------------------------------------------------


class Plain(Mapper):
    description = Field()


class Deep(Mapper):
    inner = Nested("inner", Plain)


class Bad(Mapper):
    nothing = Field()
    item = Field()


class ForRecords(Mapper):
    class Meta:
        delete_status = "VOIDED"

    description = Field()


@pytest.mark.parametrize(
    ("declared", "codes", "words"),
    [
        ({"rows": Nested("lines", Plain)}, {"E118"}, 'no rows "rows"'),
        ({"lines": Nested("a.b", Plain)}, {"E104"}, "no attribute of the record"),
        ({"lines": Nested("lines", Plain, direction="up")}, {"E105"}, "unknown direction"),
        ({"lines": Nested("lines", Plain, conflict="chance")}, {"E105"}, "unknown conflict policy"),
        ({"lines": Nested("lines", dict)}, {"E119"}, "no Mapper"),
        ({"lines": Nested("lines", Deep)}, {"E119"}, "nested rows itself"),
        ({"lines": Nested("lines", ForRecords)}, {"E119"}, "means nothing for rows"),
        ({"lines": Nested("lines", Bad)}, {"E101", "E103"}, 'lines: nothing: InvoiceLine has no field "nothing"'),
        ({"number": Field("lines"), "lines": Nested("lines", Plain)}, {"E111"}, 'maps "lines" too'),
    ],
)
def test_mistakes_in_the_declaration_are_named(declared, codes, words):
    mapper = make_mapper({"resource": "invoices", "group": "company__connec_group"}, **declared)(Invoice)
    problems = list(mapper.problems())
    assert {problem.code for problem in problems} == codes
    assert any(words in problem.message for problem in problems), [problem.message for problem in problems]


def test_rows_that_cannot_be_rows():
    from tests.other.models import Member, Team

    for model, source in ((Team, "member"), (Member, "desk")):
        mapper = make_mapper({"resource": "teams"}, rows=Nested("rows", Plain, source=source))(model)
        (problem,) = mapper.problems()
        assert problem.code == "E118"


def test_references_of_rows_need_mappers_and_come_first():
    from django_connec.checks.mappers import check_mappers
    from django_connec.mapping import registry
    from tests.other.models import Member, Team

    rows = make_mapper({"match_on": ["id"]}, member=Reference("id"))
    with registering() as add:
        add(Team, "teams", name=Field(), memberships=Nested("members", rows))
        found = [message for message in check_mappers(None) if message.id == "django_connec.E114"]
        assert [message.msg.partition(":")[0] for message in found] == ["memberships.member"]
        add(Member, "app_users", name=Field("first_name"))
        order = [mapper.model for mapper in registry.ordered()]
        assert order.index(Member) < order.index(Team)


def test_a_list_more_asks_for_a_full_read():
    meta = {"resource": "invoices", "group": "company__connec_group"}
    without = make_mapper(meta, number=Field())(Invoice)
    one = make_mapper(meta, number=Field(), lines=Nested("lines", Plain))(Invoice)
    more = make_mapper(meta, number=Field(), lines=Nested("lines", make_mapper(None, quantity=DecimalField())))(Invoice)
    assert len({without.version, one.version, more.version}) == 3


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\x00", "\ud800", "1e999", "NaN", "9" * 400]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "description", "quantity", "unit_price", "item_id", "net_amount", "provider", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(ANYTHING)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=120, deadline=None)
def test_hostile_rows_never_raise_past_their_record(group, company, rows):
    good = {**record(line(1), at=future()), "id": line(99)["id"]}
    outcome = apply(group, {**record(at=future()), "lines": rows}, good)
    assert outcome.failed + outcome.parked + outcome.created + outcome.updated + outcome.unchanged >= 2
    assert Invoice.objects.filter(connec_id="line-99").exists()


def test_deep_and_endless_lists_fail_alone(group, company):
    deep: object = "x"
    for _ in range(200):
        deep = {"x": [deep]}
    for rows in ([{"x": deep}], [{}] * 10_001, [[]], [{"id": [{"provider": "connec"}]}]):
        assert apply(group, {**record(at=future()), "lines": rows}).counts() == {"failed": 1}
