from django_connec.mapping import (
    ChoiceField,
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    Mapper,
    Nested,
    Reference,
    register,
)

from .models import Invoice, Item, Organization, Person


@register(Organization)
class OrganizationMapper(Mapper):
    class Meta:
        resource = "organizations"
        group = "company__connec_group"
        match_on = ["name"]

    name = Field()
    active = ChoiceField("status", {True: "ACTIVE", False: "INACTIVE"})
    employees = Field("number_of_employees")
    city = Field("address.billing.city")
    region = Field("address.billing.region")


@register(Person)
class PersonMapper(Mapper):
    class Meta:
        resource = "people"
        group = "company__connec_group"
        match_on = ["email.address"]

    first_name = Field()
    last_name = Field()
    email = Field("email.address")
    born = DateField("birth_date")
    active = ChoiceField("status", {True: "ACTIVE", False: "INACTIVE"})
    employer = Reference("organization_id")


@register(Item)
class ItemMapper(Mapper):
    class Meta:
        resource = "items"
        group = "company__connec_group"

    reference = Field()
    name = Field()
    price = DecimalField("sale_price.net_amount")
    currency = Field("sale_price.currency")
    available_from = DateTimeField("start_date")
    parent = Reference("parent_item_id")


class LineMapper(Mapper):
    description = Field()
    quantity = DecimalField()
    price = DecimalField("unit_price.net_amount")
    item = Reference("item_id")


@register(Invoice)
class InvoiceMapper(Mapper):
    class Meta:
        resource = "invoices"
        group = "company__connec_group"

    number = Field("transaction_number")
    customer = Reference("organization_id")
    total = DecimalField("amount.total_amount")
    lines = Nested("lines", LineMapper)
