from example_project.books.models import Company
from example_project.linking import LinkCommand


class Command(LinkCommand):
    tenant = Company
