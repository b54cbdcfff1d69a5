"""A run on ECS as the daemon would start it: Dagster's launcher against a stand-in of ECS, under the daemon's role."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import WorkerStatus
from dagster._core.launcher.base import LaunchRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

from oss_datastore_tests.infra.rights import allows, asked, in_place, policies, recorded
from oss_datastore_tests.infra.templates import templates

ECS = Path(__file__).resolve().parents[2] / "infra" / "ecs"
REGION = "eu-west-1"
LONGEST_OVERRIDES = 8192
"""Characters that ECS takes."""


@contextmanager
def metadata(task: dict[str, Any]) -> Iterator[str]:
    """Address at which a task of ECS is told who it is."""

    class Tells(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"Cluster": task["clusterArn"], "TaskARN": task["taskArn"]}).encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Tells) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def daemon(moto_s3: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The daemon's own task in a cluster, and the environment that it has there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_s3)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    ecs, ec2 = boto3.client("ecs"), boto3.client("ec2")
    ecs.create_cluster(clusterName="oss-datastore")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="app", Description="x", VpcId=vpc)["GroupId"]
    made = {
        name: ecs.register_task_definition(
            family=f"oss-datastore-{name}",
            networkMode="awsvpc",
            containerDefinitions=[{"name": name, "image": "x", "memory": 512, "cpu": 256}],
        )["taskDefinition"]["taskDefinitionArn"]
        for name in ("daemon", "run")
    }
    network = {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}}
    [task] = ecs.run_task(
        cluster="oss-datastore", taskDefinition=made["daemon"], launchType="FARGATE", networkConfiguration=network
    )["tasks"]
    monkeypatch.setenv("DAGSTER_RUN_TASK_DEFINITION", made["run"])
    with metadata(task) as address:
        monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", address)
        yield {"network": network, "run": made["run"], "cluster": task["clusterArn"]}
    ec2.delete_security_group(GroupId=group)


def test_a_run_becomes_a_task_beside_the_daemon_and_can_be_looked_after_and_stopped(
    dagster_url: str, daemon: dict[str, Any]
) -> None:
    @dg.job
    def daily() -> None:
        pass

    module = ModuleCodePointer("oss_datastore.definitions", "defs", None)
    origin = JobPythonOrigin("daily", RepositoryPythonOrigin(sys.executable, module, entry_point=["dagster"]))
    with dg.DagsterInstance.from_config(str(ECS)) as instance, recorded() as calls:
        run = instance.create_run_for_job(daily, job_code_origin=origin)
        instance.run_launcher.launch_run(LaunchRunContext(dagster_run=run, workspace=None))
        begun = instance.get_run_by_id(run.run_id)
        assert begun is not None
        assert instance.run_launcher.check_run_worker_health(begun).status is WorkerStatus.RUNNING
        assert instance.run_launcher.terminate(run.run_id)

    [started] = [call.parameters for call in calls if call.operation == "RunTask"]
    assert (started["taskDefinition"], started["cluster"]) == (daemon["run"], daemon["cluster"])
    found = started["networkConfiguration"]["awsvpcConfiguration"]
    assert found == daemon["network"]["awsvpcConfiguration"] | {"assignPublicIp": "DISABLED"}
    [overrides] = started["overrides"]["containerOverrides"]
    assert overrides["name"] == "run"
    assert overrides["command"][:3] == ["dagster", "api", "execute_run"]
    # What a run is told stands in its task for everybody to read.
    written = json.dumps(started["overrides"])
    assert len(written) < LONGEST_OVERRIDES / 2
    assert urlsplit(dagster_url).path.strip("/") not in written

    may_daemon, may_webserver = _statements("DaemonRole", daemon), _statements("WebserverRole", daemon)
    needed = [one for call in calls for one in asked(call, "arn:key", REGION)]
    assert {one.action for one in needed} >= {"ecs:RunTask", "ecs:StopTask", "ec2:DescribeNetworkInterfaces"}
    assert [one for one in needed if not allows(may_daemon, one)] == []
    stopping = [one for one in needed if one.action in ("ecs:DescribeTasks", "ecs:StopTask")]
    assert [one for one in stopping if not allows(may_webserver, one)] == []
    starting = [one for one in needed if one.action == "ecs:RunTask"]
    assert [one for one in starting if allows(may_webserver, one)] == []


def _statements(role: str, daemon: dict[str, Any]) -> list[Any]:
    account = daemon["cluster"].split(":")[4]
    values = {
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::AccountId": account,
        "Name": "oss-datastore",
        "KmsKeyArn": "arn:key",
        "Cluster": "oss-datastore",
        "Cluster.Arn": daemon["cluster"],
        "ExecutionRole.Arn": "arn:execution",
        "PipelineRole.Arn": "arn:pipeline",
        "RunLogGroup.Arn": "arn:run",
        "ShellLogGroup.Arn": "arn:shell",
    }
    found: list[Any] = in_place(policies(templates()["platform"], role), values)
    return found
