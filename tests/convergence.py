"""The state machine of this project's own models."""

from __future__ import annotations

from hypothesis import strategies as st

from django_connec.testing.statemachine import RowModel, convergence_machine
from tests.app.models import Invoice, Item, Organization, Person

Machine = convergence_machine(
    RowModel(Organization),
    # The hub refuses people without any name.
    RowModel(Person, values={"first_name": st.sampled_from(["Ines", "Tomas", "Wei"])}),
    RowModel(Item),
    RowModel(Invoice),
)
