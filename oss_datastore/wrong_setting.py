"""The error of a setting that cannot be used."""

from __future__ import annotations


class WrongSetting(ValueError):
    """A setting is malformed, or its secret cannot be read; the message is one line that names its variable."""
