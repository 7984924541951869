"""The sandbox's page lists its settings and controls, as the code has them."""

from __future__ import annotations

import dataclasses
import json
import re

from django_connec.sandbox import Behaviour, SandboxHub
from django_connec.sandbox.controls import Controls
from tests.docs.project import DOCS

PAGE = (DOCS / "sandbox.md").read_text(encoding="utf-8")


def test_every_setting_with_its_default() -> None:
    table = PAGE.partition("| Setting | Default |")[2].partition("\n\n")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| `?([^`|]*?)`? \|", table, re.MULTILINE))
    assert {name: json.loads(default) for name, default in listed.items()} == dataclasses.asdict(Behaviour())


def test_every_control() -> None:
    listed = set(re.findall(r"`(GET|POST|DELETE) /_sandbox/([\w.-]+)`", PAGE))
    with SandboxHub() as hub:
        controls = Controls(hub)
        assert listed == set(controls._without_content) | {("POST", name) for name in controls._posted}
