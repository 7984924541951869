"""Settings of the measurements: those of the tests, with a database on disk and the measured models."""

import os

from tests.settings import *  # noqa: F403 - settings are every name of a module
from tests.settings import DATABASES, INSTALLED_APPS

# The tests' own mappers would claim the same records.
INSTALLED_APPS = [*(name for name in INSTALLED_APPS if not name.startswith("tests.")), "benchmarks.app"]
ROOT_URLCONF = "tests.urls"
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["NAME"] = os.environ["CONNEC_BENCH_FILE"]
else:
    DATABASES["default"]["NAME"] = os.environ["CONNEC_BENCH_DB"]
