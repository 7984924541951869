"""The state machine of this project's own models."""

from __future__ import annotations

from hypothesis import strategies as st

from django_connec.testing.statemachine import RowModel, convergence_machine
from tests.app.models import Invoice, Item, Organization, Person

# The hub refuses people without any name.
people = RowModel(Person, values={"first_name": st.sampled_from(["Ines", "Tomas", "Wei"])})

Machine = convergence_machine(RowModel(Organization), people, RowModel(Item), RowModel(Invoice))

#: Without rows inside records: what goes wrong with a record is found sooner where less can happen.
RecordsMachine = convergence_machine(people, RowModel(Item))
#: With little else.
RowsMachine = convergence_machine(RowModel(Invoice, deletes=False))
