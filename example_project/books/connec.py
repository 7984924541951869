"""How each model corresponds to a resource of the hub: one declaration, both directions."""

from django_connec.mapping import BooleanField, ChoiceField, DateField, DecimalField, Field, Mapper, Reference, register

from .models import Account, Invoice, Item, Organization, Person

ACTIVE = {True: "ACTIVE", False: "INACTIVE"}


@register(Organization)
class OrganizationMapper(Mapper):
    class Meta:
        resource = "organizations"
        group = "company__connec_group"
        match_on = ["name"]

    name = Field()
    industry = Field()
    employees = Field("number_of_employees")
    website = Field("website.url")
    phone = Field("phone.landline")
    # The parts of an address that are not mapped (region, postal code …) stay as the hub has them.
    street = Field("address.billing.line1")
    city = Field("address.billing.city")
    country = Field("address.billing.country")
    is_customer = BooleanField()
    is_supplier = BooleanField()
    active = ChoiceField("status", ACTIVE)


@register(Person)
class PersonMapper(Mapper):
    class Meta:
        resource = "people"
        group = "company__connec_group"
        match_on = ["email.address"]

    first_name = Field()
    last_name = Field()
    job_title = Field()
    email = Field("email.address")
    phone = Field("phone_work.landline")
    born = DateField("birth_date")
    active = ChoiceField("status", ACTIVE)
    employer = Reference("organization_id")


@register(Item)
class ItemMapper(Mapper):
    class Meta:
        resource = "items"
        group = "company__connec_group"
        match_on = ["reference"]

    reference = Field()
    name = Field()
    price = DecimalField("sale_price.net_amount")
    currency = Field("sale_price.currency")
    active = ChoiceField("status", ACTIVE)


@register(Account)
class AccountMapper(Mapper):
    class Meta:
        resource = "accounts"
        group = "company__connec_group"
        match_on = ["code"]
        # An account that is deleted here may well be in use in other books.
        delete_status = None

    code = Field()
    name = Field()
    description = Field()
    classification = Field(direction="pull")
    balance = DecimalField("current_balance", direction="pull")
    active = ChoiceField("status", ACTIVE)


@register(Invoice)
class InvoiceMapper(Mapper):
    class Meta:
        resource = "invoices"
        group = "company__connec_group"
        # The hub keeps suppliers' bills in the same resource; they are not ours.
        when = {"type": "CUSTOMER"}

    number = Field("transaction_number")
    title = Field()
    customer = Reference("organization_id")
    date = DateField("transaction_date")
    due = DateField("due_date")
    status = ChoiceField("status", {status.value: status.name for status in Invoice.Status})
    total = DecimalField("amount.total_amount")
    balance = DecimalField()
