from example_project.desk.models import Workspace
from example_project.linking import LinkCommand


class Command(LinkCommand):
    tenant = Workspace
