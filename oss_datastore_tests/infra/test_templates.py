"""The stacks under `infra/`, judged as data: what must be zero, what they tell each other, when somebody is told."""

from __future__ import annotations

import json
import re
import sys
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from oss_datastore_tests.infra import rules
from oss_datastore_tests.infra.rules import RULES, Rule
from oss_datastore_tests.infra.templates import FOLDER, Template, decoded, nodes, resources, templates

TEMPLATES = templates()
OURS = ("network", "storage", "database", "warehouse", "observability")

# What each rule is there to find, one fault at a time.
FAULTS: dict[Rule, tuple[str, ...]] = {
    rules.buckets_are_closed_encrypted_and_tls_only: ("B: {Type: AWS::S3::Bucket}",),
    rules.no_action_is_a_wildcard: (
        "R: {Type: AWS::IAM::Policy, Properties: {Statement: {Effect: Allow, Action: '*', Resource: x}}}",
        "R: {Type: AWS::IAM::Policy, Properties: {Statement: [{Effect: Allow, Action: [a:B, 's3:*'], Resource: x}]}}",
        "R: {Type: AWS::IAM::Policy, Properties: {Statement: [{Effect: Allow, NotAction: 's3:*', Resource: x}]}}",
    ),
    rules.any_resource_has_its_reason_in_its_name: (
        "R: {Type: AWS::IAM::Role, Properties: {Policies: [{Effect: Allow, Action: a:B, Resource: '*'}]}}",
    ),
    rules.passing_a_role_is_conditioned: (
        "R: {Type: AWS::IAM::Policy, Properties: {S: {Effect: Allow, Action: 'iam:PassRole', Resource: x}}}",
        "R: {Type: AWS::IAM::Policy, Properties: {S: {Effect: Allow, Action: 'iam:PassRole', Resource: '*',"
        " Condition: {StringEquals: {'iam:PassedToService': ecs-tasks.amazonaws.com}}}}}",
    ),
    rules.nobody_from_outside_comes_in: (
        "G: {Type: AWS::EC2::SecurityGroup, Properties: {SecurityGroupIngress: [{CidrIp: 0.0.0.0/0, FromPort: 443}]}}",
        "LoadBalancer: {Type: AWS::EC2::SecurityGroupIngress, Properties: {CidrIpv6: '::/0', FromPort: 80}}",
    ),
    rules.databases_are_private_encrypted_and_tls_only: (
        "D: {Type: AWS::RDS::DBInstance, Properties: {PubliclyAccessible: true}}",
        "W: {Type: AWS::RedshiftServerless::Workgroup, Properties: {PubliclyAccessible: false}}",
        "N: {Type: AWS::RedshiftServerless::Namespace}",
    ),
    rules.secrets_are_references: (
        "D: {Type: AWS::RDS::DBInstance, Properties: {MasterUserPassword: plain}}",
        "T: {Type: AWS::ECS::TaskDefinition, Properties: {Environment: [{Name: GITHUB_TOKEN, Value: plain}]}}",
        "T: {Type: AWS::ECS::TaskDefinition, Properties: {Environment: [{Name: GITHUB_TOKEN, Value: !Ref Token}]}}",
    ),
    rules.logs_end_and_are_encrypted: ("L: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 30}}",),
    rules.topics_secrets_and_images_are_encrypted: (
        "T: {Type: AWS::SNS::Topic}",
        "R: {Type: AWS::ECR::Repository, Properties: {EncryptionConfiguration: {EncryptionType: KMS}}}",
    ),
    rules.what_holds_data_outlives_its_stack: (
        "K: {Type: AWS::KMS::Key, DeletionPolicy: Retain}",
        "D: {Type: AWS::RDS::DBInstance, DeletionPolicy: Delete, UpdateReplacePolicy: Snapshot}",
    ),
    rules.nobody_gets_lasting_keys: ("U: {Type: AWS::IAM::User}",),
}


@pytest.mark.parametrize("stack", TEMPLATES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_stack_breaks_no_rule(rule: Rule, stack: str) -> None:
    assert list(rule(TEMPLATES[stack])) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_finds_what_it_is_there_for(rule: Rule) -> None:
    assert [fault for fault in FAULTS[rule] if not list(rule(decoded(f"Resources: {{{fault}}}")))] == []


@pytest.mark.parametrize("name", ["StagingBucket", "LogBucket"])
def test_a_bucket_without_the_refusal_of_plain_http_is_found(name: str) -> None:
    storage = templates()["storage"]
    policies = resources(storage, "AWS::S3::BucketPolicy")
    kept = policies[f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"]
    kept[:] = [one for one in kept if one["Sid"] != "TlsOnly"]
    assert list(rules.buckets_are_closed_encrypted_and_tls_only(storage)) == [
        f"{name}: no policy refuses what comes without TLS"
    ]


def _paths(template: Template) -> tuple[set[str], set[str]]:
    """Paths in the Parameter Store that a template writes and reads, with the default name in place."""
    name = template["Parameters"]["Name"]["Default"]
    written = {
        parameter["Properties"]["Name"]["Fn::Sub"].replace("${Name}", name)
        for parameter in resources(template, "AWS::SSM::Parameter").values()
    }
    read = {
        parameter["Default"]
        for parameter in template["Parameters"].values()
        if parameter["Type"].startswith("AWS::SSM::Parameter::Value<")
    }
    for _, node in nodes(template["Resources"]):
        if isinstance(node, str):
            read.update(re.findall(r"\{\{resolve:ssm:([^}:]+)", node.replace("${Name}", name)))
    return written, read


def test_every_parameter_that_a_stack_reads_is_written_by_another() -> None:
    paths = {stack: _paths(template) for stack, template in TEMPLATES.items()}
    for stack, (_, read) in paths.items():
        written = set().union(*(others for other, (others, _) in paths.items() if other != stack))
        assert read <= written, stack
    for stack, (written, _) in paths.items():
        assert all(path.startswith(f"/oss-datastore/{stack}/") for path in written)


def test_a_stack_reads_only_from_stacks_that_come_before_it() -> None:
    order = re.findall(r"^\d\. `(\w+)`", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert set(TEMPLATES) <= set(order)
    for stack, template in TEMPLATES.items():
        assert {path.split("/")[2] for path in _paths(template)[1]} <= set(order[: order.index(stack)]), stack


def test_raw_answers_stay_where_they_are_given_at_once() -> None:
    bucket = TEMPLATES["storage"]["Resources"]["StagingBucket"]["Properties"]
    of = {rule.get("Prefix", ""): rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert [one["StorageClass"] for rule in of.values() for one in rule.get("Transitions", [])] == ["GLACIER_IR"]
    assert [prefix for prefix, rule in of.items() if "ExpirationInDays" in rule] == ["loads/"]
    assert of["loads/"]["ExpirationInDays"] == 1
    assert of[""]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 3}
    assert "NoncurrentVersionExpiration" in of[""]


def test_silence_is_an_alarm_and_every_alarm_reaches_the_topic() -> None:
    alarms = resources(TEMPLATES["observability"], "AWS::CloudWatch::Alarm")
    ours = {a["Properties"]["MetricName"] for a in alarms.values() if a["Properties"]["Namespace"] == "OssDatastore"}
    assert ours == {
        "OpenLetters",
        "OldestLetterHours",
        "HoursUntilLoss",
        "CompleteDays",
        "RunFailures",
        "Heartbeat",
    }
    assert all(alarm["Properties"]["AlarmActions"] == [{"Ref": "Topic"}] for alarm in alarms.values())
    breaching = [n for n, alarm in alarms.items() if alarm["Properties"]["TreatMissingData"] == "breaching"]
    assert breaching == ["HeartbeatAlarm"]


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_the_usage_limit_is_set_once_changed_and_taken_away(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = []
    client = boto3.client("redshift-serverless", region_name="eu-central-1")
    code = TEMPLATES["warehouse"]["Resources"]["UsageLimitFunction"]["Properties"]["Code"]["ZipFile"]
    answer = SimpleNamespace(SUCCESS="SUCCESS", FAILED="FAILED", send=lambda *said, **_: answers.append(said))
    monkeypatch.setitem(sys.modules, "cfnresponse", answer)
    monkeypatch.setattr(boto3, "client", lambda service: client)
    space: dict[str, Any] = {}
    exec(compile(code, "index.py", "exec"), space)  # noqa: S102 - the function as Lambda would load it
    workgroup = "arn:aws:redshift-serverless:eu-central-1:123456789012:workgroup/one"
    event = {"RequestType": kind, "ResourceProperties": {"WorkgroupArn": workgroup, "RpuHoursPerDay": "16"}}
    found = [{"usageLimitId": "b", "period": "weekly"}]
    if kind != "Create":
        found.append({"usageLimitId": "a", "period": "daily"})
    with Stubber(client) as aws:
        aws.add_response("list_usage_limits", {"usageLimits": found}, {"resourceArn": workgroup, "usageType": ANY})
        wanted = {"amount": 16, "breachAction": "deactivate"}
        if kind == "Create":
            asked = {**wanted, "resourceArn": workgroup, "usageType": "serverless-compute", "period": "daily"}
            aws.add_response("create_usage_limit", {}, asked)
        elif kind == "Update":
            aws.add_response("update_usage_limit", {}, {**wanted, "usageLimitId": "a"})
        else:
            aws.add_response("delete_usage_limit", {}, {"usageLimitId": "a"})
        space["handler"](event, None)
        aws.assert_no_pending_responses()
    assert answers == [(event, None, "SUCCESS", {}, workgroup)]


@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_moto_makes_the_network_and_the_bucket(moto_s3: str) -> None:
    aws = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
    cloud = boto3.client("cloudformation", endpoint_url=moto_s3, **aws)
    s3 = boto3.client("s3", endpoint_url=moto_s3, **aws)
    storage = templates()["storage"]
    for unknown_to_moto in ("GitHubAppSecret", "GitHubAppSecretParameter"):
        del storage["Resources"][unknown_to_moto]
    del storage["Outputs"]
    ranges = r"!Select \[(\d), !Cidr \[!Ref Cidr, 8, 8\]\]"  # moto does not calculate them
    network = re.sub(ranges, r"10.0.\1.0/24", (FOLDER / "network.yaml").read_text())
    for stack, text in (("storage", json.dumps(storage)), ("network", network)):
        cloud.create_stack(StackName=stack, TemplateBody=text, Capabilities=["CAPABILITY_IAM"])
        assert cloud.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    made = {one["LogicalResourceId"] for one in cloud.describe_stack_resources(StackName="network")["StackResources"]}
    assert made == set(TEMPLATES["network"]["Resources"])
    bucket = cloud.describe_stack_resource(StackName="storage", LogicalResourceId="StagingBucket")
    name = bucket["StackResourceDetail"]["PhysicalResourceId"]
    (encryption,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def test_all_stacks_of_this_folder_are_read() -> None:
    assert set(OURS) <= set(TEMPLATES)
    assert json.dumps(TEMPLATES)
