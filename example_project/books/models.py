"""Customers, items and invoices. ``ConnecSyncMixin`` is all that sharing asks of a model."""

from django.db import models

from django_connec.models import ConnecGroup, ConnecSyncMixin


class Company(models.Model):
    """One customer of this application; every other row belongs to one."""

    name = models.CharField(max_length=100)
    connec_group = models.ForeignKey(ConnecGroup, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name


class Organization(ConnecSyncMixin, models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    name = models.CharField(max_length=200)
    industry = models.CharField(max_length=100, blank=True)
    employees = models.IntegerField(null=True, blank=True)
    website = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    # Some applications write a whole address into its first line.
    street = models.TextField(blank=True)
    city = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=100, blank=True)
    is_customer = models.BooleanField(default=True)
    is_supplier = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Person(ConnecSyncMixin, models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    job_title = models.CharField(max_length=100, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=50, blank=True)
    born = models.DateField(null=True, blank=True)
    active = models.BooleanField(default=True)
    employer = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ["last_name", "first_name", "pk"]
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email


class Item(ConnecSyncMixin, models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    reference = models.CharField(max_length=50, blank=True)
    name = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Account(ConnecSyncMixin, models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    code = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    classification = models.CharField(max_length=200, blank=True)
    balance = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code", "pk"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Invoice(ConnecSyncMixin, models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft"
        SUBMITTED = "submitted"
        AUTHORISED = "authorised"
        PAID = "paid"
        VOIDED = "voided"
        INACTIVE = "inactive"

    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    number = models.CharField(max_length=50, blank=True)
    title = models.CharField(max_length=200, blank=True)
    customer = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.SET_NULL)
    date = models.DateField(null=True, blank=True)
    due = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    total = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    balance = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)

    class Meta:
        ordering = ["-date", "number", "pk"]

    def __str__(self) -> str:
        return self.number or self.title
