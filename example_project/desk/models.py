"""A helpdesk. It knows the same people and organisations as Pelican Books, under names of its own."""

from django.db import models

from django_connec.models import ConnecGroup, ConnecSyncMixin


class Workspace(models.Model):
    """One customer of this application; every other row belongs to one."""

    name = models.CharField(max_length=100)
    connec_group = models.ForeignKey(ConnecGroup, null=True, blank=True, on_delete=models.SET_NULL)

    def __str__(self) -> str:
        return self.name


class Client(ConnecSyncMixin, models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    title = models.CharField(max_length=200)
    town = models.CharField(max_length=100, blank=True)
    staff = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["title", "pk"]

    def __str__(self) -> str:
        return self.title


class Contact(ConnecSyncMixin, models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    given_name = models.CharField(max_length=100, blank=True)
    family_name = models.CharField(max_length=100, blank=True)
    mail = models.EmailField(blank=True)
    phone = models.CharField(max_length=50, blank=True)
    client = models.ForeignKey(Client, null=True, blank=True, on_delete=models.SET_NULL)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["family_name", "given_name", "pk"]

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}".strip() or self.mail


class Ticket(models.Model):
    """Not shared: it has neither the mixin nor a mapper."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    subject = models.CharField(max_length=200)
    is_closed = models.BooleanField(default=False)
    opened_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-opened_at"]

    def __str__(self) -> str:
        return self.subject
