from django.contrib import admin

from django_connec.admin import ConnecSyncAdminMixin

from .models import Client, Contact, Ticket, Workspace


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin):
    list_display = ["name", "connec_group"]


@admin.register(Client)
class ClientAdmin(ConnecSyncAdminMixin, admin.ModelAdmin):
    list_display = ["title", "town", "staff"]
    search_fields = ["title", "town"]


@admin.register(Contact)
class ContactAdmin(ConnecSyncAdminMixin, admin.ModelAdmin):
    list_display = ["given_name", "family_name", "mail", "phone", "client", "is_active"]
    list_select_related = ["client"]
    search_fields = ["given_name", "family_name", "mail"]
    autocomplete_fields = ["client"]


@admin.register(Ticket)
class TicketAdmin(admin.ModelAdmin):
    list_display = ["subject", "contact", "is_closed"]
    autocomplete_fields = ["contact"]
