"""Pelican Books: customers, items and invoices."""

from .base import *  # noqa: F403 - settings are every name of a module
from .base import INSTALLED_APPS, Q_CLUSTER, connec, sqlite

SITE_NAME = "Pelican Books"
HOST_APP = "books"
# What a customer is called in the models.
HOST_TENANT = "company"
INSTALLED_APPS = [*INSTALLED_APPS, "example_project.books"]
DATABASES = sqlite("books")
Q_CLUSTER = {**Q_CLUSTER, "name": "books"}
CONNEC = connec("pelican-books", "app-books", "key of Pelican Books")
# Cookies know no ports: two applications on one host would log each other out.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "books_session", "books_csrf"
