"""What the documentation shows runs, and what it lists is what the code has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from django_connec import conf, signals
from django_connec.mapping.mapper import MapperOptions
from django_connec.models import Conflict
from django_connec.sandbox import SandboxHub
from django_connec.testing import plugin
from tests.docs.project import DOCS, ROOT, SERVING, build_project, read_page, run, run_page

PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
RUN = [page for page in PAGES if page.name != "README.md" and "```python" in page.read_text(encoding="utf-8")]
API_ID, API_KEY, GROUP, ORG = "app-1a2b", "only-for-the-sandbox", "cld-7p2k", "org-1"


@pytest.fixture
def hub() -> Iterator[tuple[SandboxHub, str]]:
    instance = SandboxHub(delay=0.0)
    instance.add_application(API_ID, API_KEY)
    instance.add_group(GROUP, api_id=API_ID, org=ORG)
    with instance.serve() as url:
        yield instance, url
    instance.close()


def rows(name: str) -> list[list[str]]:
    """Return the cells of all tables of a page, without their heads."""
    text = (DOCS / name).read_text(encoding="utf-8")
    # A bar inside code does not end a cell, but no page has one.
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_readme_leads_to_a_pushed_record(hub: tuple[SandboxHub, str], tmp_path: Any) -> None:
    sandbox, url = hub
    page = read_page(ROOT / "README.md")
    folder = build_project(page, tmp_path)
    run(folder, url, "manage.py", "check", "--fail-level", "WARNING")
    printed = {}
    for _, kind, content in page.steps:
        if kind == "script":
            run(folder, url, "manage.py", "shell", "-c", content)
        elif content.split()[0] not in SERVING:
            printed[content] = run(folder, url, "manage.py", *content.split())
    record = sandbox.by_external(ORG, "people", "acme-books", GROUP, "1")
    assert record is not None
    assert record["first_name"] == "Ines"
    assert record["email"] == {"address": "ines@pelican.example"}
    shown = re.search(r"`connec_drain` prints `(.+?)`", page.path.read_text(encoding="utf-8"))
    assert shown is not None
    assert printed["connec_drain"].strip() == shown[1]


def test_the_sandbox_listens_where_the_settings_look() -> None:
    parser = load_command_class("django_connec", "connec_sandbox").create_parser("manage.py", "connec_sandbox")
    for path in (ROOT / "README.md", DOCS / "quickstart.md"):
        page = read_page(path)
        command = next(command for command in page.commands if command.startswith("connec_sandbox"))
        options = parser.parse_args(command.split()[1:])
        for value in (f"http://127.0.0.1:{options.port}", options.api_id, options.api_key):
            assert f'"{value}"' in page.files["settings.py"]
        assert f'"{options.group}"' in page.path.read_text(encoding="utf-8")


def test_readme_runs_every_step() -> None:
    page = read_page(ROOT / "README.md")
    assert set(page.files) == {"settings.py", "models.py", "connec.py", "urls.py"}
    names = [command.split()[0] for command in page.commands]
    assert names == [
        "makemigrations",
        "migrate",
        "connec_sandbox",
        "connec_import",
        "connec_drain",
        "connec_status",
        "connec_schedule",
        "qcluster",
    ]


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.name)
def test_code_of_the_page_runs(path: Any, hub: tuple[SandboxHub, str], tmp_path: Any) -> None:
    sandbox, url = hub
    page = read_page(path)
    folder = build_project(page, tmp_path)
    run_page(page, folder, url)
    if path.name == "quickstart.md":
        assert sandbox.by_external(ORG, "people", "acme-books", GROUP, "1") is not None
    tests = [content for name, content in page.files.items() if name.startswith("test_")]
    if tests:
        options = ("-p", "no:cacheprovider", "-p", plugin.__name__)
        printed = run(folder, url, "-m", "pytest", "-q", *options, "--rootdir", str(folder))
        assert f"{sum(content.count('def test_') for content in tests)} passed" in printed


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_shown_commands_exist_with_their_options(path: Any) -> None:
    known = get_commands()
    for command in read_page(path).commands:
        name, *arguments = command.split()
        assert name in known, f"{path.name}: {name}"
        # Raises SystemExit where an option does not exist.
        load_command_class(known[name], name).create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_named_commands_exist(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    if path.name == "README.md":
        text = text.partition("## Not in this version")[0]
    named = set(re.findall(r"`(connec_[a-z]+)(?: [^`]*)?`", text))
    columns = {"connec_group", "connec_id", "connec_state", "connec_parent", "connec_disabled"}
    ours = {name for name, app in get_commands().items() if app == "django_connec"}
    status = {"connec_status"}
    fixtures = {name for name in vars(plugin) if name.startswith("connec_")}
    assert named - columns - status - fixtures <= ours


def test_commands_page_lists_all() -> None:
    ours = {name for name, app in get_commands().items() if app == "django_connec"}
    listed = {word for row in rows("syncing.md") for word in words(row[0]) if word.startswith("connec_")}
    assert listed == ours


def test_settings_page_lists_all_with_their_defaults() -> None:
    listed = {words(row[0])[0]: row for row in rows("settings.md") if words(row[0])}
    options = conf.TOP_LEVEL_OPTIONS | conf.MARKETPLACE_OPTIONS | conf.PLATFORM_OPTIONS
    assert set(listed) == set(options)
    kinds = {str: "string", int: "whole number", bool: "bool", dict: "dictionary"}
    for key, option in options.items():
        _, kind, default, _ = listed[key]
        assert kind == ("URL" if option.is_url else kinds[option.kind]), key
        if option.required:
            assert default == "required", key
        elif option.default is None:
            assert default == "none", key
        else:
            assert ast.literal_eval(words(default)[0]) == option.default, key


def test_checks_page_lists_all() -> None:
    found: set[str] = set()
    for path in (ROOT / "django_connec").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"\"django_connec\.([EW]\d{3})\"", source))
        if path.name == "conf.py" or path.parent.name == "mapping":
            found |= set(re.findall(r"\"(E\d{3})\"", source))
    listed = [word.removeprefix("django_connec.") for row in rows("checks.md") for word in words(row[0])]
    assert sorted(listed) == sorted(found)


def test_mapping_page_lists_all_options() -> None:
    first = {word for row in rows("mapping.md") for word in words(row[0])}
    assert set(MapperOptions.__dataclass_fields__) <= first
    assert {"source", "direction", "create_only", "default", "decode", "encode", "conflict"} <= first


def test_signals_page_lists_all() -> None:
    assert {words(row[0])[0] for row in rows("signals.md") if words(row[0])} == set(signals.__all__)


def test_operating_page_knows_all_conflicts() -> None:
    first = {row[0] for row in rows("operating.md")}
    assert {str(label) for label in Conflict.Kind.labels} <= first


def test_named_tests_exist() -> None:
    text = (DOCS / "guarantees.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert named
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in functions, f"{path}::{name}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Any) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_index_names_every_page() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = {path.stem for path in DOCS.glob("*.md")} - {"index"}
    assert pages <= set(index.split())
