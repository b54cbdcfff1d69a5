"""What must be zero in every template: each rule takes one and gives its faults, a line each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from oss_datastore_tests.infra.templates import Template, nodes, resources

Rule = Callable[[Template], Iterator[str]]

_SECRET = re.compile(r"password|secretstring|token|private_?key|secret_?access", re.IGNORECASE)
_ANYBODY = ("0.0.0.0/0", "::/0")
_STATEFUL = (
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBCluster",
    "AWS::RedshiftServerless::Namespace",
    "AWS::EFS::FileSystem",
    "AWS::DynamoDB::Table",
    "AWS::Cognito::UserPool",
)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(tree: Any, effect: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, node in nodes(tree):
        if isinstance(node, dict) and node.get("Effect") == effect and ("Action" in node or "NotAction" in node):
            yield path, node


def buckets_are_closed_encrypted_and_tls_only(template: Template) -> Iterator[str]:
    """Public access blocked, encryption named, and a policy that refuses bucket and objects without TLS."""
    policies = [r["Properties"] for r in resources(template, "AWS::S3::BucketPolicy").values()]
    for name, bucket in resources(template, "AWS::S3::Bucket").items():
        block = bucket["Properties"].get("PublicAccessBlockConfiguration", {})
        for part in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"):
            if block.get(part) is not True:
                yield f"{name}: {part} is not true"
        if "BucketEncryption" not in bucket["Properties"]:
            yield f"{name}: no encryption"
        refused = [
            statement["Resource"]
            for policy in policies
            if policy["Bucket"] == {"Ref": name}
            for _, statement in _statements(policy["PolicyDocument"], "Deny")
            if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
            and statement["Principal"] == "*"
            and statement["Action"] == "s3:*"
        ]
        whole = [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]
        if whole not in refused:
            yield f"{name}: no policy refuses what comes without TLS"


def no_action_is_a_wildcard(template: Template) -> Iterator[str]:
    """`*`, `s3:*` and the like are for refusals, and for the account in the policy of its own key."""
    for path, statement in _statements(template["Resources"], "Allow"):
        if "NotAction" in statement:
            yield f"{path}: NotAction allows what is not named"
        for action in _list(statement.get("Action", [])):
            own_key = path.split("/")[3:4] == ["KeyPolicy"] and ":root" in json.dumps(statement.get("Principal"))
            if action == "*" or (action.endswith(":*") and not own_key):
                yield f"{path}: allows {action}"


def any_resource_has_its_reason_in_its_name(template: Template) -> Iterator[str]:
    """A role may do something to `*` only by a statement whose Sid says `AnyResource`; the reason stands beside it."""
    for name, role in resources(template, "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy").items():
        for path, statement in _statements(role, "Allow"):
            if "*" in _list(statement.get("Resource", [])) and "AnyResource" not in statement.get("Sid", ""):
                yield f"{name}{path}: any resource, without a Sid that says so"


def passing_a_role_is_conditioned(template: Template) -> Iterator[str]:
    """Named roles only, to a named service only."""
    for path, statement in _statements(template["Resources"], "Allow"):
        if "iam:PassRole" in _list(statement.get("Action", [])):
            if "iam:PassedToService" not in statement.get("Condition", {}).get("StringEquals", {}):
                yield f"{path}: PassRole without iam:PassedToService"
            if any("*" in json.dumps(resource) for resource in _list(statement["Resource"])):
                yield f"{path}: PassRole of any role"


def nobody_from_outside_comes_in(template: Template) -> Iterator[str]:
    """All addresses may reach nothing but 443 of a load balancer."""
    defaults = {name: parameter.get("Default") for name, parameter in template.get("Parameters", {}).items()}
    for name, resource in resources(template, "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress").items():
        properties = resource["Properties"]
        single = resource["Type"] == "AWS::EC2::SecurityGroupIngress"
        for rule in [properties] if single else properties.get("SecurityGroupIngress", []):
            for key in ("CidrIp", "CidrIpv6"):
                source = rule.get(key)
                if isinstance(source, dict):
                    source = defaults.get(source.get("Ref"), source)
                port = (rule.get("FromPort"), rule.get("ToPort"))
                if source in _ANYBODY and not (name.startswith("LoadBalancer") and port == (443, 443)):
                    yield f"{name}: {source} may reach {port}"


def databases_are_private_encrypted_and_tls_only(template: Template) -> Iterator[str]:
    """RDS and Redshift have no public address, a key, and refuse connections without TLS."""
    for name, resource in resources(template, "AWS::RDS::DBInstance", "AWS::RedshiftServerless::Workgroup").items():
        if resource["Properties"].get("PubliclyAccessible") is not False:
            yield f"{name}: public"
    for name, database in resources(template, "AWS::RDS::DBInstance").items():
        if database["Properties"].get("StorageEncrypted") is not True or "KmsKeyId" not in database["Properties"]:
            yield f"{name}: not encrypted with a key"
        group = database["Properties"].get("DBParameterGroupName", {}).get("Ref")
        if template["Resources"].get(group, {}).get("Properties", {}).get("Parameters", {}).get("rds.force_ssl") != "1":
            yield f"{name}: takes connections without TLS"
    for name, namespace in resources(template, "AWS::RedshiftServerless::Namespace").items():
        if "KmsKeyId" not in namespace["Properties"]:
            yield f"{name}: not encrypted with a key"
    for name, workgroup in resources(template, "AWS::RedshiftServerless::Workgroup").items():
        if {"ParameterKey": "require_ssl", "ParameterValue": "true"} not in workgroup["Properties"].get(
            "ConfigParameters", []
        ):
            yield f"{name}: takes connections without TLS"


def _shape(template: Template, value: Any) -> str:
    """What a value must look like: its text, or the pattern that its parameter demands."""
    if isinstance(value, dict):
        parameter = template.get("Parameters", {}).get(value.get("Ref"), {})
        return str(value.get("Fn::Sub", parameter.get("AllowedPattern", "")))
    return str(value)


def secrets_are_references(template: Template) -> Iterator[str]:
    """No password, token or key as text in a parameter, a property, a container's environment or an output."""
    for name, parameter in template.get("Parameters", {}).items():
        if parameter.get("NoEcho") or (_SECRET.search(name) and not name.endswith(("Arn", "Endpoint"))):
            yield f"{name}: a parameter that is a secret"
    for path, node in nodes(template["Resources"]):
        key = path.rpartition("/")[2]
        if isinstance(node, str) and _SECRET.search(key) and node and not node.startswith(("{{resolve:", "aws-sm://")):
            yield f"{path}: a secret as text"
        named = isinstance(node, dict) and {"Name", "Value"} <= node.keys() and _SECRET.search(str(node["Name"]))
        if named and "aws-sm://" not in _shape(template, node["Value"]):
            yield f"{path}: {node['Name']} is no reference"
    if "resolve:secretsmanager" in json.dumps(template.get("Outputs", {})):
        yield "Outputs: a secret"


def logs_end_and_are_encrypted(template: Template) -> Iterator[str]:
    """Log groups have a retention and a key."""
    for name, group in resources(template, "AWS::Logs::LogGroup").items():
        for needed in ("RetentionInDays", "KmsKeyId"):
            if needed not in group["Properties"]:
                yield f"{name}: no {needed}"


def topics_secrets_and_images_are_encrypted(template: Template) -> Iterator[str]:
    """With a key of ours, not the service's."""
    for name, resource in resources(template).items():
        needed = {"AWS::SNS::Topic": "KmsMasterKeyId", "AWS::SecretsManager::Secret": "KmsKeyId"}.get(resource["Type"])
        if needed and needed not in resource["Properties"]:
            yield f"{name}: no {needed}"
        if resource["Type"] == "AWS::ECR::Repository":
            if resource["Properties"].get("EncryptionConfiguration", {}).get("EncryptionType") != "KMS":
                yield f"{name}: not encrypted with a key"
            if resource["Properties"].get("ImageTagMutability") != "IMMUTABLE":
                yield f"{name}: a tag may become another image"


def what_holds_data_outlives_its_stack(template: Template) -> Iterator[str]:
    """Retain, or a snapshot, when the stack goes and when the resource is replaced. Secrets that people fill count."""
    for name, resource in resources(template, *_STATEFUL, "AWS::SecretsManager::Secret").items():
        made = {"GenerateSecretString", "SecretString"} & resource["Properties"].keys()
        if resource["Type"] == "AWS::SecretsManager::Secret" and made:
            continue
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(policy) not in ("Retain", "Snapshot"):
                yield f"{name}: {policy} is {resource.get(policy)}"


def nobody_gets_lasting_keys(template: Template) -> Iterator[str]:
    """No users of IAM and no access keys."""
    for name in resources(template, "AWS::IAM::User", "AWS::IAM::AccessKey", "AWS::IAM::UserToGroupAddition"):
        yield f"{name}: a user or a key"


RULES: tuple[Rule, ...] = (
    buckets_are_closed_encrypted_and_tls_only,
    no_action_is_a_wildcard,
    any_resource_has_its_reason_in_its_name,
    passing_a_role_is_conditioned,
    nobody_from_outside_comes_in,
    databases_are_private_encrypted_and_tls_only,
    secrets_are_references,
    logs_end_and_are_encrypted,
    topics_secrets_and_images_are_encrypted,
    what_holds_data_outlives_its_stack,
    nobody_gets_lasting_keys,
)
