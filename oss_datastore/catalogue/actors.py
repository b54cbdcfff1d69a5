"""Accounts as they are seen in answers: the one table from which users are known, and the one that holds logins.

GitHub names an account inside nearly every record. Whoever is seen in whatever dataset becomes one row a day here, so
that a person's login stands in one table of the personal schema and everywhere else there is only an id. Only what
every kind of answer says of an account is kept: a column that some answers lack would make a new version of a person
each time another kind of answer happened to name them.
"""

from __future__ import annotations

from oss_datastore.catalogue.model import Record, Table, bigint, text


def _node_id(record: Record) -> str | None:
    """REST has it beside the number, GraphQL in the place of the number."""
    found = record.item.get("node_id") or record.item.get("id")
    return found if isinstance(found, str) and not found.isdigit() else None


ACTORS = Table(
    "actors",
    (
        bigint("user_id", "databaseId|id", "GitHub's numeric id of the account.", required=True),
        text("login", description="Login that day; an attribute, since logins change and are used again."),
        text("type", "__typename|type", "User, Bot, Organization, Mannequin or EnterpriseUserAccount."),
        text("node_id", of=_node_id, description="GraphQL node id, where it was told; no version is made of it."),
    ),
    key=("user_id",),
    hash_keys={"user_hk": ("user_id",)},
    hash_diffs={"sat_user": ("type",), "sat_user_pii": ("login",)},
    schema="psa_pii",
    description="One row per account seen anywhere in that day's answers.",
)
