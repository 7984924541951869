"""Each test of the contract stands beside the section that it proves, and each section beside its tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SECTION = re.compile(r"(Connec! API v2, (sections? )?\d+(\.\d+)?|Maestrano SDK, (sections? )?[A-E]\d?)\b")
MODULES = sorted(path for path in HERE.glob("test_*.py") if path != Path(__file__))
#: The sections of the reference that say something of the hub.
SECTIONS = [
    *(f"1.{n}" for n in range(1, 6)),
    "2",
    *(f"2.{n}" for n in range(1, 12)),
    *(f"3.{n}" for n in range(1, 5)),
    *(f"4.{n}" for n in range(1, 4)),
    *(f"5.{n}" for n in range(1, 16)),
    "8",
]


def functions_of(source: str) -> dict[str, str]:
    """Return each test with the comment directly above it, by its name."""
    lines = source.splitlines()
    found = {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test_"):
            continue
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
        comment = []
        while first and lines[first - 1].startswith("#"):
            first -= 1
            comment.insert(0, lines[first])
        found[node.name] = "\n".join([*comment, *lines[node.lineno - 1 : node.end_lineno]])
    return found


def unnamed(source: str) -> list[str]:
    """Return the tests that name no section, in their docstring or in the comment directly above them."""
    return [name for name, text in functions_of(source).items() if not SECTION.search(text)]


def statements(text: str) -> dict[str, list[str]]:
    """Return the statements of each section, a line each, whole."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        section, _, rest = part.partition(" ")
        found[section] = [" ".join(one.split()) for one in re.split(r"^- ", rest, flags=re.MULTILINE)[1:]]
    return found


def problems(text: str, tests: dict[str, str]) -> list[str]:
    """Return what is wrong with the statements.

    Args:
        tests: Each test's text, by its module and its name; ``../`` before those that are not of the contract.
    """
    listed = statements(text)
    found = [f"no section {section}" for section in SECTIONS if not listed.get(section)]
    found += [f"unknown section {section}" for section in listed if section not in SECTIONS]
    named: set[str] = set()
    for section, lines in listed.items():
        number = re.compile(rf"(?<![\d.]){re.escape(section)}(?!\.?\d)")
        for line in lines:
            cited = re.findall(r"`((?:\.\./)?test_\w+\.test_\w+)`", line)
            named.update(cited)
            found += [] if cited else [f"{section}: no test: {line}"]
            found += [f"{section}: no such test: {test}" for test in cited if test not in tests]
            # The account API and its webhooks have a reference of their own.
            found += [
                f"{section}: {test} names another section"
                for test in cited
                if test in tests and not number.search(tests[test]) and "Maestrano SDK" not in tests[test]
            ]
    for test, text in tests.items():
        # The sections of the SDKs are not listed statement by statement.
        if not test.startswith("../") and test not in named and "Maestrano SDK" not in text:
            found.append(f"not listed: {test}")
    return found


def all_tests() -> dict[str, str]:
    found = {}
    for prefix, modules in (("", MODULES), ("../", sorted(HERE.parent.glob("test_*.py")))):
        for module in modules:
            found |= {f"{prefix}{module.stem}.{name}": text for name, text in functions_of(module.read_text()).items()}
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_every_test_names_its_section(module):
    assert unnamed(module.read_text()) == []


def test_every_statement_has_its_test():
    assert problems((HERE / "statements.md").read_text(), all_tests()) == []


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


def test_what_is_wrong_with_statements():
    whole = "".join(f"## {section} Title\n\n- It is so.\n  `test_a.test_b`\n\n" for section in SECTIONS)
    tests = {"test_a.test_b": f"Connec! API v2, sections {', '.join(SECTIONS)}"}
    assert problems(whole, tests) == []
    assert problems(whole.replace("## 2.9 Title", "## 9 Title"), tests)[:2] == ["no section 2.9", "unknown section 9"]
    assert problems(whole, tests | {"test_a.test_c": ""}) == ["not listed: test_a.test_c"]
    assert problems(whole, tests | {"../test_a.test_c": ""}) == []
    assert problems(whole, {"test_a.test_b": tests["test_a.test_b"].replace("5.1,", "5.10,")}) == [
        "5.1: test_a.test_b names another section"
    ]
    assert problems(whole.replace("`test_a.test_b`", "", 1), tests) == ["1.1: no test: It is so."]
    assert problems(whole + "- More. `test_a.test_d`\n", tests) == ["8: no such test: test_a.test_d"]
