from django.contrib import admin

from django_connec.admin import ConnecSyncAdminMixin

from .models import Account, Company, Invoice, Item, Organization, Person


@admin.register(Company)
class CompanyAdmin(admin.ModelAdmin):
    list_display = ["name", "connec_group"]


class SharedAdmin(ConnecSyncAdminMixin, admin.ModelAdmin):
    """Rows that are shared: the list says of each whether the hub has it as it is here."""

    list_filter = ["company"]


@admin.register(Organization)
class OrganizationAdmin(SharedAdmin):
    list_display = ["name", "city", "employees", "active"]
    search_fields = ["name", "city"]


@admin.register(Person)
class PersonAdmin(SharedAdmin):
    list_display = ["first_name", "last_name", "email", "phone", "employer"]
    list_select_related = ["employer"]
    search_fields = ["first_name", "last_name", "email"]
    autocomplete_fields = ["employer"]


@admin.register(Item)
class ItemAdmin(SharedAdmin):
    list_display = ["name", "reference", "price", "currency"]
    search_fields = ["name", "reference"]


@admin.register(Account)
class AccountAdmin(SharedAdmin):
    list_display = ["code", "name", "balance", "active"]
    search_fields = ["code", "name"]


@admin.register(Invoice)
class InvoiceAdmin(SharedAdmin):
    list_display = ["number", "title", "customer", "date", "status", "total"]
    list_select_related = ["customer"]
    search_fields = ["number", "title"]
    autocomplete_fields = ["customer"]
