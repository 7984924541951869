"""Models of shapes that the invoicing application of the tests does not have. None is mapped by itself: a test
that needs a mapper registers one."""

import uuid

from django.db import models

from django_connec.models import ConnecGroup, ConnecRowMixin, ConnecSyncMixin


class Plain(models.Model):
    """The same model as ``Tracked``, without the mixin."""

    name = models.CharField(max_length=50)
    number = models.IntegerField(default=0)


class Tracked(ConnecSyncMixin, models.Model):
    name = models.CharField(max_length=50)
    number = models.IntegerField(default=0)
    code = models.CharField(max_length=20, null=True, unique=True)

    class Meta:
        # All that a host may write into a Meta of its own, beside what the mixin brings.
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=models.Q(number__gte=-1), name="other_tracked_number")]
        indexes = [models.Index(fields=["name"], name="other_tracked_name")]


class Guard(models.Model):
    """Keeps a row from being deleted."""

    tracked = models.ForeignKey(Tracked, on_delete=models.PROTECT)


class TrackedProxy(Tracked):
    class Meta:
        proxy = True


class Account(models.Model):
    """What owns companies: deleting it goes through the row that holds the group."""


class Holder(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    connec_group = models.ForeignKey(ConnecGroup, null=True, on_delete=models.SET_NULL)


class Place(ConnecSyncMixin, models.Model):
    holder = models.ForeignKey(Holder, null=True, on_delete=models.CASCADE)
    name = models.CharField(max_length=50)


class Restaurant(Place):
    stars = models.IntegerField(default=0)


class Building(models.Model):
    street = models.CharField(max_length=50)


class Shop(ConnecSyncMixin, Building):
    name = models.CharField(max_length=50)


class Ware(ConnecSyncMixin, models.Model):
    place = models.ForeignKey(Place, null=True, on_delete=models.CASCADE)
    spare = models.ForeignKey(Tracked, null=True, on_delete=models.SET_NULL, related_name="wares")
    name = models.CharField(max_length=50)


class WareLine(ConnecRowMixin, models.Model):
    """Two foreign keys to records: which one it belongs to is said."""

    connec_parent = "ware"
    ware = models.ForeignKey(Ware, on_delete=models.CASCADE, related_name="lines")
    other = models.ForeignKey(Tracked, null=True, on_delete=models.CASCADE)
    text = models.CharField(max_length=50)


class Everything(ConnecSyncMixin, models.Model):
    """A field of each type that a mapper can fill."""

    name = models.CharField(max_length=50, blank=True)
    text = models.TextField(null=True)
    small = models.SmallIntegerField(null=True)
    whole = models.IntegerField(null=True)
    big = models.BigIntegerField(null=True)
    positive = models.PositiveIntegerField(default=7)
    needed = models.IntegerField()
    ratio = models.FloatField(null=True)
    flag = models.BooleanField(null=True)
    on = models.BooleanField(default=True)
    data = models.JSONField(null=True)
    key = models.UUIDField(default=uuid.uuid4, null=True)
    hour = models.TimeField(null=True)
    span = models.DurationField(null=True)
    address = models.GenericIPAddressField(null=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    wide = models.DecimalField(max_digits=40, decimal_places=10, null=True)
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    grade = models.CharField(max_length=1, blank=True)
    target = models.ForeignKey(Tracked, null=True, on_delete=models.SET_NULL)
    strict = models.ForeignKey(Tracked, on_delete=models.CASCADE, related_name="+")


class Profile(models.Model):
    """Holds no key itself: people lead to it."""

    phone = models.CharField(max_length=30, blank=True)


class Team(ConnecSyncMixin, models.Model):
    """A team has a leader, and the leader a team: a cycle."""

    name = models.CharField(max_length=50)
    leader = models.ForeignKey("Member", null=True, on_delete=models.SET_NULL, related_name="+")


class Member(ConnecSyncMixin, models.Model):
    name = models.CharField(max_length=50)
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL)
    boss = models.ForeignKey("self", null=True, on_delete=models.SET_NULL)
    profile = models.OneToOneField(Profile, null=True, on_delete=models.SET_NULL)


class Membership(ConnecRowMixin, models.Model):
    """A list of links: the rows have no ids of their own."""

    connec_parent = "team"
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    member = models.ForeignKey(Member, on_delete=models.CASCADE)


class Desk(models.Model):
    """Behind a one-to-one relation whose key it holds itself."""

    member = models.OneToOneField(Member, on_delete=models.CASCADE, related_name="desk")
    room = models.CharField(max_length=10, blank=True)


class Deal(ConnecSyncMixin, models.Model):
    """Assigned to one kind of record or another."""

    name = models.CharField(max_length=50)
    member = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL)
    team = models.ForeignKey(Team, null=True, on_delete=models.SET_NULL)


class Lead(ConnecSyncMixin, models.Model):
    name = models.CharField(max_length=50)


class Client(ConnecSyncMixin, models.Model):
    """Refers to a model of another application."""

    name = models.CharField(max_length=50)
    employer = models.ForeignKey("app.Organization", null=True, on_delete=models.SET_NULL)
