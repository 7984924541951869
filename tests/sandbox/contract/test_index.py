"""Each test of the contract stands beside the section that it proves."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SECTION = re.compile(r"(Connec! API v2, (sections? )?\d+(\.\d+)?|Maestrano SDK, (sections? )?[A-E]\d?)\b")
MODULES = sorted(path for path in Path(__file__).parent.glob("test_*.py") if path != Path(__file__))


def unnamed(source: str) -> list[str]:
    """Return the tests that name no section, in their docstring or in the comment directly above them."""
    lines = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test_"):
            continue
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
        comment = []
        while first and lines[first - 1].startswith("#"):
            first -= 1
            comment.insert(0, lines[first])
        if not SECTION.search(f"{ast.get_docstring(node)} {' '.join(comment)}"):
            found.append(node.name)
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_every_test_names_its_section(module):
    assert unnamed(module.read_text()) == []


@pytest.mark.parametrize("section", ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "B2", "B3", "C", "D", "E1", "E2"])
def test_sections_of_the_sdks_about_a_hub_have_tests(section):
    named = re.compile(rf"Maestrano SDK, sections? [^\n]*\b{section}\b")
    assert any(named.search(module.read_text()) for module in MODULES)


def test_what_names_a_section():
    section = "Connec! API v2, section 2.5: x"
    assert unnamed(f'def test_a():\n    """{section}"""\n') == []
    assert unnamed(f"# {section}\n@mark\ndef test_a():\n    pass\n") == []
    assert unnamed("def test_a():\n    pass\n") == ["test_a"]
    assert unnamed(f"# {section}\n\ndef test_a():\n    pass\n") == ["test_a"]
