"""connec_startmapper: what it prints imports, registers, passes the checks and maps what is obvious."""

from __future__ import annotations

import itertools
import json

import pytest
from django.core.checks import run_checks

from django_connec.mapping import registry
from django_connec.sandbox import Fault
from django_connec.sandbox.schema import schema_of
from django_connec.startmapper import draft_mapper, read_schema
from django_connec.startmapper.attributes import Attribute
from tests.app.models import Invoice, Item, Organization, Person
from tests.other.models import Everything, Place, Plain, Tracked
from tests.tools.running import run

serial = itertools.count()


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Write source to a temporary package and import it as the only mapper of its model."""
    replaced = []

    def install(model, source):
        old = registry.for_model(model)
        replaced.append((model, type(old) if old else None))
        registry.remove(model)
        package = tmp_path / f"started{next(serial)}"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "connec.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        __import__(f"{package.name}.connec")
        return registry.for_model(model)

    yield install
    for model, mapper_class in reversed(replaced):
        registry.remove(model)
        if mapper_class is not None:
            registry.add(model, mapper_class)


def paths(mapper):
    return {bound.name: ".".join(bound.path) for bound in mapper.fields}


def problems():
    return [m for m in run_checks(tags=["connec"]) if m.id.startswith("django_connec.")]


CASES = [
    (Person, "people", {"first_name": "first_name", "email": "email.address", "born": "birth_date",
                        "active": "status", "employer": "organization_id"}),
    (Organization, "organizations", {"name": "name", "active": "status", "employees": "number_of_employees",
                                     "city": "address.billing.city", "region": "address.billing.region"}),
    (Item, "items", {"reference": "reference", "name": "name", "price": "sale_price.net_amount"}),
    (Invoice, "invoices", {"number": "transaction_number", "customer": "organization_id",
                           "total": "amount.total_amount"}),
]  # fmt: skip


@pytest.mark.parametrize(("model", "resource", "expected"), CASES, ids=[case[1] for case in CASES])
def test_what_it_prints_is_a_mapper_that_passes_the_checks(hub, db, load, model, resource, expected):
    text, code = run("connec_startmapper", model._meta.label, resource)
    assert code == 0
    mapper = load(model, text)
    assert problems() == []
    found = paths(mapper)
    assert {name: found.get(name) for name in expected} == expected
    assert mapper.meta.group == "company__connec_group"
    assert mapper.meta.resource == resource


@pytest.mark.parametrize("resource", ["people", "items", "company", "employees", "opportunities", "journals", "venues"])
@pytest.mark.parametrize("model", [Everything, Tracked, Place])
def test_any_model_and_any_resource(load, model, resource):
    load(model, draft_mapper(model, resource, read_schema(schema_of(resource), resource)))
    ours = registry.for_model(model)
    assert [m for m in problems() if m.obj is ours] == []


def test_what_was_not_found_stands_in_comments(hub, db):
    text, _ = run("connec_startmapper", "app.Person", "people")
    assert "    # secret (CharField)" in text
    assert "    # job_title (string)" in text
    assert "has a mapper: this one is to replace it" in text
    assert "company" not in [
        line.split(" ")[4] for line in text.splitlines() if line.startswith("    ") and "=" in line
    ]


def test_choices_and_awkward_names(load):
    schema = {
        "properties": {
            "things": {
                "items": {
                    "properties": {
                        "grade": {"type": "string", "enum": ["GOLD", "TIN"]},
                        "label": {"type": "string"},
                        "x'); import os  #": {"type": "string"},
                        "bad": {"type": "string\n    import os"},
                    }
                }
            }
        }
    }
    from django.db import models
    from django.test.utils import isolate_apps

    from django_connec.models import ConnecSyncMixin

    with isolate_apps("tests.other"):

        class Medal(ConnecSyncMixin, models.Model):
            grade = models.CharField(max_length=1, choices=[("g", "Gold"), ("t", "Tin"), ("z", "Zinc")])
            label = models.CharField(max_length=10)

            class Meta:
                app_label = "other"

    text = draft_mapper(Medal, "things", read_schema(schema, "things"))
    assert "grade = ChoiceField('grade', {'g': 'GOLD', 't': 'TIN'})" in text
    assert "label_field = Field('label', source='label')" in text
    assert "import os" not in text
    assert "delete_status = None" in text


def test_second_model_of_a_resource_claims_nothing_by_itself(load):
    text = draft_mapper(Tracked, "people", read_schema(schema_of("people"), "people"))
    mapper = load(Tracked, text)
    assert mapper.meta.id_prefix == "tracked-"
    assert not mapper.takes({"first_name": "Ines"})


def test_model_without_the_mixin_is_told_so():
    text = draft_mapper(Plain, "items", read_schema(schema_of("items"), "items"))
    assert text.startswith("# Plain must subclass")


def test_schema_from_a_file(tmp_path, settings):
    path = tmp_path / "people.json"
    path.write_text(json.dumps(schema_of("people")))
    text, code = run("connec_startmapper", "app.Person", "people", "--schema", path)
    assert (code, "email = Field('email.address')" in text) == (0, True)
    path.write_text("[]")
    assert run("connec_startmapper", "app.Person", "people", "--schema", path)[1] == 2
    assert run("connec_startmapper", "app.Person", "people", "--schema", tmp_path / "none")[1] == 2


def test_hub_that_does_not_answer(hub, db):
    hub.faults.add(Fault("status", times=-1))
    text, code = run("connec_startmapper", "app.Person", "people")
    assert (code, "--schema FILE" in text) == (2, True)
    hub.faults.clear()
    assert run("connec_startmapper", "app.Person", "spoons")[1] == 2
    assert run("connec_startmapper", "app.Nobody", "people")[1] == 2
    assert run("connec_startmapper", "app.Person", "people", "--marketplace", "none")[1] == 2


def test_one_record_of_a_resource_needs_no_match(db):
    attributes = [Attribute("name", "string"), Attribute("email.address", "string")]
    assert "match_on" in draft_mapper(Person, "people", attributes)
    assert "match_on" not in draft_mapper(Person, "company", attributes)
