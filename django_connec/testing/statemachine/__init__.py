"""Whatever happens to a host's models and mappers, both sides end equal: a state machine for hypothesis.

Machine = convergence_machine(RowModel(Customer), RowModel(Invoice))

@pytest.mark.django_db(transaction=True)
def test_both_sides_end_equal():
    check_convergence(Machine)
"""

from django_connec.testing.statemachine.machine import ConvergenceMachine, convergence_machine
from django_connec.testing.statemachine.rows import RowModel
from django_connec.testing.statemachine.running import check_convergence
from django_connec.testing.statemachine.workers import Killed
from django_connec.testing.statemachine.world import World

__all__ = ["ConvergenceMachine", "Killed", "RowModel", "World", "check_convergence", "convergence_machine"]
