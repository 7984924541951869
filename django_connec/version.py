"""The version, apart from everything that needs Django, so that a build can read it."""

VERSION = "0.1.0"
