"""manage.py check, on whole projects in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BARE = """
SECRET_KEY = "x"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_connec"{apps}]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
"""
MODELS = """
from django.db import models
from django_connec.models import ConnecManager, ConnecQuerySet, ConnecRowMixin, ConnecSyncMixin


class DatabaseOnDelete:
    # What Django 6.1 calls models.DB_CASCADE.
    forced_collector = False

    def __call__(self, collector, field, sub_objs, using):
        pass


class Good(ConnecSyncMixin, models.Model):
    class Query(ConnecQuerySet):
        pass

    objects = ConnecManager.from_queryset(Query)()
    mine = Query.as_manager()


class OwnManager(ConnecSyncMixin, models.Model):
    objects = models.Manager()


class Cascading(ConnecSyncMixin, models.Model):
    good = models.ForeignKey(Good, on_delete=DatabaseOnDelete())


class Lost(ConnecRowMixin, models.Model):
    pass


class Torn(ConnecRowMixin, models.Model):
    one = models.ForeignKey(Good, on_delete=models.CASCADE, related_name="+")
    two = models.ForeignKey(Good, on_delete=models.CASCADE, related_name="+")


class Said(ConnecRowMixin, models.Model):
    connec_parent = "one"
    objects = models.Manager()
    one = models.ForeignKey(Good, on_delete=models.CASCADE, related_name="+")
    two = models.ForeignKey(Good, on_delete=models.CASCADE, related_name="+")
"""


@pytest.fixture
def check(tmp_path):
    def run(settings: str, *options: str, **modules: str) -> str:
        for name, text in {"their_settings": settings, **modules}.items():
            (tmp_path / f"{name}.py").parent.mkdir(exist_ok=True)
            path = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
            "DJANGO_SETTINGS_MODULE": "their_settings",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(
            [sys.executable, "-m", "django", "check", *options],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout + done.stderr

    return run


def test_bare_project_is_silent(check):
    assert check(BARE.format(apps=""), "--fail-level", "WARNING") == (
        "System check identified no issues (0 silenced).\n"
    )


def test_project_of_the_tests_is_silent(check):
    assert "no issues" in check("from tests.settings import *", "--fail-level", "WARNING")


def test_models_that_would_let_changes_go_unnoticed(check):
    output = check(BARE.format(apps=', "theirs"'), theirs__models=MODELS, theirs____init__="")
    lines = [line for line in output.splitlines() if "(django_connec." in line]
    assert len(lines) == 5, output
    for words in (
        '(django_connec.W002) The manager "objects" of theirs.OwnManager does not notice bulk changes.',
        '(django_connec.W003) The manager "objects" of theirs.Said marks no record when rows change in bulk.',
        '(django_connec.E201) "good" of theirs.Cascading is changed by the database itself',
        "(django_connec.E202) theirs.Lost does not say which record its rows belong to.",
        "(django_connec.E202) theirs.Torn does not say which record its rows belong to.",
    ):
        assert any(words in line for line in lines), (words, output)
