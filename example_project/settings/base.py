"""What both applications have in common."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("CONNEC_DEMO_DIR", BASE_DIR / ".demo"))
DATA_DIR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = "for the demonstration only, never for anything that can be reached"
DEBUG = os.environ.get("DEBUG", "").lower() in ("1", "true", "yes")
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
USE_TZ = True
ROOT_URLCONF = "example_project.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Each settings module appends its own application.
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_q",
    "django_connec",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_connec.sso.middleware.SessionRecheckMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "django_connec.sso.backends.ConnecBackend",
]
# Whoever is not signed on goes to the marketplace, and comes back to the page of his company.
LOGIN_URL = "django_connec:sso-init-default"
LOGIN_REDIRECT_URL = "home"

# The queue lives in the database: a task is stored together with the change that it is for.
Q_CLUSTER = {
    "orm": "default",
    "workers": 1,
    "timeout": 120,
    "retry": 180,
    # django_connec keeps count of its own attempts.
    "max_attempts": 1,
    "poll": 0.5,
    "catch_up": False,
}


def sqlite(name: str) -> dict[str, dict[str, object]]:
    """Return ``DATABASES``: web server and queue write to one file, so a transaction locks it when it begins."""
    return {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / f"{name}.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
        }
    }


def connec(provider: str, api_id: str, api_key: str) -> dict[str, object]:
    """Return ``CONNEC``: who we are, and the one marketplace that we belong to."""
    return {
        "PROVIDER": provider,
        "MARKETPLACES": {
            "default": {
                "API_ID": os.environ.get("CONNEC_API_ID", api_id),
                "API_KEY": os.environ.get("CONNEC_API_KEY", api_key),
                "CONNEC_HOST": os.environ.get("CONNEC_HOST", "http://127.0.0.1:8765"),
                # The sandbox is both the hub and the marketplace.
                "API_HOST": os.environ.get("CONNEC_HOST", "http://127.0.0.1:8765"),
                "APP_HOST": os.environ.get("CONNEC_APP_HOST", "http://127.0.0.1:8000"),
                "SSO_X509_CERTIFICATE": os.environ.get("CONNEC_CERTIFICATE"),
            }
        },
    }
