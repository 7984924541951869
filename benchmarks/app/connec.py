from django_connec.mapping import BooleanField, ChoiceField, DateField, Field, Mapper, Reference, register

from .models import Organization, Person


@register(Organization)
class OrganizationMapper(Mapper):
    class Meta:
        resource = "organizations"
        group = "company__connec_group"

    name = Field()


@register(Person)
class PersonMapper(Mapper):
    class Meta:
        resource = "people"
        group = "company__connec_group"

    first_name = Field()
    last_name = Field()
    title = Field()
    job_title = Field()
    email = Field("email.address")
    phone = Field("phone_work.landline")
    mobile = Field("phone_work.mobile")
    street = Field("address_work.billing.line1")
    city = Field("address_work.billing.city")
    postal_code = Field("address_work.billing.postal_code")
    country = Field("address_work.billing.country")
    born = DateField("birth_date")
    is_customer = BooleanField()
    active = ChoiceField("status", {True: "ACTIVE", False: "INACTIVE"})
    employer = Reference("organization_id")
