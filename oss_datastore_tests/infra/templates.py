"""The CloudFormation templates under `infra/` as plain data: `!Ref X` is `{"Ref": "X"}`, as in the long form.

What must hold of them does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

FOLDER = Path(__file__).resolve().parents[2] / "infra"

Template = dict[str, Any]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML with the tags of CloudFormation. A date stays text, as CloudFormation takes it."""


_Loader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for sign, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _function(loader: Any, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _function)


def decoded(text: str) -> Template:
    """One template."""
    found: Template = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with CloudFormation's tags
    return found


def templates() -> dict[str, Template]:
    """All templates by the name of their stack."""
    texts = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.yaml"))}
    return {name: decoded(text) for name, text in texts.items() if text.startswith("AWSTemplateFormatVersion")}


def resources(template: Template, *types: str) -> dict[str, dict[str, Any]]:
    """Resources of these types by their logical name; each has `Properties`."""
    return {
        name: {"Properties": {}, **resource}
        for name, resource in template["Resources"].items()
        if not types or resource["Type"] in types
    }


def nodes(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every mapping, list and value of a tree with its path, outermost first."""
    yield path, tree
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from nodes(value, f"{path}/{key}")
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from nodes(value, f"{path}/{number}")
