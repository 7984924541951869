"""The demonstration: ``python -m example_project.demo``, which is what ``make demo`` runs."""
