"""What roles of the templates may do, judged as IAM would: statements with values in place, and calls of boto3.

A value is given by its name in the template (`StagingBucket`), an attribute (`Cluster.Arn`), a pseudo parameter, or the
path of a parameter in the Parameter Store. Which role makes which call does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from oss_datastore_tests.infra.templates import Template, resources

ROLE, ADDED = "AWS::IAM::Role", "AWS::IAM::RolePolicy"

S3_ACTIONS = {
    "HeadObject": ("s3:GetObject",),
    "ListObjectsV2": ("s3:ListBucket",),
    "ListObjectVersions": ("s3:ListBucketVersions",),
    "CreateMultipartUpload": ("s3:PutObject",),
    "UploadPart": ("s3:PutObject",),
    "CompleteMultipartUpload": ("s3:PutObject",),
}
"""Operations of S3 whose action has another name."""

UNDER_KEY = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey", "kms:Decrypt"),
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
}
"""What a service asks of KMS in the name of its caller."""

WITHOUT_RESOURCE = "*"


@dataclass(frozen=True)
class Asked:
    """One action upon one resource, with the keys of conditions that AWS would know."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One call of boto3."""

    service: str
    operation: str
    parameters: Mapping[str, Any]


@contextmanager
def recorded(answers: Mapping[tuple[str, str], Any] | None = None) -> Iterator[list[Call]]:
    """Every call to AWS meanwhile; those that no stand-in knows are answered here."""
    calls: list[Call] = []
    real = BaseClient._make_api_call

    def perform(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        service = client.meta.service_model.signing_name
        calls.append(Call(service, operation, dict(parameters)))
        if answers and (service, operation) in answers:
            return answers[service, operation]
        return real(client, operation, parameters)

    with patch.object(BaseClient, "_make_api_call", perform):
        yield calls


def in_place(tree: Any, values: Mapping[str, str], false: frozenset[str] = frozenset()) -> Any:
    """A tree without functions: values are put in, and conditions hold unless they are among `false`."""
    if isinstance(tree, list):
        return [part for one in tree if (part := in_place(one, values, false)) is not None]
    if not isinstance(tree, dict):
        return _told(tree, values) if isinstance(tree, str) else tree
    if "Ref" in tree:
        return None if tree["Ref"] == "AWS::NoValue" else values[tree["Ref"]]
    if "Fn::GetAtt" in tree:
        return values[".".join(tree["Fn::GetAtt"])]
    if "Fn::Sub" in tree:
        return _told(re.sub(r"\$\{([\w:.]+)\}", lambda name: values[name[1]], tree["Fn::Sub"]), values)
    if "Fn::If" in tree:
        condition, yes, no = tree["Fn::If"]
        return in_place(no if condition in false else yes, values, false)
    if "Fn::Select" in tree:
        number, parts = tree["Fn::Select"]
        return in_place(parts, values, false)[number]
    if "Fn::Split" in tree:
        sign, text = tree["Fn::Split"]
        return in_place(text, values, false).split(sign)
    return {key: in_place(value, values, false) for key, value in tree.items()}


def _told(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{\{resolve:ssm:([^}:]+)\}\}", lambda path: values[path[1]], text)


def policies(template: Template, role: str) -> list[Any]:
    """The statements of a role by its logical name, also of policies that are added to it."""
    found = [
        statement
        for policy in template["Resources"][role]["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    for added in resources(template, ADDED).values():
        if added["Properties"]["RoleName"] == {"Ref": role}:
            found += added["Properties"]["PolicyDocument"]["Statement"]
    return found


def actions(statements: list[Any]) -> set[str]:
    """All that statements allow."""
    return {action for one in statements if one["Effect"] == "Allow" for action in _list(one["Action"])}


def allows(statements: list[Any], asked: Asked) -> bool:
    """Whether a role with these statements may do it; their values are in place.

    Raises ValueError for a condition with an operator other than those of `_OPERATORS`.
    """
    fitting = [one for one in statements if _fits(one, asked)]
    return bool(fitting) and all(one["Effect"] == "Allow" for one in fitting)


_OPERATORS = {"StringEquals", "ArnEquals"}
"""Operators of conditions that mean equality, where the value has no wildcard."""


def _fits(statement: Any, asked: Asked) -> bool:
    conditions = statement.get("Condition", {})
    if unknown := conditions.keys() - _OPERATORS:
        raise ValueError(f"a condition by {', '.join(sorted(unknown))} is judged by no rule here")
    return (
        asked.action in _list(statement["Action"])
        and any(fnmatchcase(asked.resource, pattern) for pattern in _list(statement["Resource"]))
        and all(asked.context.get(key) in _list(wanted) for keys in conditions.values() for key, wanted in keys.items())
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resource(call: Call) -> str:
    """The ARN that an action is upon; some know none."""
    if call.operation == "DescribeTaskDefinition":
        return WITHOUT_RESOURCE
    for name in ("SecretId", "TopicArn", "RoleArn", "taskDefinition", "task", "tasks"):
        if name in call.parameters:
            return str(_list(call.parameters[name])[0])
    return WITHOUT_RESOURCE


def _context(call: Call) -> dict[str, str]:
    keys = {"Namespace": "cloudwatch:namespace", "cluster": "ecs:cluster"}
    return {key: str(call.parameters[name]) for name, key in keys.items() if name in call.parameters}


def asked(call: Call, key: str, region: str) -> list[Asked]:
    """What a call needs; whatever is stored lies under the KMS key of that ARN."""
    parameters = call.parameters
    if call.service == "s3":
        named = S3_ACTIONS.get(call.operation, (f"s3:{call.operation}",))
        if "VersionId" in parameters:
            named = tuple(f"{action}Version" for action in named)
        bucket = f"arn:aws:s3:::{parameters['Bucket']}"
        resource = f"{bucket}/{parameters['Key']}" if "Key" in parameters else bucket
        found = [Asked(action, resource) for action in named]
    else:
        service = "cloudwatch" if call.service == "monitoring" else call.service
        found = [Asked(f"{service}:{call.operation}", _resource(call), _context(call))]
    via = {"kms:ViaService": f"{call.service}.{region}.amazonaws.com"}
    return found + [Asked(action, key, via) for one in found for action in UNDER_KEY.get(one.action, ())]
