"""Look into a built package: ``python -m tests.package build/dist``."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

NEEDED = (
    "django_connec/py.typed",
    "django_connec/migrations/0001_initial.py",
    "django_connec/management/commands/connec_import.py",
    "django_connec/sandbox/hub.py",
    "django_connec/templates/django_connec/sso/refused.html",
)


def main(folder: str) -> int:
    wheels = sorted(Path(folder).glob("*.whl"))
    if not wheels:
        print("no wheel was built")
        return 1
    names = set(zipfile.ZipFile(wheels[-1]).namelist())
    missing = [name for name in NEEDED if name not in names]
    strays = sorted(n for n in names if not n.startswith(("django_connec/", "django_connec-")))
    for problem in (*missing, *strays):
        print(f"{'missing' if problem in missing else 'does not belong'}: {problem}")
    return 1 if missing or strays else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
