"""Packages of an SBOM: versions, licences, package URLs, and the repository that lists itself."""

from __future__ import annotations

from typing import Any

from oss_datastore.catalogue import ANSWER_SET_OF
from oss_datastore_tests.catalogue.answers import parsed, rest_request, rows

SBOM: dict[str, Any] = {
    "sbom": {
        "SPDXID": "SPDXRef-DOCUMENT",
        "spdxVersion": "SPDX-2.3",
        "creationInfo": {"created": "2026-10-15T00:10:00Z", "creators": ["Tool: GitHub.com-Dependency-Graph"]},
        "name": "com.github.acme/rocket",
        "packages": [
            {
                "SPDXID": "SPDXRef-npm-babel-core-7.1.0",
                "name": "@babel/core",
                "versionInfo": "7.1.0",
                "downloadLocation": "NOASSERTION",
                "filesAnalyzed": False,
                "licenseConcluded": "MIT",
                "externalRefs": [
                    {
                        "referenceCategory": "PACKAGE-MANAGER",
                        "referenceType": "purl",
                        "referenceLocator": "pkg:npm/%40babel/core@7.1.0",
                    }
                ],
            },
            {"SPDXID": "SPDXRef-github-acme-rocket-main", "name": "com.github.acme/rocket", "versionInfo": "main"},
        ],
        "relationships": [
            {
                "spdxElementId": "SPDXRef-github-acme-rocket-main",
                "relatedSpdxElement": "SPDXRef-npm-babel-core-7.1.0",
                "relationshipType": "DEPENDS_ON",
            },
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relatedSpdxElement": "SPDXRef-github-acme-rocket-main",
                "relationshipType": "DESCRIBES",
            },
        ],
    }
}


def test_each_package_is_a_row_and_the_repository_itself_is_told_apart() -> None:
    package, itself = rows(parsed("dependencies", SBOM), "dependencies")
    assert package == {
        "repo_id": 7,
        "spdx_id": "SPDXRef-npm-babel-core-7.1.0",
        "package_name": "@babel/core",
        "package_ecosystem": "npm",
        "package_version": "7.1.0",
        "purl": "pkg:npm/%40babel/core@7.1.0",
        "license_concluded": "MIT",
        "license_declared": None,
        "is_repository": False,
    }
    assert (itself["is_repository"], itself["purl"], itself["package_ecosystem"]) == (True, None, None)


def test_an_answer_without_packages_is_no_sbom_without_packages() -> None:
    assert parsed("dependencies", {"sbom": {"packages": []}}).faults == []
    assert parsed("dependencies", {"sbom": {}}).faults
    assert parsed("dependencies", {"message": "no"}).faults


def test_a_graph_that_is_switched_off_is_disabled() -> None:
    assert ANSWER_SET_OF["dependencies"].probe == ("default_branch_sha",)
    assert rest_request("dependencies").means == {"not_found": "disabled"}
