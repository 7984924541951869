"""Settle conflicts: what an operator decides is acted on, and what is no conflict any more is closed by itself."""

from django_connec.settling.choices import Settled, settle
from django_connec.settling.due import settle_due
from django_connec.settling.matches import candidates, choose_row

__all__ = ["Settled", "candidates", "choose_row", "settle", "settle_due"]
