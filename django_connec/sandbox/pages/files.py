"""Style, icon and scripts. htmx is the file that django-htmx ships."""

from __future__ import annotations

from importlib.resources import files

from django_connec.sandbox.messages import Response
from django_connec.sandbox.pages.web import Visit

__all__ = ["icon", "static"]

OWN = files("django_connec.sandbox.pages") / "static"
HTMX = files("django_htmx") / "static" / "django_htmx" / "htmx-2.min.js"

FILES = {
    "sandbox.css": (OWN / "sandbox.css", "text/css; charset=utf-8"),
    "post.js": (OWN / "post.js", "text/javascript; charset=utf-8"),
    "icon.svg": (OWN / "icon.svg", "image/svg+xml"),
    "htmx.js": (HTMX, "text/javascript; charset=utf-8"),
}


def static(visit: Visit) -> Response:
    """Return a file of the pages.

    Raises:
        LookupError: There is no such file.
    """
    return _file(visit.parts["name"])


def icon(visit: Visit) -> Response:
    """Return the icon, wherever browsers look for one."""
    return _file("icon.svg")


def _file(name: str) -> Response:
    path, content_type = FILES[name]
    return Response(200, path.read_bytes(), {"Content-Type": content_type, "X-Content-Type-Options": "nosniff"})
