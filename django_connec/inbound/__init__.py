"""The hub's records to local rows: one path for webhooks, imports, polls, retries and answers to pushes."""

from django_connec.inbound.apply import apply_records
from django_connec.inbound.outcome import Outcome

__all__ = ["Outcome", "apply_records"]
