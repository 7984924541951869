"""Parts of blocks that nobody maps, and references by ids of our own."""

from __future__ import annotations

import pytest

from django_connec.inbound import apply_records
from django_connec.mapping import Field
from django_connec.models import ConnecGroup, ParkedRecord
from tests.app.models import Item, Organization
from tests.mappers import registering

pytestmark = pytest.mark.django_db


def test_parts_of_blocks_that_nobody_maps_are_kept_until_the_hub_drops_them(group, company):
    with registering() as add:
        meta = {"group": "company__connec_group"}
        add(Organization, "projects", meta, city=Field("address.city"), region=Field("contact.name"))

        def apply(day, **attributes):
            record = {"id": "p-1", "updated_at": f"2026-01-{day:02}T00:00:00Z", **attributes}
            apply_records(group, "projects", [record], source="webhook")
            return (Organization.objects.get().connec_state or {}).get("r")

        address, contact = {"city": "Cairns", "country": "Australia"}, {"name": "Ines", "role": "owner"}
        kept = {"address": {"country": "Australia"}, "contact": {"role": "owner"}}
        assert apply(1, address=address, contact=contact) == kept
        # What a record does not mention stays as last seen.
        assert apply(2, contact={**contact, "role": "clerk"}) == {**kept, "contact": {"role": "clerk"}}
        assert apply(3, address={"city": "Cairns"}) == {"contact": {"role": "clerk"}}
        assert apply(4, contact=None) is None


def test_reference_by_our_own_id_leads_to_our_row_of_the_same_group(group, company):
    parent = Item.objects.create(company=company, name="Parent")
    foreign = ConnecGroup.objects.create(uid="cld-other")
    theirs = Item.objects.create(name="Theirs", company=type(company).objects.create(connec_group=foreign))

    def child(n, key, **entry):
        ids = [{"provider": "acme-books", "realm": group.uid, "id": str(key), **entry}]
        return {"id": f"item-{n}", "name": f"Child {n}", "parent_item_id": ids}

    assert apply_records(group, "items", [child(1, parent.pk)], source="webhook").counts() == {"created": 1}
    assert Item.objects.get(name="Child 1").parent == parent
    # Not a row of another customer, nor one that another application or another account calls so.
    others = [child(2, theirs.pk), child(3, parent.pk, provider="other"), child(4, parent.pk, realm="cld-other")]
    apply_records(group, "items", others, source="webhook")
    assert not Item.objects.filter(name__in=["Child 2", "Child 3", "Child 4"], parent__isnull=False).exists()
    assert ParkedRecord.objects.count() == 3, "written without it, and waiting for it"
