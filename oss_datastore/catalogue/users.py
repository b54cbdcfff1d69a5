"""Profiles of the accounts that were seen: what is no secret of a person in psa, the person in psa_pii."""

from __future__ import annotations

from collections.abc import Callable

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Dataset,
    GraphPart,
    GraphRequest,
    Needs,
    Record,
    RestRequest,
    ScopeKind,
    Table,
    bigint,
    boolean,
    text,
    timestamp,
)

_USER = bigint("user_id", "databaseId|id", "GitHub's numeric id of the account.", required=True)


def _given(*names: str) -> Callable[[Record], str | None]:
    """The first that is not blank: where a profile says nothing, one API answers '' and the other null."""

    def given(record: Record) -> str | None:
        return next((record.item[name] for name in names if record.item.get(name)), None)

    return given


users = Dataset(
    Table(
        "users",
        (
            _USER,
            text("type", "__typename|type", "User, Bot, Organization, Mannequin or EnterpriseUserAccount."),
            boolean("is_site_admin", "isSiteAdmin|site_admin", "Works for GitHub."),
            timestamp("account_created_at", "createdAt|created_at", "When the account was made."),
        ),
        key=("user_id",),
        hash_keys={"user_hk": ("user_id",)},
        hash_diffs={"sat_user_account": ("is_site_admin", "account_created_at")},
        description="One row per account that was asked for and UTC day.",
    ),
    subject="users",
    scope_kind=ScopeKind.user,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description=(
        "The public profile of every account that works on a repository or may reach it. Whoever only stars, watches or"
        " forks one is left alone."
    ),
    permission="none: profiles are public",
    children=(
        Table(
            "user_profiles",
            (
                _USER,
                text("name", of=_given("name"), description="Name."),
                text("email", of=_given("email"), description="The public e-mail."),
                text("company", of=_given("company"), description="Company."),
                text("location", of=_given("location"), description="Location."),
                text("bio", of=_given("bio"), description="What the person says of himself or herself."),
                text("website", of=_given("websiteUrl", "blog"), description="Website."),
                text("twitter", of=_given("twitterUsername", "twitter_username"), description="Name on Twitter."),
            ),
            key=("user_id",),
            hash_keys={"user_hk": ("user_id",)},
            hash_diffs={
                "sat_user_profile_pii": ("name", "email", "company", "location", "bio", "website", "twitter"),
            },
            schema="psa_pii",
            description="One row per account and UTC day: what its profile tells of the person.",
        ),
    ),
    actors=("@item",),
    is_object=True,
)

ANSWER_SETS = (
    AnswerSet(
        "users",
        (users,),
        (
            GraphRequest("users", "nodes", ScopeKind.user, 100, (GraphPart("users", scope_each=True),), batch=True),
            RestRequest("/user/{account_id}", ("users",), ScopeKind.user, paged=False),
        ),
        priority=9,
        every_days=7,
        cost="1 point per 100 accounts, once a week",
    ),
)
