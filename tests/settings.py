"""Settings of the test run. ``CONNEC_TEST_DB`` chooses the database: sqlite (default), postgres, mariadb."""

import os
from pathlib import Path

BASE = Path(__file__).resolve().parent
SECRET_KEY = "only for tests"
# Nobody attacks the tests' passwords; the real ones take a quarter of a second each.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEBUG = False
USE_TZ = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "rest_framework",
    "django_q",
    "django_connec",
    "tests.app",
    "tests.other",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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

_engine = os.environ.get("CONNEC_TEST_DB", "sqlite")
_name = os.environ.get("CONNEC_TEST_DB_NAME", "connec")
if _engine == "postgres":
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "USER": os.environ.get("PGUSER", "postgres"),
            "NAME": os.environ.get("PGDATABASE", "postgres"),
            "TEST": {"NAME": f"test_{_name}"},
        }
    }
elif _engine == "mariadb":
    import pymysql

    # Django asks for mysqlclient's name and version; PyMySQL speaks the same interface and needs no compiler.
    pymysql.version_info = (2, 2, 7, "final", 0)
    pymysql.install_as_MySQLdb()
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.mysql",
            "HOST": "127.0.0.1",
            "USER": "root",
            "NAME": "test",
            "OPTIONS": {"charset": "utf8mb4"},
            "TEST": {"NAME": f"test_{_name}", "CHARSET": "utf8mb4"},
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ.get("CONNEC_TEST_SQLITE", ":memory:"),
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
        }
    }

# A cluster that a test starts works on the database of that very test run.
if os.environ.get("CONNEC_TEST_LIVE_DB"):
    DATABASES["default"]["NAME"] = os.environ["CONNEC_TEST_LIVE_DB"]

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "django_connec.sso.backends.ConnecBackend",
]

REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}

Q_CLUSTER = {
    "name": "connec-tests",
    "cluster_name": os.environ.get("CONNEC_TEST_CLUSTER", "connec-tests"),
    "workers": 1,
    "timeout": 60,
    "retry": 90,
    "max_attempts": 1,
    "poll": 0.1,
    "catch_up": False,
    "scheduler": False,
}
if os.environ.get("CONNEC_TEST_BROKER") == "redis":
    Q_CLUSTER["redis"] = {"host": "127.0.0.1", "port": 6379, "socket_timeout": 5, "socket_connect_timeout": 2}
else:
    Q_CLUSTER["orm"] = "default"

CONNEC = {
    "PROVIDER": "acme-books",
    "MARKETPLACES": {
        "default": {
            "API_ID": "app-1a2b",
            "API_KEY": "key of the first",
            # Nobody listens here: a test that means to reach a hub starts one and overrides this.
            "CONNEC_HOST": os.environ.get("CONNEC_TEST_HUB", "http://127.0.0.1:9"),
        },
    },
}
