"""The account API: customers and users as the marketplace knows them, and what customers are billed."""

from django_connec.accounts.api import AccountClient
from django_connec.accounts.values import AccountGroup, AccountUser, Bill, Period, RecurringBill

__all__ = ["AccountClient", "AccountGroup", "AccountUser", "Bill", "Period", "RecurringBill"]
