"""Configuration of the documentation. The build reads nothing from the network."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django_connec.version import VERSION  # noqa: E402 - Django must be set up first

project = "django-connec"
author = "The django-connec developers"
project_copyright = author
version = release = VERSION

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# Links into other projects' documentation need their inventories, which are fetched: only on demand.
if os.environ.get("CONNEC_DOCS_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "django": ("https://docs.djangoproject.com/en/5.2/", "https://docs.djangoproject.com/en/5.2/_objects/"),
        "python": ("https://docs.python.org/3", None),
    }

html_theme = "furo"
html_title = f"django-connec {release}"
exclude_patterns = ["_build"]
PICTURES = Path(__file__).resolve().parent / "_static"
templates_path = []
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"


def show_pictures(app: object, docname: str, source: list[str]) -> None:
    """Put the pictures in that ``make screenshots`` made; without them the page does without."""
    found = "\n\n".join(f"![{path.stem}](_static/{path.name})" for path in sorted(PICTURES.glob("sandbox-*.png")))
    source[0] = source[0].replace("<!-- screenshots -->", found)


def setup(app: Any) -> None:
    app.connect("source-read", show_pictures)
