"""Link a customer by hand. In production single sign-on hands over the group's id; see the documentation."""

from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandParser
from django.db import models, transaction

from django_connec.models import ConnecGroup


class LinkCommand(BaseCommand):
    help = "Link a customer to its group at the hub."
    #: The application's own model of a customer, with a foreign key ``connec_group``.
    tenant: ClassVar[type[models.Model]]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--group", required=True, help="The group's id at the hub, for example cld-7p2k.")
        parser.add_argument("--org", required=True, help="The organisation's id at the hub.")
        parser.add_argument("--name", required=True, help="The customer's name.")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            key = {"marketplace": "default", "uid": options["group"]}
            group = ConnecGroup.objects.filter(**key).first() or ConnecGroup(**key)
            group.name, group.org_uid = options["name"], options["org"]
            group.link()
            self.tenant._default_manager.update_or_create(connec_group=group, defaults={"name": options["name"]})
        self.stdout.write(f'{self.tenant.__name__} "{options["name"]}" is linked to the group {group.uid}.')
