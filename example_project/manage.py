"""Django's command line for either application: ``DJANGO_SETTINGS_MODULE`` says which."""

import os
import sys
from pathlib import Path


def main() -> None:
    # Run as a script, Python looks beside this file only; the packages are found from the repository's root.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings.books")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
