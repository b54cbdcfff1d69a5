"""What goes wrong in each campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Campaign:
    """`github` declares the simulator's faults, `s3` the rates of the S3 proxy's.

    `scene` is what happens beside them: `postgres` is away for a while, the `disk` is full, processes are `killed`.
    """

    github: str = ""
    s3: Mapping[str, float] = field(default_factory=dict)
    scene: str = ""


_LASTING = "bad_gateway@/repos/*=0.03:sticky"
"""Some requests fail however often they are sent, so that there are letters in every campaign."""

CAMPAIGNS = {
    # Together a fifth of all requests.
    "server_errors": Campaign(f"server_error=0.07,bad_gateway=0.07,unavailable=0.07,{_LASTING}"),
    "resets": Campaign("reset=0.2,reset@/repos/*=0.03:sticky"),
    "bodies": Campaign("truncated=0.1,not_json=0.1,truncated@/repos/*=0.02:sticky,not_json@/repos/*=0.02:sticky"),
    "primary_limits": Campaign(
        f"primary_limit=0.01,primary_limit_429=0.01,graphql_rate_limit=0.05,headers_missing=0.02,{_LASTING}"
    ),
    "secondary_limits": Campaign(
        "secondary_limit=0.02,secondary_limit_429=0.02,secondary_limit_bare=0.01,secondary_limit_remaining=0.02,"
        f"secondary_limit_longer=0.01,graphql_secondary_limit=0.05,{_LASTING}"
    ),
    "computing": Campaign(f"statistics_computing=1,{_LASTING}"),
    "graphql": Campaign(
        "graphql_node_error=0.1,graphql_resource_limits=0.1,graphql_timeout=0.1,graphql_timeout_200=0.1,"
        "graphql_invalid=0.05,graphql_node_limit=0.02,graphql_node_error=0.03:sticky"
    ),
    "s3": Campaign(
        _LASTING,
        {
            "slow_down": 0.1,
            "reset_before": 0.05,
            "reset_after": 0.1,
            "sent_twice": 0.05,
            "conflict": 0.05,
            "truncated": 0.05,
        },
    ),
    "postgres": Campaign(f"server_error=0.1,{_LASTING}", scene="postgres"),
    "disk": Campaign(_LASTING, scene="disk"),
    "kills": Campaign(f"server_error=0.05,{_LASTING}", scene="kills"),
}
"""Every campaign by name."""
