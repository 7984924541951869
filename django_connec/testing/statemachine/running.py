"""Run the machine: a short while by default, long where the environment says so."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from django_connec.testing.statemachine.machine import ConvergenceMachine

__all__ = ["check_convergence"]

#: Name of the environment variable that says how many examples are tried; chosen anew each time, then.
EXAMPLES = "CONNEC_CONVERGENCE_EXAMPLES"


def check_convergence(machine: type[ConvergenceMachine], **options: Any) -> None:
    """Run a machine, in a test whose database really commits (``TransactionTestCase``, ``transaction=True``).

    The examples are the same each time, so that a build does not fail by chance. With the environment variable
    ``CONNEC_CONVERGENCE_EXAMPLES`` so many others are tried.

    Args:
        machine: Made by :func:`convergence_machine`.
        options: As hypothesis' ``settings`` takes them: ``max_examples``, ``stateful_step_count`` and so on.

    Raises:
        AssertionError: Both sides did not end equal, or something happened on the way that never may. The steps
            that lead there are printed.
    """
    chosen: dict[str, Any] = {
        "max_examples": 50,
        "stateful_step_count": 40,
        "derandomize": True,
        "database": None,
        "deadline": None,
        "suppress_health_check": list(HealthCheck),
        **options,
    }
    examples = os.environ.get(EXAMPLES)
    if examples:
        chosen.update(max_examples=int(examples), derandomize=False)
    run_state_machine_as_test(machine, settings=settings(**chosen))
