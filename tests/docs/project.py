"""A Django project made of the code on a page of the documentation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LABEL = re.compile(r"^`([\w.]+\.py)`.*:$")
MANAGE = re.compile(r"^python manage\.py (.+)$", re.MULTILINE)

#: Commands that serve until they are stopped.
SERVING = frozenset({"connec_sandbox", "qcluster"})
#: What a project has already when its developer opens the page.
SETTINGS = """
INSTALLED_APPS += ["books"]
DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20}
"""
#: Runs the steps of a page, one after the other, in one namespace.
RUNNER = """
import importlib.util, json, sys
import django
from django.core.management import call_command
django.setup()
if importlib.util.find_spec("books.receivers"):
    import books.receivers
call_command("check", fail_level="WARNING")
call_command("makemigrations", "books", verbosity=0)
call_command("migrate", verbosity=0)
names = {"__name__": "__page__"}
for where, kind, content in json.loads(sys.stdin.read()):
    if kind == "command":
        call_command(*content.split())
    else:
        exec(compile(content, where, "exec"), names)
"""


@dataclass
class Page:
    """The code of one page: files by name, and the steps in order."""

    path: Path
    files: dict[str, str] = field(default_factory=dict)
    steps: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def commands(self) -> list[str]:
        return [content for _, kind, content in self.steps if kind == "command"]


def read_page(path: Path) -> Page:
    page = Page(path)
    text = path.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        language, content = match.groups()
        before = text[: match.start()].rstrip("\n")
        where = f"{path.relative_to(ROOT)}:{before.count(chr(10)) + 2}"
        label = LABEL.match(before.rpartition("\n")[2])
        if language == "python" and label:
            page.files[label[1]] = page.files.get(label[1], "") + "\n" + content
        elif language == "python":
            page.steps.append((where, "script", content))
        elif language == "console":
            page.steps += [(where, "command", line) for line in MANAGE.findall(content)]
    return page


def build_project(page: Page, folder: Path) -> Path:
    """Make a project as ``startproject`` and ``startapp`` do, and put the page's files in.

    A page without models is about those of the README.
    """
    readme = read_page(ROOT / "README.md")
    files = dict(page.files)
    if "models.py" not in files:
        files = {name: readme.files[name] for name in ("models.py", "connec.py")} | files
    for name in ("settings.py", "urls.py"):
        files.setdefault(name, readme.files[name])
    call_command("startproject", "config", str(folder))
    (folder / "books").mkdir()
    call_command("startapp", "books", str(folder / "books"))
    for name, content in files.items():
        if name == "settings.py":
            settings = folder / "config" / name
            settings.write_text(settings.read_text(encoding="utf-8") + SETTINGS + content, encoding="utf-8")
        elif name == "urls.py":
            (folder / "config" / name).write_text(content, encoding="utf-8")
        elif name == "conftest.py" or name.startswith("test_"):
            (folder / name).write_text(content, encoding="utf-8")
        else:
            (folder / "books" / name).write_text(content, encoding="utf-8")
    return folder


def run(folder: Path, url: str, *arguments: str, stdin: str = "") -> str:
    """Run Python in the project; returns what it printed."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CONNEC_HOST": url,
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(arguments)[:200]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_page(page: Page, folder: Path, url: str) -> str:
    """Run all steps of a page that come to an end."""
    steps = [step for step in page.steps if step[1] == "script" or step[2].split()[0] not in SERVING]
    return run(folder, url, "-c", RUNNER, stdin=json.dumps(steps))
