"""A person of fifteen mapped fields, with and without the mixin."""

from django.db import models

from django_connec.models import ConnecGroup, ConnecSyncMixin


class Company(models.Model):
    connec_group = models.ForeignKey(ConnecGroup, null=True, on_delete=models.SET_NULL)


class Organization(ConnecSyncMixin, models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)


class Fields(models.Model):
    first_name = models.CharField(max_length=50, blank=True)
    last_name = models.CharField(max_length=50, blank=True)
    title = models.CharField(max_length=20, blank=True)
    job_title = models.CharField(max_length=50, blank=True)
    email = models.CharField(max_length=100, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    mobile = models.CharField(max_length=50, blank=True)
    street = models.CharField(max_length=100, blank=True)
    city = models.CharField(max_length=50, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=50, blank=True)
    born = models.DateField(null=True)
    is_customer = models.BooleanField(default=True)
    active = models.BooleanField(default=True)

    class Meta:
        abstract = True


class Person(ConnecSyncMixin, Fields):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    employer = models.ForeignKey(Organization, null=True, on_delete=models.SET_NULL)


class PlainPerson(Fields):
    company = models.ForeignKey(Company, on_delete=models.CASCADE)
    employer = models.ForeignKey(Organization, null=True, on_delete=models.SET_NULL)
    remote_id = models.CharField(max_length=64, unique=True)
