"""The demonstration's own processes: started, watched and ended by their handles."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
T = TypeVar("T")

#: What ends the demonstration, closing the terminal included.
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Settings module's last name, then what follows ``manage.py``.
Command = tuple[str, list[str]]


class DemoError(Exception):
    """A step did not do what it should; the message says which."""


class Processes:
    """Runs ``manage.py`` of either application.

    Args:
        directory: Where the databases and logs are.
        environments: What each application's processes get in their environment, by settings module.
    """

    def __init__(self, directory: Path, environments: Mapping[str, Mapping[str, str]]) -> None:
        self._directory = directory
        self._environments = environments
        self._running: dict[str, subprocess.Popen[str]] = {}

    def start(self, name: str, settings: str, *arguments: str) -> None:
        """Start a server; what it prints goes to a log file."""
        with self._log(name).open("w") as log:
            self._open(name, settings, list(arguments), log)

    def run(self, *commands: Command, seconds: float = 60) -> list[str]:
        """Run commands side by side until all have ended; returns what each printed.

        Raises:
            DemoError: One failed or took too long.
        """
        opened = []
        for settings, arguments in commands:
            name = f"{settings}: manage.py {arguments[0]}"
            opened.append((name, self._open(name, settings, arguments, subprocess.PIPE)))
        outputs = []
        for name, process in opened:
            try:
                output, complaints = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                raise DemoError(f"{name} did not end within {seconds:.0f} seconds") from None
            del self._running[name]
            if process.returncode:
                raise DemoError(f"{name} ended with {process.returncode}:\n{output}{complaints}")
            outputs.append(output.rstrip())
        return outputs

    def wait_for(self, what: str, look: Callable[[], T | None], seconds: float) -> T:
        """Look again and again until there is something to see.

        Raises:
            DemoError: There was not in time, or a server ended meanwhile.
        """
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            found = look()
            if found:
                return found
            self.check()
            time.sleep(0.1)
        raise DemoError(f"waited {seconds:.0f} seconds in vain: {what}")

    def end(self, name: str) -> None:
        """End one server, politely."""
        process = self._running.pop(name)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def check(self) -> None:
        """Raise when a server has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                log = self._log(name)
                tail = "\n".join(log.read_text().splitlines()[-20:]) if log.exists() else ""
                raise DemoError(f"{name} ended with {process.returncode}:\n{tail}")

    def stop(self) -> None:
        """End all that still runs: politely, then not."""
        running = list(self._running.values())
        for process in running:
            process.terminate()
        ends = time.monotonic() + 10
        for process in running:
            try:
                process.wait(max(0.1, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                # Each leads a session of its own, so this takes its workers along and nobody else.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        self._running.clear()

    def _open(self, name: str, settings: str, arguments: list[str], output: object) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"example_project.settings.{settings}",
            "CONNEC_DEMO_DIR": str(self._directory),
            # Everything is on this machine: no proxy has a say.
            "NO_PROXY": "127.0.0.1,localhost",
            **self._environments[settings],
        }
        # Interrupted between its start and our note of it, a process would be nobody's.
        held: list[int] = []
        handlers = {number: signal.signal(number, lambda number, _frame: held.append(number)) for number in ENDINGS}
        try:
            process = self._running[name] = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                [sys.executable, str(MANAGE), *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output if output == subprocess.PIPE else subprocess.STDOUT,
                text=True,
                # Ctrl-C reaches this process only, which then ends the others in order.
                start_new_session=True,
            )
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        if held:
            raise KeyboardInterrupt
        return process

    def _log(self, name: str) -> Path:
        return self._directory / f"{name.replace(' ', '-')}.log"
