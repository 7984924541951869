from __future__ import annotations

import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from .processes import ENDINGS, DemoError
from .steps import Demonstration, say


def main() -> int:
    # However it is ended, it ends in order: the finally below must run.
    for number in ENDINGS:
        signal.signal(number, _interrupt)
    with tempfile.TemporaryDirectory(prefix="connec-demo-") as directory:
        demonstration = Demonstration(Path(directory))
        started = time.monotonic()
        try:
            demonstration.run()
            say()
            say(f"Done in {time.monotonic() - started:.0f} s.")
            if sys.stdin.isatty() and sys.stdout.isatty():
                with suppress(KeyboardInterrupt):
                    demonstration.stay()
        except DemoError as error:
            sys.stderr.write(f"\nThe demonstration failed: {error}\n")
            return 1
        finally:
            # A second Ctrl-C must not leave anything behind.
            for number in ENDINGS:
                signal.signal(number, signal.SIG_IGN)
            demonstration.processes.stop()
    return 0


def _interrupt(*_args: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
