"""Otter Desk: a helpdesk."""

from .base import *  # noqa: F403 - settings are every name of a module
from .base import INSTALLED_APPS, Q_CLUSTER, connec, sqlite

SITE_NAME = "Otter Desk"
HOST_APP = "desk"
# What a customer is called in the models.
HOST_TENANT = "workspace"
INSTALLED_APPS = [*INSTALLED_APPS, "example_project.desk"]
DATABASES = sqlite("desk")
Q_CLUSTER = {**Q_CLUSTER, "name": "desk"}
CONNEC = connec("otter-desk", "app-desk", "key of Otter Desk")
# Cookies know no ports: two applications on one host would log each other out.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "desk_session", "desk_csrf"
