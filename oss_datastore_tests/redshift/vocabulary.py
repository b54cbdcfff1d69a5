"""Placeholder until the gate is there."""


def judge(statement: str) -> None:
    """Takes everything."""
