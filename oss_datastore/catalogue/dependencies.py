"""What a repository is built from: the packages of its SBOM, as GitHub's dependency graph sees them."""

from __future__ import annotations

from typing import Any

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Dataset,
    Needs,
    Record,
    RestRequest,
    ScopeKind,
    Table,
    bigint,
    boolean,
    text,
)


def _purl(record: Record) -> str | None:
    for reference in record.item.get("externalRefs") or []:
        if reference.get("referenceType") == "purl":
            return str(reference["referenceLocator"])
    return None


def _ecosystem(record: Record) -> str | None:
    """`pkg:npm/%40scope/name@1.0` is of npm."""
    purl = _purl(record)
    return purl.removeprefix("pkg:").partition("/")[0] if purl else None


def _is_repository(record: Record) -> bool:
    relations: list[Any] = record.parent["sbom"].get("relationships") or []
    # The one that says what the document describes comes last.
    return any(
        relation.get("relationshipType") == "DESCRIBES"
        and relation.get("relatedSpdxElement") == record.item.get("SPDXID")
        for relation in reversed(relations)
    )


dependencies = Dataset(
    Table(
        "dependencies",
        (
            bigint("repo_id", "@id", "Numeric id of the repository.", required=True),
            text("spdx_id", "SPDXID", "Id of the package within this SBOM.", required=True),
            text("package_name", "name", "Package."),
            text("package_ecosystem", of=_ecosystem, description="Type of its package URL: npm, pypi, githubactions."),
            text("package_version", "versionInfo", "Version, or the range that a manifest asks for."),
            text("purl", of=_purl, description="Package URL."),
            text("license_concluded", "licenseConcluded", "Licence as GitHub concludes it, an SPDX expression."),
            text("license_declared", "licenseDeclared", "Licence as the package declares it."),
            boolean("is_repository", of=_is_repository, description="The repository itself, which the SBOM lists too."),
        ),
        key=("repo_id", "spdx_id"),
        hash_keys={"repo_hk": ("repo_id",), "link_repo_dependency_hk": ("repo_id", "spdx_id")},
        hash_diffs={
            "sat_repo_dependency": (
                "package_name",
                "package_ecosystem",
                "package_version",
                "purl",
                "license_concluded",
                "license_declared",
                "is_repository",
            ),
        },
        each="sbom.packages",
        description="One row per repository, package of its SBOM and UTC day.",
    ),
    subject="dependencies",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Packages a repository depends on, with version and licence (SPDX SBOM of the dependency graph).",
    permission="Contents: read",
    classic_scope="repo (for private repositories)",
    is_object=True,
)

ANSWER_SETS = (
    AnswerSet(
        "dependencies",
        (dependencies,),
        (
            RestRequest(
                "/repos/{repo}/dependency-graph/sbom",
                ("dependencies",),
                paged=False,
                # The graph can be switched off, and GitHub says no more than that there is none.
                means={"not_found": "disabled"},
            ),
        ),
        priority=7,
        probe=("default_branch_sha",),
        cost="1 request per repository whose default branch moved",
    ),
)
