"""A small host project of its own uses the kit, under pytest and under Django's test runner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.project import DOCS, ROOT, build_project, read_page, run

#: Nobody is there; nothing may try to reach it.
HOST = "http://127.0.0.1:9"
#: What the installed package's metadata says, for a run in which it is not installed from here.
ENTRY_POINT = "[pytest11]\ndjango_connec.testing.plugin = django_connec.testing.plugin\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = build_project(read_page(DOCS / "testing.md"), tmp_path_factory.mktemp("project"))
    run(folder, HOST, "manage.py", "makemigrations", "books")
    return folder


def test_under_djangos_test_runner(project):
    done = subprocess.run(
        [sys.executable, "manage.py", "test", "test_with_unittest"],
        cwd=project,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 3 tests" in done.stderr


def test_the_plugin_is_found_by_its_entry_point_and_loaded_once(project, tmp_path):
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert (
        '[project.entry-points.pytest11]\n"django_connec.testing.plugin" = "django_connec.testing.plugin"' in declared
    )
    metadata = tmp_path / "kit_under_test-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: kit-under-test\nVersion: 1\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(ENTRY_POINT, encoding="utf-8")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": os.pathsep.join([str(project), str(ROOT), str(tmp_path)]),
    }
    for options in ((), ("-p", "django_connec.testing.plugin")):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, "test_customers.py"],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "4 passed" in done.stdout


def test_the_plugin_costs_a_project_nothing_that_does_not_use_it(project):
    """Neither Django nor the engine is imported before a fixture is asked for."""
    code = (
        "import sys, django_connec.testing.plugin as p;"
        "heavy = [n for n in sys.modules if n.startswith(('django_connec.models', 'django_connec.client', 'hypothesis',"
        " 'requests', 'django.db', 'django_connec.sandbox'))];"
        "print(heavy)"
    )
    assert run(project, HOST, "-c", code).strip() == "[]"
