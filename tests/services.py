"""Which servers the tests can use, said plainly: ``python -m tests.services``.

With ``CONNEC_REQUIRE_SERVICES=1``, as in continuous integration, a missing one is an error.
"""

from __future__ import annotations

import os
import socket
import sys
from shutil import which

SERVICES = {"postgres": 5432, "mariadb": 3306, "redis": 6379}


def listens(port: int) -> bool:
    """Tell whether anybody listens on this port of this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def found() -> dict[str, bool]:
    """Return each service and whether it is here."""
    here = {name: listens(port) for name, port in SERVICES.items()}
    here["chromium"] = which("chromium") is not None and which("chromedriver") is not None
    here["xmlsec1"] = which("xmlsec1") is not None
    return here


def main() -> int:
    here = found()
    for name, is_here in here.items():
        where = f" on 127.0.0.1:{SERVICES[name]}" if name in SERVICES else ""
        print(f"{name}: {'found' if is_here else 'NOT found, its tests do not run'}{where}")
    return 1 if os.environ.get("CONNEC_REQUIRE_SERVICES") and not all(here.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
