"""Invitations, and outside collaborators without two-factor authentication."""

from __future__ import annotations

from typing import Any

from oss_datastore.catalogue import TABLES
from oss_datastore_tests.catalogue.answers import at, parsed, rest_request, rows, values

INVITATION: dict[str, Any] = {
    "id": 1,
    "login": None,
    "node_id": "MDQ6VXNlcjE=",
    "email": "octocat@example.com",
    "role": "direct_member",
    "created_at": "2016-11-30T06:46:10-08:00",
    "failed_at": "",
    "failed_reason": "",
    "inviter": {"login": "ada", "id": 3, "type": "User"},
    "team_count": 2,
    "invitation_source": "member",
}


def test_an_invitation_is_a_row_and_whom_it_reached_lies_apart() -> None:
    found = parsed("invitations", [INVITATION])
    assert rows(found, "invitations") == [
        {
            "org_id": 7,
            "invitation_id": 1,
            "role": "direct_member",
            "invitation_source": "member",
            "inviter_id": 3,
            "team_count": 2,
            "created_at": at("2016-11-30T14:46:10"),
        }
    ]
    assert values(found, "invitation_addresses") == [(1, None, "octocat@example.com")]
    assert TABLES["invitation_addresses"].schema == "psa_pii"
    assert [row["login"] for row in found.rows["actors"]] == ["ada"]


def test_a_failed_invitation_tells_when_and_why() -> None:
    failed = {**INVITATION, "failed_at": "2016-12-07T06:46:10-08:00", "failed_reason": "the invitation expired"}
    first, second = rows(parsed("failed_invitations", [failed, {**INVITATION, "id": 2}]), "failed_invitations")
    assert (first["failed_at"], first["failed_reason"]) == (
        at("2016-12-07T14:46:10"),
        "the invitation expired",
    )
    # An invitation that has not failed has '' where a time belongs.
    assert second["failed_at"] is None


def test_who_lacks_the_second_factor_is_a_list_of_its_own() -> None:
    request = rest_request("outside_collaborators_without_two_factor")
    assert request.params == {"filter": "2fa_disabled"}
    assert request.means["unprocessable"] == "forbidden"
    found = parsed("outside_collaborators_without_two_factor", [{"id": 5, "login": "eve", "type": "User"}])
    assert values(found, "outside_collaborators_without_two_factor") == [(7, 5)]
    # The same relation as in the list of all of them.
    everybody = parsed("outside_collaborators", [{"id": 5, "login": "eve", "type": "User"}])
    name = "link_org_user_outside_hk"
    assert (
        found.rows["outside_collaborators_without_two_factor"][0][name]
        == everybody.rows["outside_collaborators"][0][name]
    )
