"""Models of an invoicing application, as a host would write them."""

from django.db import models

from django_connec.models import ConnecGroup, ConnecRowMixin, ConnecSyncMixin


class Company(models.Model):
    name = models.CharField(max_length=100)
    connec_group = models.ForeignKey(ConnecGroup, null=True, blank=True, on_delete=models.SET_NULL)


class Organization(ConnecSyncMixin, models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)
    active = models.BooleanField(default=True)
    employees = models.IntegerField(null=True, blank=True)
    city = models.CharField(max_length=50, blank=True)
    region = models.CharField(max_length=50, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        # A host's own Meta must not lose the mixin's constraint and indexes.
        ordering = ["name"]


class Person(ConnecSyncMixin, models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    first_name = models.CharField(max_length=50, blank=True)
    last_name = models.CharField(max_length=50, blank=True)
    email = models.EmailField(blank=True)
    born = models.DateField(null=True, blank=True)
    active = models.BooleanField(default=True)
    employer = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.SET_NULL)
    secret = models.CharField(max_length=50, blank=True)


class Item(ConnecSyncMixin, models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    reference = models.CharField(max_length=30, blank=True)
    name = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    available_from = models.DateTimeField(null=True, blank=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)


class Invoice(ConnecSyncMixin, models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    number = models.CharField(max_length=30)
    customer = models.ForeignKey(Organization, null=True, on_delete=models.CASCADE)
    total = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)


class InvoiceLine(ConnecRowMixin, models.Model):
    connec_parent = "invoice"
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    description = models.CharField(max_length=100)
    quantity = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    item = models.ForeignKey(Item, null=True, blank=True, on_delete=models.SET_NULL)


class PersonProxy(Person):
    class Meta:
        proxy = True
