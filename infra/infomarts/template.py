"""`infra/infomarts.yaml`: the custom resource that makes empty marts, and the dashboard of QuickSight over them.

Made from dbt's contracts, `sql/warehouse/redshift_grants.sql` and `dashboards.yml`, so that warehouse, page and
dashboard cannot drift apart. The function's code is a file in a bucket and not in the template: in the template it may
be 4,096 characters long, and retries, a deadline and an answer in every case do not fit. Its name holds the hash of its
content, so that changed code is a changed resource.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from infra.infomarts.contracts import marts
from infra.infomarts.quicksight import Json, draw
from oss_datastore.report.dashboards import dashboard
from oss_datastore.warehouse.engine import SCHEMAS

HANDLER = Path(__file__).with_name("handler.py")
GRANTS = Path(__file__).resolve().parents[2] / "sql" / "warehouse" / "redshift_grants.sql"
ROLES = ("oss_datastore_reader", "oss_datastore_pii_reader")

_HEAD = """\
AWSTemplateFormatVersion: "2010-09-09"
# Made by `python -m infra.generate` from dbt's contracts, sql/warehouse/redshift_grants.sql and
# oss_datastore/report/dashboards.yml. Do not edit it.
# Schemas, roles, rights and empty infomarts in Redshift, and a dashboard of QuickSight. Removing the stack keeps data.
"""
_DATA_SET_READ = [
    "quicksight:DescribeDataSet",
    "quicksight:DescribeDataSetPermissions",
    "quicksight:PassDataSet",
    "quicksight:DescribeIngestion",
    "quicksight:ListIngestions",
]
_DASHBOARD_READ = ["quicksight:DescribeDashboard", "quicksight:ListDashboardVersions", "quicksight:QueryDashboard"]


def grants() -> list[str]:
    """The statements of `redshift_grants.sql`."""
    lines = [line for line in GRANTS.read_text(encoding="utf-8").splitlines() if not line.startswith("--")]
    return [statement.strip() for statement in "\n".join(lines).split(";") if statement.strip()]


def wanted() -> Json:
    """What the custom resource is to make."""
    tables = {name: [f"{c.name} {c.data_type}" for c in columns] for name, columns in sorted(marts().items())}
    return {"Roles": list(ROLES), "Schemas": list(SCHEMAS), "Grants": grants(), "Tables": tables}


def archive() -> bytes:
    """The function's code as Lambda takes it, the same bytes for the same code."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as files:
        entry = zipfile.ZipInfo("handler.py", (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o644 << 16
        files.writestr(entry, HANDLER.read_bytes())
    return made.getvalue()


def archive_name() -> str:
    """The name of that file, which changes with the code."""
    return f"infomarts-{hashlib.sha256(HANDLER.read_bytes()).hexdigest()[:16]}.zip"


def text() -> str:
    """The template as it is kept."""
    written: str = yaml.dump(template(), Dumper=_Plain, sort_keys=False, width=118, allow_unicode=True)
    return _HEAD + written


class _Plain(yaml.SafeDumper):  # type: ignore[misc]
    """CloudFormation takes no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def template() -> Json:
    """The stack as plain values, but for its first line."""
    return {
        "Description": "OSS-Datastore: empty infomarts with their rights, and a QuickSight dashboard over them.",
        "Parameters": _parameters(),
        "Conditions": {
            "HasAdminSecret": {"Fn::Not": [{"Fn::Equals": [_ref("AdminSecretArn"), ""]}]},
            "HasDashboard": {"Fn::Not": [{"Fn::Equals": [_ref("AuthorsArn"), ""]}]},
            "HasReaders": {"Fn::Not": [{"Fn::Equals": [_ref("ReadersArn"), ""]}]},
            "HasSpice": {"Fn::Equals": [_ref("ImportMode"), "SPICE"]},
            "HasRefresh": {"Fn::And": [{"Condition": "HasDashboard"}, {"Condition": "HasSpice"}]},
        },
        "Resources": {**_tables(), **_quicksight()},
        "Outputs": {
            "ReaderSecretArn": {
                "Description": "Name and password of the user that may read marts and no personal data.",
                "Value": _ref("ReaderSecret"),
            }
        },
    }


def _parameters() -> Json:
    def of(path: str, kind: str = "String") -> Json:
        return {"Type": f"AWS::SSM::Parameter::Value<{kind}>", "Default": f"/oss-datastore/{path}"}

    def text_of(description: str, default: str | None = None, **more: Any) -> Json:
        return {"Type": "String", "Description": description} | ({} if default is None else {"Default": default}) | more

    return {
        "Name": text_of("Prefix of all names.", "oss-datastore", AllowedPattern="[a-z][a-z0-9-]{1,30}"),
        "WorkgroupName": of("warehouse/workgroup-name"),
        "WorkgroupArn": of("warehouse/workgroup-arn"),
        "Address": of("warehouse/address"),
        "Port": of("warehouse/port"),
        "DatabaseName": of("warehouse/database-name"),
        "KmsKeyArn": of("storage/kms-key-arn"),
        "SubnetIds": of("network/private-subnet-ids", "List<AWS::EC2::Subnet::Id>"),
        "VpcId": of("network/vpc-id", "AWS::EC2::VPC::Id"),
        "WarehouseSecurityGroupId": of("network/warehouse-security-group-id", "AWS::EC2::SecurityGroup::Id"),
        "PipelineRoleArn": text_of(
            "The role that runs the pipeline. It owns what is made here, and must trust the role "
            "<Name>-infomarts-handler of this account.",
            AllowedPattern="arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_-]+",
        ),
        "AdminSecretArn": text_of(
            "The secret of the namespace's administrator, who makes users and roles. Empty where the pipeline's user "
            "may create roles and schemas already, and the reader's user is made by hand.",
            "",
        ),
        "CodeBucket": of("storage/staging-bucket"),
        "CodeKey": text_of("The code's key there; the name changes with the code.", f"code/{archive_name()}"),
        "AuthorsArn": text_of(
            "ARN of the QuickSight group that owns data sets and dashboard. Empty makes no QuickSight resource. The "
            "account needs a QuickSight subscription whose service role may read the reader's secret.",
            "",
        ),
        "ReaderName": text_of(
            "The user of Redshift by which QuickSight reads.",
            "quicksight_reader",
            AllowedPattern="[a-z][a-z0-9_]{1,60}",
        ),
        "ReadersArn": text_of("ARN of the QuickSight group that may look. It sees private repositories, too.", ""),
        "ImportMode": text_of(
            "SPICE is filled once a day. DIRECT_QUERY asks Redshift at each look and keeps it awake, which costs.",
            "SPICE",
            AllowedValues=["SPICE", "DIRECT_QUERY"],
        ),
        "RefreshTime": text_of("UTC hour at which SPICE is filled.", "06:30", AllowedPattern="[0-2][0-9]:[0-5][0-9]"),
    }


def _tables() -> Json:
    """The custom resource with its function, roles and secret."""
    mine = {"StringEquals": {"redshift-data:statement-owner-iam-userid": "${aws:userid}"}}
    workgroup = _ref("WorkgroupArn")

    def uses_data_api(*more: Json) -> Json:
        own = ["redshift-data:DescribeStatement", "redshift-data:GetStatementResult", "redshift-data:CancelStatement"]
        return {
            "Version": "2012-10-17",
            "Statement": [
                _allow(["redshift-data:ExecuteStatement"], workgroup),
                # A statement has no ARN; the condition keeps to one's own.
                {"Sid": "AnyResourceOfOnesOwn", **_allow(own, "*"), "Condition": mine},
                *more,
            ],
        }

    credentials = _allow(["redshift-serverless:GetCredentials"], workgroup)
    log_group = _arn("HandlerLogs")
    secrets = [
        _ref("ReaderSecret"),
        {"Fn::If": ["HasAdminSecret", _ref("AdminSecretArn"), _ref("AWS::NoValue")]},
    ]
    return {
        "ReaderSecret": {
            "Type": "AWS::SecretsManager::Secret",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "Description": "The user of Redshift by which QuickSight reads marts.",
                "KmsKeyId": _ref("KmsKeyArn"),
                "GenerateSecretString": {
                    "SecretStringTemplate": _sub('{"username": "${ReaderName}"}'),
                    "GenerateStringKey": "password",
                    "PasswordLength": 48,
                    "ExcludePunctuation": True,
                },
            },
        },
        "HandlerLogs": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {
                "LogGroupName": _sub("/aws/lambda/${Name}-infomarts"),
                "RetentionInDays": 365,
                "KmsKeyId": _ref("KmsKeyArn"),
            },
        },
        "HandlerRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": _sub("${Name}-infomarts-handler"),
                "AssumeRolePolicyDocument": _trust("lambda.amazonaws.com"),
                "Policies": [
                    {
                        "PolicyName": "make-infomarts",
                        "PolicyDocument": uses_data_api(
                            _allow(["sts:AssumeRole"], _ref("PipelineRoleArn")),
                            _allow(["secretsmanager:GetSecretValue"], secrets),
                            _allow(["kms:Decrypt"], _ref("KmsKeyArn")),
                            _allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group),
                        ),
                    }
                ],
            },
        },
        "PipelineMayUseDataApi": {
            "Type": "AWS::IAM::RolePolicy",
            "Properties": {
                "RoleName": {"Fn::Select": [1, {"Fn::Split": ["role/", _ref("PipelineRoleArn")]}]},
                "PolicyName": "make-infomarts",
                "PolicyDocument": uses_data_api(credentials),
            },
        },
        "Handler": {
            "Type": "AWS::Lambda::Function",
            "DependsOn": ["HandlerLogs"],
            "Metadata": _skips(
                CKV_AWS_115="It runs when the stack changes; reserved concurrency would be taken from the account.",
                CKV_AWS_116="CloudFormation waits for its answer, and a failure is the stack's.",
                CKV_AWS_117="It asks the Data API and opens no connection into the network.",
                CKV_AWS_173="It has no environment variables.",
            ),
            "Properties": {
                "FunctionName": _sub("${Name}-infomarts"),
                "Description": "Makes schemas, roles, rights and empty infomarts.",
                "Runtime": "python3.13",
                "Architectures": ["arm64"],
                "Handler": "handler.main",
                "Code": {"S3Bucket": _ref("CodeBucket"), "S3Key": _ref("CodeKey")},
                "Role": _arn("HandlerRole"),
                "MemorySize": 256,
                "Timeout": 840,
            },
        },
        "Infomarts": {
            "Type": "Custom::Infomarts",
            "DependsOn": ["PipelineMayUseDataApi"],
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "ServiceToken": _arn("Handler"),
                "ServiceTimeout": 900,
                "Connection": {
                    "WorkgroupName": _ref("WorkgroupName"),
                    "Database": _ref("DatabaseName"),
                    "PipelineRoleArn": _ref("PipelineRoleArn"),
                    "AdminSecretArn": _ref("AdminSecretArn"),
                    "ReaderSecretArn": _ref("ReaderSecret"),
                },
                **wanted(),
            },
        },
    }


def _quicksight() -> Json:
    """What QuickSight reads, where it is wanted."""
    drawn = draw(dashboard())
    account = _ref("AWS::AccountId")
    only = {"Condition": "HasDashboard"}
    made: Json = {
        "QuickSightNetworkRole": {
            "Type": "AWS::IAM::Role",
            **only,
            "Metadata": _skips(
                CKV_AWS_111="Network interfaces have no name before they are made; QuickSight's manual asks for these.",
                CKV_AWS_107="Network interfaces have no name before they are made; QuickSight's manual asks for these.",
            ),
            "Properties": {
                "AssumeRolePolicyDocument": _trust("quicksight.amazonaws.com"),
                "Policies": [
                    {
                        "PolicyName": "network-interfaces",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {"Sid": "AnyResourceSinceInterfacesHaveNoNameYet"}
                                | _allow(
                                    [
                                        "ec2:CreateNetworkInterface",
                                        "ec2:ModifyNetworkInterfaceAttribute",
                                        "ec2:DeleteNetworkInterface",
                                        "ec2:DescribeSubnets",
                                        "ec2:DescribeSecurityGroups",
                                    ],
                                    "*",
                                )
                            ],
                        },
                    }
                ],
            },
        },
        "QuickSightSecurityGroup": {
            "Type": "AWS::EC2::SecurityGroup",
            **only,
            "Properties": {
                "GroupDescription": "Interfaces of QuickSight: to the warehouse and nowhere else.",
                "VpcId": _ref("VpcId"),
                "SecurityGroupEgress": [_between("What is asked.", 5439, 5439, To="WarehouseSecurityGroupId")],
                # QuickSight does not take an answer for part of what was asked: it needs a rule of its own.
                "SecurityGroupIngress": [_between("What is answered.", 1024, 65535, From="WarehouseSecurityGroupId")],
            },
        },
        "WarehouseTakesQuickSight": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            **only,
            "Properties": {
                "GroupId": _ref("WarehouseSecurityGroupId"),
                **_between("QuickSight.", 5439, 5439, From="QuickSightSecurityGroup"),
            },
        },
        "QuickSightNetwork": {
            "Type": "AWS::QuickSight::VPCConnection",
            **only,
            "Properties": {
                "AwsAccountId": account,
                "VPCConnectionId": _ref("Name"),
                "Name": _ref("Name"),
                "RoleArn": _arn("QuickSightNetworkRole"),
                "SubnetIds": _ref("SubnetIds"),
                "SecurityGroupIds": [_ref("QuickSightSecurityGroup")],
            },
        },
        "DataSource": {
            "Type": "AWS::QuickSight::DataSource",
            **only,
            "DependsOn": ["Infomarts"],
            "Properties": {
                "AwsAccountId": account,
                "DataSourceId": _ref("Name"),
                "Name": _ref("Name"),
                "Type": "REDSHIFT",
                "DataSourceParameters": {
                    "RedshiftParameters": {
                        "Host": _ref("Address"),
                        "Port": _ref("Port"),
                        "Database": _ref("DatabaseName"),
                    }
                },
                "Credentials": {"SecretArn": _ref("ReaderSecret")},
                "SslProperties": {"DisableSsl": False},
                "VpcConnectionProperties": {"VpcConnectionArn": _arn("QuickSightNetwork")},
                "Permissions": [
                    {
                        "Principal": _ref("AuthorsArn"),
                        "Actions": [
                            "quicksight:DescribeDataSource",
                            "quicksight:DescribeDataSourcePermissions",
                            "quicksight:PassDataSource",
                        ],
                    }
                ],
            },
        },
    }
    for mart, columns in drawn.columns.items():
        made |= _data_set(mart, columns)
    made["Dashboard"] = {
        "Type": "AWS::QuickSight::Dashboard",
        **only,
        "Properties": {
            "AwsAccountId": account,
            "DashboardId": _ref("Name"),
            "Name": _ref("Name"),
            "Permissions": [
                {"Principal": _ref("AuthorsArn"), "Actions": _DASHBOARD_READ},
                {
                    "Fn::If": [
                        "HasReaders",
                        {"Principal": _ref("ReadersArn"), "Actions": _DASHBOARD_READ},
                        _ref("AWS::NoValue"),
                    ]
                },
            ],
            "Definition": {
                "DataSetIdentifierDeclarations": [
                    {"Identifier": mart, "DataSetArn": _arn(data_set_name(mart))} for mart in drawn.columns
                ],
                **drawn.definition,
            },
        },
    }
    return made


def _data_set(mart: str, columns: tuple[str, ...]) -> Json:
    name = data_set_name(mart)
    read = [{"Name": column.name, "Type": column.in_quicksight} for column in marts()[mart]]
    return {
        name: {
            "Type": "AWS::QuickSight::DataSet",
            "Condition": "HasDashboard",
            "Properties": {
                "AwsAccountId": _ref("AWS::AccountId"),
                "DataSetId": _sub("${Name}-" + mart.replace("_", "-")),
                "Name": mart,
                "ImportMode": _ref("ImportMode"),
                "PhysicalTableMap": {
                    "mart": {
                        "RelationalTable": {
                            "DataSourceArn": _arn("DataSource"),
                            "Schema": "infomarts",
                            "Name": mart,
                            "InputColumns": read,
                        }
                    }
                },
                "LogicalTableMap": {
                    "shown": {
                        "Alias": mart,
                        "Source": {"PhysicalTableId": "mart"},
                        "DataTransforms": [{"ProjectOperation": {"ProjectedColumns": list(columns)}}],
                    }
                },
                "Permissions": [{"Principal": _ref("AuthorsArn"), "Actions": _DATA_SET_READ}],
            },
        },
        f"{name}Refresh": {
            "Type": "AWS::QuickSight::RefreshSchedule",
            "Condition": "HasRefresh",
            # The schedule names its data set by an id, from which no dependency follows.
            "DependsOn": [name],
            "Properties": {
                "AwsAccountId": _ref("AWS::AccountId"),
                "DataSetId": _sub("${Name}-" + mart.replace("_", "-")),
                "Schedule": {
                    "ScheduleId": "daily",
                    "RefreshType": "FULL_REFRESH",
                    "ScheduleFrequency": {
                        "Interval": "DAILY",
                        "TimeOfTheDay": _ref("RefreshTime"),
                        "TimeZone": "UTC",
                    },
                },
            },
        },
    }


def data_set_name(mart: str) -> str:
    """The logical id of a mart's data set."""
    return "DataSet" + "".join(word.title() for word in mart.split("_"))


def _ref(name: str) -> Json:
    return {"Ref": name}


def _arn(name: str) -> Json:
    return {"Fn::GetAtt": [name, "Arn"]}


def _sub(pattern: str) -> Json:
    return {"Fn::Sub": pattern}


def _allow(actions: list[str], resource: Any) -> Json:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _between(why: str, low: int, high: int, **groups: str) -> Json:
    """A rule of a security group, `From` or `To` another one."""
    side = {"From": "SourceSecurityGroupId", "To": "DestinationSecurityGroupId"}
    named = {side[way]: _ref(group) for way, group in groups.items()}
    return {"Description": why, "IpProtocol": "tcp", "FromPort": low, "ToPort": high, **named}


def _trust(service: str) -> Json:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _skips(**reasons: str) -> Json:
    return {"checkov": {"skip": [{"id": name, "comment": why} for name, why in reasons.items()]}}
