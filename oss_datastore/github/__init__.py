"""The GitHub client: budget, REST pages, GraphQL and the errors of both. What is asked and when is not decided here."""

from oss_datastore.github.apps import App
from oss_datastore.github.auth import NoToken, StaticTokens, Token, TokenSource
from oss_datastore.github.budget import BudgetState, Timer
from oss_datastore.github.classification import classify, query_error_kind
from oss_datastore.github.client import GitHub
from oss_datastore.github.errors import (
    BadRequest,
    Blocked,
    Conflict,
    Disabled,
    EmptyRepository,
    Forbidden,
    GitHubError,
    Gone,
    MalformedBody,
    NotFound,
    QueryFailed,
    QueryTooHeavy,
    RateLimited,
    ServerFault,
    StrayAddress,
    Unauthorized,
    Unprocessable,
    Unreachable,
)
from oss_datastore.github.messages import Answer, GraphQLAnswer, Request

__all__ = [
    "Answer",
    "App",
    "BadRequest",
    "Blocked",
    "BudgetState",
    "Conflict",
    "Disabled",
    "EmptyRepository",
    "Forbidden",
    "GitHub",
    "GitHubError",
    "Gone",
    "GraphQLAnswer",
    "MalformedBody",
    "NoToken",
    "NotFound",
    "QueryFailed",
    "QueryTooHeavy",
    "RateLimited",
    "Request",
    "ServerFault",
    "StaticTokens",
    "StrayAddress",
    "Timer",
    "Token",
    "TokenSource",
    "Unauthorized",
    "Unprocessable",
    "Unreachable",
    "classify",
    "query_error_kind",
]
