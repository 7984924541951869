"""The same resources as in Pelican Books, in another shape."""

from django_connec.mapping import ChoiceField, Field, Mapper, Reference, register

from .models import Client, Contact


@register(Client)
class ClientMapper(Mapper):
    class Meta:
        resource = "organizations"
        group = "workspace__connec_group"
        match_on = ["name"]

    title = Field("name")
    town = Field("address.billing.city")
    staff = Field("number_of_employees")


@register(Contact)
class ContactMapper(Mapper):
    class Meta:
        resource = "people"
        group = "workspace__connec_group"
        match_on = ["email.address"]

    given_name = Field("first_name")
    family_name = Field("last_name")
    mail = Field("email.address")
    phone = Field("phone_work.landline")
    client = Reference("organization_id")
    is_active = ChoiceField("status", {True: "ACTIVE", False: "INACTIVE"})
