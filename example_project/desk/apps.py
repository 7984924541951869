from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "example_project.desk"
    verbose_name = "Otter Desk"

    def ready(self) -> None:
        from example_project import receivers  # noqa: F401 - receivers are found by being imported
