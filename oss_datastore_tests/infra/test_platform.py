"""Dagster on ECS as the stack `platform` describes it: who runs as what, what each is told, how people come in.

What moto can make of it is made; that proves that references resolve and that the settings which come out are taken,
and nothing about AWS.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import boto3
import psycopg2
import pytest

from infra.container.prepare_databases import prepare
from oss_datastore.dead_letters import EmbeddedPostgres
from oss_datastore.settings import Settings
from oss_datastore_tests.infra.rights import in_place
from oss_datastore_tests.infra.templates import nodes, resources, templates
from oss_datastore_tests.infra.test_container import DAGSTERS, OF_DEPLOYMENT, settings

PLATFORM = templates()["platform"]
TASKS = resources(PLATFORM, "AWS::ECS::TaskDefinition")
SERVICES = resources(PLATFORM, "AWS::ECS::Service")
CONTAINERS: dict[str, dict[str, Any]] = {
    container["Name"]: container for task in TASKS.values() for container in task["Properties"]["ContainerDefinitions"]
}
LOCAL_ONLY = {"OSS_DATASTORE_NOW", "OSS_DATASTORE_HOME", "AWS_ENDPOINT_URL"}
"""For tests and one's own machine; the image names the home."""
OF_GITHUB = {"GITHUB_TOKEN", "GITHUB_TOKENS", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"}


def environment(name: str) -> dict[str, Any]:
    """What a container's variables are set to, those that have a condition included."""
    entries = [entry["Fn::If"][1] if "Fn::If" in entry else entry for entry in CONTAINERS[name]["Environment"]]
    assert len({entry["Name"] for entry in entries}) == len(entries), name
    return {entry["Name"]: entry["Value"] for entry in entries}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_variable_is_a_setting_or_dagsters_own(name: str) -> None:
    assert set(environment(name)) <= settings() | DAGSTERS | OF_DEPLOYMENT
    assert {secret["Name"] for secret in CONTAINERS[name]["Secrets"]} == {"DAGSTER_POSTGRES_URL"}


def test_every_setting_can_be_set_but_those_of_tests_and_one_machine() -> None:
    assert settings() - set(environment("run")) == LOCAL_ONLY


def test_what_can_be_set_is_a_parameter_or_follows_from_the_other_stacks() -> None:
    used = {node["Ref"] for _, node in nodes([PLATFORM["Resources"], PLATFORM["Conditions"]]) if _is_reference(node)}
    texts = json.dumps(PLATFORM["Resources"])
    assert [name for name in PLATFORM["Parameters"] if name not in used and f"${{{name}}}" not in texts] == []


def _is_reference(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("Ref"), str)


def test_code_location_and_runs_are_told_the_same_but_for_github() -> None:
    run, code = environment("run"), environment("code")
    assert set(run) - set(code) == OF_GITHUB
    assert {name: run[name] for name in code} == code
    assert {name: code[name] for name in environment("prepare")} == environment("prepare")


def test_web_server_and_daemon_know_no_setting() -> None:
    for name in ("webserver", "daemon"):
        assert set(environment(name)) & settings() == {"AWS_DEFAULT_REGION"}
        assert environment(name)["DAGSTER_RUN_TASK_DEFINITION"] == {"Ref": "RunTask"}


def test_figures_go_where_the_alarms_look() -> None:
    alarms = resources(templates()["observability"], "AWS::CloudWatch::Alarm").values()
    ours = {alarm["Properties"]["Namespace"] for alarm in alarms} - {"AWS/RDS"}
    assert ours == {PLATFORM["Parameters"]["Metrics"]["Default"]}


def test_the_launcher_finds_the_container_that_dagsters_configuration_names() -> None:
    [container] = TASKS["RunTask"]["Properties"]["ContainerDefinitions"]
    assert container["Name"] == "run"
    assert TASKS["RunTask"]["Properties"]["Family"] == {"Fn::Sub": "${Name}-run"}
    # It takes over the daemon's launch type, and fails where there is a strategy of providers.
    assert SERVICES["DaemonService"]["Properties"]["LaunchType"] == "FARGATE"


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_is_nobody_special_and_writes_to_two_folders(name: str) -> None:
    container = CONTAINERS[name]
    assert container["User"] == "10001:10001"
    assert container["ReadonlyRootFilesystem"] is True
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert "Privileged" not in container
    paths = {mount["ContainerPath"] for mount in container["MountPoints"]}
    of_agent = {"/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm"} if name == "webserver" else set()
    assert paths == {"/tmp", "/var/lib/oss-datastore"} | of_agent
    assert container["Image"] == {"Fn::Sub": "${Repository.RepositoryUri}:${ImageTag}"}
    assert ("HealthCheck" in container) == (name not in ("run", "prepare"))


def test_there_is_one_daemon_and_one_code_location_never_two() -> None:
    for service in ("DaemonService", "CodeService"):
        properties = SERVICES[service]["Properties"]
        assert properties["DesiredCount"] == 1
        assert properties["DeploymentConfiguration"]["MinimumHealthyPercent"] == 0
        assert properties["DeploymentConfiguration"]["MaximumPercent"] == 100
    for service in SERVICES.values():
        assert service["Properties"]["DeploymentConfiguration"]["DeploymentCircuitBreaker"]["Rollback"] is True
        assert service["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def test_nothing_schedules_but_dagster() -> None:
    kinds = {resource["Type"] for template in templates().values() for resource in template["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith(("AWS::Events::", "AWS::Scheduler::"))]


def test_nobody_comes_in_through_a_load_balancer_without_saying_who() -> None:
    parameters = PLATFORM["Parameters"]
    assert parameters["Access"]["Default"] == "port-forwarding"
    [listener] = resources(PLATFORM, "AWS::ElasticLoadBalancingV2::Listener").values()
    assert [action["Type"] for action in listener["Properties"]["DefaultActions"]] == ["authenticate-oidc", "forward"]
    assert listener["Properties"]["Protocol"] == "HTTPS"
    [rule] = PLATFORM["Rules"].values()
    needed = {one["Assert"]["Fn::Not"][0]["Fn::Equals"][0]["Ref"] for one in rule["Assertions"]}
    assert needed == {"CertificateArn", *(name for name in parameters if name.startswith("Oidc"))}
    assert SERVICES["WebserverService"]["Properties"]["EnableExecuteCommand"] == {
        "Fn::If": ["HasPortForwarding", True, False]
    }


def test_the_pipelines_role_is_lent_to_ecs_and_to_the_function_of_the_infomarts_only() -> None:
    to_ecs, to_function = PLATFORM["Resources"]["PipelineRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert to_ecs["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    handler = templates()["infomarts"]["Resources"]["HandlerRole"]["Properties"]["RoleName"]["Fn::Sub"]
    values = {"AWS::Partition": "aws", "AWS::AccountId": "1", "Name": "x"}
    condition = in_place(to_function["Condition"], values)
    assert condition == {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::1:role/{handler.replace('${Name}', 'x')}"}}


UNKNOWN_TO_MOTO = {
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "AWS::ServiceDiscovery::Service",
    "AWS::SecretsManager::Secret",
    "AWS::IAM::RolePolicy",
}


@pytest.fixture
def account(moto_s3: str) -> Iterator[dict[str, Any]]:
    """Clients of an account in which the parameters of the stacks before this one stand."""
    names = ("cloudformation", "ssm", "ec2", "ecs", "iam", "acm")
    aws: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
    clients = {name: boto3.client(name, endpoint_url=moto_s3, **aws) for name in names}
    vpc = clients["ec2"].create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        clients["ec2"].create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"eu-west-1{zone}")
        for n, zone in enumerate("abc")
    ]
    ids = ",".join(made["Subnet"]["SubnetId"] for made in subnets)
    group = clients["ec2"].create_security_group(GroupName=secrets.token_hex(8), Description="x", VpcId=vpc)["GroupId"]
    found = {"VpcId": vpc, "PrivateSubnetIds": ids, "PublicSubnetIds": ids}
    found |= {"AppSecurityGroupId": group, "LoadBalancerSecurityGroupId": group, "DatabasePort": "5432"}
    found |= {"DatabaseAddress": "db.example", "KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"}
    found |= {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:oss-datastore-alarms"}
    for name, parameter in PLATFORM["Parameters"].items():
        if parameter["Type"].startswith("AWS::SSM"):
            value = found.get(name, f"arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-abcdef")
            clients["ssm"].put_parameter(
                Name=parameter["Default"],
                Value=value,
                Overwrite=True,
                Type="StringList" if "List" in name else "String",
            )
    yield clients
    # Other tests make the stacks that write them.
    for parameter in PLATFORM["Parameters"].values():
        if parameter["Type"].startswith("AWS::SSM"):
            clients["ssm"].delete_parameter(Name=parameter["Default"])


def made_by_moto(account: dict[str, Any], **parameters: str) -> tuple[dict[str, dict[str, str]], set[str]]:
    """Environment of each container of a stack that was made of all that moto knows, and what it made."""
    template = templates()["platform"]
    left_out = {name for name, one in template["Resources"].items() if one["Type"] in UNKNOWN_TO_MOTO}
    values = {"/oss-datastore/warehouse/workgroup-arn": "arn:aws:redshift-serverless:eu-west-1:1:workgroup/w"}
    values |= {f"/oss-datastore/warehouse/{name}": "oss-datastore" for name in ("workgroup-name", "database-name")}
    values["/oss-datastore/warehouse/copy-role-arn"] = "arn:aws:iam::123456789012:role/copy"
    text = json.dumps(_without(template, left_out))
    for path, value in values.items():  # moto resolves such references by themselves only
        text = text.replace(f"{{{{resolve:ssm:{path.replace('/oss-datastore/', '/${Name}/', 1)}}}}}", value)
    name = f"platform-{secrets.token_hex(4)}"
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    cloud = account["cloudformation"]
    cloud.create_stack(StackName=name, TemplateBody=text, Parameters=given, Capabilities=["CAPABILITY_NAMED_IAM"])
    try:
        assert cloud.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        # What a condition leaves out stands in moto's list without a name.
        found = cloud.describe_stack_resources(StackName=name)["StackResources"]
        made = [one for one in found if "LogicalResourceId" in one]
        variables: dict[str, dict[str, str]] = {}
        for task in (one["PhysicalResourceId"] for one in made if one["LogicalResourceId"] in TASKS):
            definition = account["ecs"].describe_task_definition(taskDefinition=task)["taskDefinition"]
            for container in definition["containerDefinitions"]:
                entries = [entry for entry in container["environment"] if entry]
                variables[container["name"]] = {entry["name"]: entry["value"] for entry in entries}
        return variables, {one["LogicalResourceId"] for one in made}
    finally:
        cloud.delete_stack(StackName=name)


def _without(tree: Any, left_out: set[str]) -> Any:
    """The template without some resources; whatever names them gets their name as text."""
    if isinstance(tree, list):
        return [_without(part, left_out) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.get("Ref") in left_out:
        return str(tree["Ref"])
    if "Fn::GetAtt" in tree and tree["Fn::GetAtt"][0] in left_out:
        return str(tree["Fn::GetAtt"][0])
    return {key: _without(value, left_out) for key, value in tree.items() if key not in left_out}


@pytest.mark.parametrize("warehouse", ["redshift", "postgres"])
@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_what_moto_makes_of_the_stack_are_settings_with_which_a_process_starts(
    account: dict[str, Any], warehouse: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    found_in, made = made_by_moto(
        account, ImageTag="1.0", Warehouse=warehouse, GitHubOrgs="acme,globex", GitHubAppId="7"
    )
    monkeypatch.chdir(tmp_path)
    for name in settings():
        monkeypatch.delenv(name, raising=False)
    for name, value in found_in["run"].items():
        monkeypatch.setenv(name, value)
    found = Settings.load()
    assert found.github_orgs == ("acme", "globex")
    assert found.warehouse == warehouse
    assert found.metrics == "OssDatastore"
    assert found.alerts == ("log", "sns:arn:aws:sns:eu-west-1:123456789012:oss-datastore-alarms")
    kept = {variable for variable, secret in found.secrets() if secret.is_kept_elsewhere}
    of_postgres = {"OSS_DATASTORE_WAREHOUSE_URL"} if warehouse == "postgres" else set()
    assert kept == {"DLQ_URL", "GITHUB_APP_PRIVATE_KEY"} | of_postgres
    entrance = {"LoadBalancer", "TargetGroup", "Listener"}
    known = {name for name, one in PLATFORM["Resources"].items() if one["Type"] not in UNKNOWN_TO_MOTO}
    assert made == known - entrance


def test_before_there_is_an_image_moto_makes_the_repository_and_nothing_that_runs(account: dict[str, Any]) -> None:
    tasks, made = made_by_moto(account)
    assert tasks == {}
    assert "Repository" in made
    assert not made & (TASKS.keys() | SERVICES.keys())


def test_moto_makes_a_listener_that_asks_who_somebody_is(account: dict[str, Any]) -> None:
    oidc = {f"Oidc{part}": "https://id.example" for part in OIDC}
    arn = account["acm"].request_certificate(DomainName="dagster.example")["CertificateArn"]
    _, made = made_by_moto(
        account,
        Access="internal-load-balancer",
        CertificateArn=arn,
        OidcClientId="x",
        OidcSecretArn="arn:aws:secretsmanager:eu-west-1:123456789012:secret:oidc-abcdef",
        **oidc,
    )
    assert made >= {"LoadBalancer", "TargetGroup", "Listener"}


OIDC = ("Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint")


@pytest.fixture
def administrator(postgres: EmbeddedPostgres) -> Iterator[str]:
    """Address of a queue's database by somebody like RDS's administrator, who makes roles and databases but is no
    superuser; what was made beside it is removed.
    """
    unique = secrets.token_hex(4)
    address = postgres.ensure_database(f"dlq_{unique}")
    with closing(psycopg2.connect(postgres.url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f'create role "master_{unique}" createdb createrole')
        cursor.execute(f'alter database "dlq_{unique}" owner to "master_{unique}"')
        yield f"{address}{'&' if '?' in address else '?'}options=-c%20role%3Dmaster_{unique}"
        for name in ("warehouse", "dagster", "dlq"):
            cursor.execute(f'drop database if exists "{name}_{unique}" with (force)')
        for name in ("dagster", "master"):
            cursor.execute(f'drop role if exists "{name}_{unique}"')


def beside(address: str, prefix: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(parts._replace(path=parts.path.replace("dlq_", f"{prefix}_")))


def dagsters(administrator: str, password: str) -> str:
    """What the stack writes into DAGSTER_POSTGRES_URL."""
    name = beside(administrator, "dagster").partition("?")[0].rpartition("/")[2]
    return f"postgresql+psycopg2://{name}:{password}@db.example:5432/{name}?sslmode=require"


def told(address: str, query: str, *values: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(address.partition("options=")[0].rstrip("?&"))) as connection:
        cursor = connection.cursor()
        cursor.execute(query, values)
        return list(cursor.fetchall())


MAY_ENTER = "select datname from pg_database where has_database_privilege(%s, datname, 'connect') and datname like %s"
PASSWORD = "select rolpassword, rolcanlogin, rolsuper, rolcreatedb from pg_authid where rolname = %s"


def test_dagsters_user_gets_a_database_of_its_own_and_enters_no_other(administrator: str) -> None:
    written = dagsters(administrator, "first")
    prepare(administrator, written, beside(administrator, "warehouse"))
    user = urlsplit(written).username or ""
    unique = user.removeprefix("dagster_")
    assert told(administrator, MAY_ENTER, user, f"%{unique}") == [(user,)]
    made = told(administrator, "select datname from pg_database where datname like %s order by 1", f"%{unique}")
    assert made == [(user,), (f"dlq_{unique}",), (f"warehouse_{unique}",)]
    [(_, may_login, is_superuser, makes_databases)] = told(administrator, PASSWORD, user)
    assert (may_login, is_superuser, makes_databases) == (True, False, False)


def test_what_is_there_stays_and_the_password_becomes_the_new_one(administrator: str) -> None:
    prepare(administrator, dagsters(administrator, "first"), None)
    user = urlsplit(dagsters(administrator, "first")).username or ""
    [(first, *_)] = told(administrator, PASSWORD, user)
    with closing(psycopg2.connect(beside(administrator, "dagster"))) as connection, connection:
        connection.cursor().execute(f'set role "{user}"; create table kept (x int)')
    prepare(administrator, dagsters(administrator, "second"), None)
    [(second, *_)] = told(administrator, PASSWORD, user)
    assert first.startswith("SCRAM-SHA-256$")
    assert first.split("$")[2] != second.split("$")[2]
    assert told(beside(administrator, "dagster"), "select tableowner from pg_tables where tablename = 'kept'") == [
        (user,)
    ]


def test_a_warehouse_on_another_server_is_left_alone(administrator: str) -> None:
    prepare(administrator, dagsters(administrator, "first"), "postgresql://user@another.example/warehouse_x")
    assert told(administrator, "select from pg_database where datname = 'warehouse_x'") == []
