from django.apps import AppConfig


class BooksConfig(AppConfig):
    name = "example_project.books"
    verbose_name = "Pelican Books"
