from django.apps import AppConfig


class BooksConfig(AppConfig):
    name = "example_project.books"
    verbose_name = "Pelican Books"

    def ready(self) -> None:
        from example_project import receivers  # noqa: F401 - receivers are found by being imported
