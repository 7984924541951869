"""The people of the marketplace: users, groups, who belongs to which, and what they are billed."""

from django_connec.sandbox.accounts.directory import Accounts
from django_connec.sandbox.accounts.entities import ROLES, GroupProfile, Membership, Registration, User

__all__ = ["ROLES", "Accounts", "GroupProfile", "Membership", "Registration", "User"]
