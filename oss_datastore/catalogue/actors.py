"""Accounts as they are seen in answers: the one table from which users are known, and the one that holds logins.

GitHub names an account inside nearly every record. Whoever is seen in whatever dataset becomes one row a day here, so
that a person's login stands in one table of the personal schema and everywhere else there is only an id.
"""

from __future__ import annotations

from oss_datastore.catalogue.model import Table, bigint, boolean, text

ACTORS = Table(
    "actors",
    (
        bigint("user_id", "databaseId|id", "GitHub's numeric id of the account.", required=True),
        text("node_id", description="GraphQL node id."),
        text("login", description="Login that day; an attribute, since logins change and are used again."),
        text("name", description="Display name, where the answer had it."),
        text("type", "__typename|type", "User, Bot, Organization, Mannequin or EnterpriseUserAccount."),
        boolean("is_site_admin", "isSiteAdmin|site_admin", "Works for GitHub."),
    ),
    key=("user_id",),
    hash_keys={"user_hk": ("user_id",)},
    hash_diffs={"sat_user": ("type", "is_site_admin"), "sat_user_pii": ("login", "name")},
    schema="psa_pii",
    description="One row per account seen anywhere in that day's answers.",
)
