"""`infra/infomarts.yaml`: the custom resource that makes empty marts, and the dashboard of QuickSight over them.

What is written by hand stands in `stack.yaml`. The rest is made from dbt's contracts, the warehouse's grants and
`dashboards.yml`, so that warehouse, page and dashboard cannot drift apart. The function's code is a file in a bucket:
in the template it may be 4,096 characters long, and retries, a deadline and an answer in every case do not fit. Its
name holds the hash of its content, so that changed code is a changed resource.
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
from oss_datastore.warehouse.redshift import ROLES, grants

HANDLER = Path(__file__).with_name("handler.py")
STACK = Path(__file__).with_name("stack.yaml")

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
    made: Json = yaml.safe_load(STACK.read_text(encoding="utf-8"))
    made["Parameters"]["CodeKey"]["Default"] = f"code/{archive_name()}"
    resources = made["Resources"]
    resources["Infomarts"]["Properties"] |= wanted()
    drawn = draw(dashboard())
    for mart, columns in drawn.columns.items():
        resources |= _data_set(mart, columns)
    identifiers = [{"Identifier": mart, "DataSetArn": _arn(data_set_name(mart))} for mart in drawn.columns]
    resources["Dashboard"]["Properties"]["Definition"] = {
        "DataSetIdentifierDeclarations": identifiers,
        **drawn.definition,
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
