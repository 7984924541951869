from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "example_project.desk"
    verbose_name = "Otter Desk"
