"""How the REST API behaves: headers, versions, identity, paging, caching, and who may see what."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import requests

from oss_datastore.simulator import Simulator, Token
from oss_datastore.simulator.world.dice import DAY, seconds
from oss_datastore_tests.simulator.conftest import NOW, WIDE, Client

TOKENS: dict[str, Token | str] = {
    "owner": "owner",
    "member": "member",
    "outsider": "outsider",
    "app": "app",
    "no-traffic": "fine-grained -administration",
    "app-no-traffic": "app -administration",
    "no-alerts": "fine-grained -vulnerability_alerts",
}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Simulator]:
    with Simulator(now=NOW, tokens=TOKENS, limits=WIDE) as simulator:
        yield simulator


# 1: what every answer carries


def test_every_answer_carries_githubs_headers(client: Client) -> None:
    for path in ("/repos/acme/lantern", "/repos/acme/none", "/rate_limit"):
        headers = client.get(path).headers
        for name in ("limit", "remaining", "used", "reset"):
            assert headers[f"x-ratelimit-{name}"].isdigit(), path
        assert headers["x-ratelimit-resource"] == "core"
        assert headers["x-github-request-id"]
        assert headers["x-github-media-type"].startswith("github.v3")
        assert headers["x-github-api-version-selected"] == "2022-11-28"
        assert headers["cache-control"] == "private, max-age=60, s-maxage=60"
        assert "Authorization" in headers["vary"]
        assert headers["date"] == "Fri, 20 Nov 2026 10:30:00 GMT"
    assert client.get("/repos/acme/lantern").headers["etag"].startswith('W/"')


def test_classic_tokens_are_told_scopes_and_others_permissions(guarded: Simulator) -> None:
    path = "/repos/acme/lantern/traffic/views"
    classic = Client(guarded, token="owner").get(path).headers
    assert "repo" in classic["x-oauth-scopes"]
    assert classic["x-accepted-oauth-scopes"] == "repo"
    assert "x-accepted-github-permissions" not in classic
    app = Client(guarded, token="app").get(path).headers
    assert app["x-accepted-github-permissions"] == "administration=read"
    assert "x-oauth-scopes" not in app


# 2: versions


def test_the_version_asked_for_is_selected_and_an_unknown_one_refused(sim: Simulator) -> None:
    newer = Client(sim, version="2026-03-10").get("/repos/acme/lantern")
    assert newer.headers["x-github-api-version-selected"] == "2026-03-10"
    unknown = Client(sim, version="2019-01-01").get("/repos/acme/lantern")
    assert unknown.status_code == 400
    assert "2019-01-01" in unknown.json()["message"]


# 3: identity


def test_a_request_without_user_agent_is_forbidden_in_plain_text(sim: Simulator) -> None:
    answer = requests.get(f"{sim.url}/user", headers={"User-Agent": "", "Authorization": "Bearer x"}, timeout=9)
    assert answer.status_code == 403
    assert "User-Agent" in answer.text
    assert "json" not in answer.headers["content-type"]


def test_a_wrong_token_is_unauthorized(guarded: Simulator) -> None:
    answer = Client(guarded, token="wrong").get("/user")
    assert answer.status_code == 401
    assert answer.json()["message"] == "Bad credentials"
    assert Client(guarded, token="wrong").query("{viewer{login}}")["message"] == "Bad credentials"


def test_without_a_list_of_tokens_any_is_an_owners(client: Client) -> None:
    assert client.get("/user/memberships/orgs/acme").json()["role"] == "admin"


def test_what_must_not_be_known_of_is_not_found(guarded: Simulator) -> None:
    assert Client(guarded, token="owner").get("/repos/acme/ledger-ui").json()["private"] is True
    assert Client(guarded, token="outsider").get("/repos/acme/ledger-ui").status_code == 404
    names = [repo["name"] for repo in Client(guarded, token="outsider").get("/orgs/acme/repos").json()]
    assert "lantern" in names
    assert "ledger-ui" not in names


def test_anonymous_requests_have_sixty_an_hour(sim: Simulator) -> None:
    answer = requests.get(f"{sim.url}/repos/acme/lantern", headers={"User-Agent": "x"}, timeout=9)
    assert answer.status_code == 200
    assert answer.headers["x-ratelimit-limit"] == "60"


@pytest.mark.parametrize("path", ["/repos/acme/lantern/", "/nonsense", "/repos/acme/lantern/pulls/abc", "/orgs/none"])
def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["message"] == "Not Found"


# 4 and 5: pages


def test_links_are_absolute_name_ids_and_lead_through_the_whole_list(sim: Simulator, client: Client) -> None:
    first = client.get("/repos/acme/lantern/issues?state=all&per_page=40")
    path = "/repositories/310000000/issues"
    assert set(first.links) == {"next", "last"}
    assert first.links["next"]["url"].startswith(f"{sim.url}{path}?")
    assert "state=all" in first.links["next"]["url"]
    entries = client.pages("/repos/acme/lantern/issues?state=all&per_page=40")
    assert len({entry["id"] for entry in entries}) == len(entries) > 120
    second = client.get(first.links["next"]["url"])
    assert set(second.links) == {"prev", "next", "last", "first"}
    last = client.get(first.links["last"]["url"])
    assert set(last.links) == {"prev", "first"}


def test_pages_hold_thirty_unless_asked_and_never_more_than_a_hundred(client: Client) -> None:
    path = "/repos/acme/lantern/issues?state=all"
    assert len(client.get(path).json()) == 30
    assert len(client.get(f"{path}&per_page=500").json()) == 100


def test_a_list_of_one_page_has_no_link(client: Client) -> None:
    assert "link" not in client.get("/orgs/acme/repos?per_page=100").headers


def test_a_page_beyond_the_end_is_empty(client: Client) -> None:
    answer = client.get("/orgs/acme/repos?page=99")
    assert (answer.status_code, answer.json()) == (200, [])


def test_paths_by_number_answer_like_paths_by_name(client: Client) -> None:
    org = client.get("/orgs/acme").json()["id"]
    team = client.get("/orgs/acme/teams/platform").json()
    user = client.get("/users/acme-observer").json()
    for named, numbered in (
        ("/repos/acme/lantern/traffic/views", "/repositories/310000000/traffic/views"),
        ("/orgs/acme/members", f"/organizations/{org}/members"),
        ("/orgs/acme/teams/platform/members", f"/organizations/{org}/team/{team['id']}/members"),
        ("/users/acme-observer", f"/user/{user['id']}"),
    ):
        assert client.get(named).json() == client.get(numbered).json()
    assert urlsplit(team["url"]).path == f"/organizations/{org}/team/{team['id']}"


# 6: conditional requests


def test_an_unchanged_answer_is_304_and_free_but_only_for_the_same_token(sim: Simulator) -> None:
    one, other = Client(sim, token="etag-1"), Client(sim, token="etag-2")
    first = one.get("/repos/acme/lantern")
    again = one.get("/repos/acme/lantern", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    strong = first.headers["etag"].removeprefix("W/")
    assert one.get("/repos/acme/lantern", headers={"If-None-Match": strong}).status_code == 304
    assert other.get("/repos/acme/lantern", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


# 7: the limit endpoint


def test_asking_for_the_limit_is_free(sim: Simulator) -> None:
    client = Client(sim, token="frugal")
    before = client.get("/rate_limit").json()["resources"]["core"]
    assert client.get("/rate_limit").json()["resources"]["core"]["used"] == before["used"] == 0
    client.get("/repos/acme/lantern")
    assert client.get("/rate_limit").json()["resources"]["core"]["used"] == 1


# 12: traffic


def test_traffic_is_a_window_of_fourteen_days_whose_leftmost_is_cut(client: Client, sim: Simulator) -> None:
    growth = sim.world.orgs["acme"].repositories[0].growth
    body = client.get("/repos/acme/lantern/traffic/views").json()
    today = seconds(NOW) // DAY
    days = [f"{(NOW - timedelta(days=back)).date()}T00:00:00Z" for back in range(13, -1, -1)]
    assert [row["timestamp"] for row in body["views"]] == days
    for offset, row in enumerate(body["views"][1:13]):
        whole = growth.traffic(today - 12 + offset)[0]
        assert (row["count"], row["uniques"]) == (whole.count, whole.uniques)
    assert body["views"][0]["count"] == growth.traffic(today - 13)[0].count // 3
    assert body["count"] == sum(row["count"] for row in body["views"])
    assert body["uniques"] < sum(row["uniques"] for row in body["views"])


def test_todays_traffic_grows_with_the_clock() -> None:
    with Simulator(now=datetime(2026, 3, 4, 0, 1, tzinfo=UTC)) as sim:
        client = Client(sim)
        counts = []
        for hour in (1, 8, 16, 23):
            sim.set_now(datetime(2026, 3, 4, hour, 59, tzinfo=UTC))
            rows = client.get("/repos/acme/lantern/traffic/views").json()["views"]
            counts.append(next(row["count"] for row in rows if row["timestamp"].startswith("2026-03-04")))
        sim.set_now(datetime(2026, 3, 5, 12, tzinfo=UTC))
        rows = client.get("/repos/acme/lantern/traffic/views").json()["views"]
        counts.append(next(row["count"] for row in rows if row["timestamp"].startswith("2026-03-04")))
    assert counts == sorted(set(counts))


def test_days_without_traffic_are_left_out(client: Client) -> None:
    rows = client.get("/repos/acme/anvil/traffic/clones").json()["clones"]
    assert len(rows) < 14
    assert all(row["count"] for row in rows)


def test_weeks_begin_on_monday(client: Client) -> None:
    body = client.get("/repos/acme/lantern/traffic/views?per=week").json()
    starts = [datetime.fromisoformat(row["timestamp"]) for row in body["views"]]
    assert {start.weekday() for start in starts} == {0}
    assert body["count"] == client.get("/repos/acme/lantern/traffic/views").json()["count"]


def test_the_popular_lists_hold_ten_without_dates(client: Client) -> None:
    for name in ("referrers", "paths"):
        rows = client.get(f"/repos/acme/lantern/traffic/popular/{name}").json()
        assert len(rows) == 10
        assert [row["count"] for row in rows] == sorted((row["count"] for row in rows), reverse=True)
        assert "timestamp" not in rows[0]


@pytest.mark.parametrize("token", ["member", "outsider"])
def test_traffic_needs_push_access(guarded: Simulator, token: str) -> None:
    answer = Client(guarded, token=token).get("/repos/acme/lantern/traffic/clones")
    assert answer.status_code == 403
    assert answer.json()["message"] == "Must have push access to repository"


# 14: renamed repositories


def test_a_former_name_is_moved_permanently_to_the_id(sim: Simulator, client: Client) -> None:
    answer = client.get("/repos/acme/compass-operator/traffic/views?per=week")
    assert answer.status_code == 301
    here = answer.headers["location"]
    assert answer.json() == {
        "message": "Moved Permanently",
        "url": here,
        "documentation_url": answer.json()["documentation_url"],
    }
    assert urlsplit(here).path.startswith("/repositories/3100")
    assert here.endswith("/traffic/views?per=week")
    assert client.get(here).status_code == 200
    assert client.get("/repos/acme/compass-operator", allow_redirects=True).json()["name"] != "compass-operator"


# 18 and 19: issues


def test_the_issues_list_holds_pull_requests_under_other_ids(client: Client) -> None:
    issues = {issue["number"]: issue for issue in client.pages("/repos/acme/lantern/issues?state=all&per_page=100")}
    pulls = client.pages("/repos/acme/lantern/pulls?state=all&per_page=100")
    marked = {number for number, issue in issues.items() if "pull_request" in issue}
    assert marked == {pull["number"] for pull in pulls}
    assert len(marked) < len(issues)
    assert all(issues[pull["number"]]["id"] != pull["id"] for pull in pulls)


def test_issues_are_open_ones_unless_asked_and_sorted_by_creation(client: Client) -> None:
    entries = client.pages("/repos/acme/lantern/issues?per_page=100")
    assert {entry["state"] for entry in entries} == {"open"}
    created = [entry["created_at"] for entry in entries]
    assert created == sorted(created, reverse=True)


def test_since_means_updated_and_includes_the_moment_itself(client: Client) -> None:
    path = "/repos/acme/lantern/issues?state=all&sort=updated&direction=asc&per_page=100"
    entries = client.pages(path)
    updated = [entry["updated_at"] for entry in entries]
    assert updated == sorted(updated)
    moment = updated[-5]
    recent = client.get(f"{path}&since={moment}").json()
    assert [entry["number"] for entry in recent] == [entry["number"] for entry in entries[-5:]]


def test_comments_since_and_events_newest_first(client: Client) -> None:
    comments = client.pages("/repos/acme/lantern/issues/comments?sort=updated&per_page=100")
    moment = comments[-3]["updated_at"]
    recent = client.get(f"/repos/acme/lantern/issues/comments?since={moment}").json()
    assert [comment["id"] for comment in recent] == [comment["id"] for comment in comments[-3:]]
    events = client.pages("/repos/acme/lantern/issues/events?per_page=100")
    ids = [event["id"] for event in events]
    assert ids == sorted(set(ids), reverse=True)
    kinds = {event["event"] for event in events}
    assert {"labeled", "assigned", "closed", "merged", "review_requested", "ready_for_review"} <= kinds
    assert any("requested_team" in event for event in events)


def test_ghosts_bots_and_apps_appear(client: Client) -> None:
    issues = client.pages("/repos/acme/lantern/issues?state=all&per_page=100")
    assert "ghost" in {issue["user"]["login"] for issue in issues}
    assert ("dependabot[bot]", "Bot") in {(issue["user"]["login"], issue["user"]["type"]) for issue in issues}
    comments = client.pages("/repos/acme/lantern/issues/comments?per_page=100")
    by_apps = [comment for comment in comments if comment["performed_via_github_app"]]
    assert {comment["user"]["type"] for comment in by_apps} == {"Bot"}


def test_reviewers_who_have_answered_are_no_longer_requested(client: Client) -> None:
    asked_people = asked_teams = answered = 0
    for pull in client.pages("/repos/acme/lantern/pulls?state=open&per_page=100"):
        path = f"/repos/acme/lantern/pulls/{pull['number']}"
        asked = client.get(f"{path}/requested_reviewers").json()
        events = [(review["submitted_at"], review["user"]["login"]) for review in client.get(f"{path}/reviews").json()]
        asked_people += len(asked["users"])
        asked_teams += len(asked["teams"])
        answered += len(events)
        assert [user["login"] for user in asked["users"]] == [u["login"] for u in pull["requested_reviewers"]]
    assert asked_people
    assert asked_teams
    assert answered


# 20: Dependabot alerts


def test_alert_lists_know_cursors_only(client: Client) -> None:
    path = "/orgs/acme/dependabot/alerts?per_page=20"
    first = client.get(path)
    assert set(first.links) == {"next"}
    assert "after=" in first.links["next"]["url"]
    second = client.get(first.links["next"]["url"])
    assert set(second.links) == {"next", "prev"}
    assert client.get(second.links["prev"]["url"]).json() == first.json()
    everything = client.pages(path)
    assert len({alert["url"] for alert in everything}) == len(everything) > 60
    assert client.get(f"{path}&page=2").status_code == 400
    assert client.get(f"{path}&after=nonsense").status_code == 422


def test_alerts_closed_more_than_two_years_ago_are_gone() -> None:
    with Simulator(now=datetime(2025, 6, 1, tzinfo=UTC), limits=WIDE) as sim:
        client = Client(sim)
        early = {alert["url"]: alert for alert in client.pages("/orgs/acme/dependabot/alerts?per_page=100")}
        sim.set_now(datetime(2027, 8, 1, tzinfo=UTC))
        late = {alert["url"] for alert in client.pages("/orgs/acme/dependabot/alerts?per_page=100")}
    gone = [alert for url, alert in early.items() if url not in late]
    assert gone
    assert any(alert["state"] == "open" for alert in early.values())


def test_disabled_alerts_and_missing_rights_are_told_apart_by_the_message(guarded: Simulator) -> None:
    path = "/repos/acme/mosaic-docs/dependabot/alerts"
    disabled = Client(guarded, token="owner").get(path)
    assert disabled.status_code == 403
    assert disabled.json()["message"] == "Dependabot alerts are disabled for this repository."
    for path in ("/repos/acme/lantern/dependabot/alerts", "/orgs/acme/dependabot/alerts"):
        refused = Client(guarded, token="member").get(path)
        assert refused.status_code == 403
        assert "not authorized" in refused.json()["message"]


def test_alerts_sort_and_filter(client: Client) -> None:
    path = "/orgs/acme/dependabot/alerts?per_page=100"
    updated = [alert["updated_at"] for alert in client.pages(f"{path}&sort=updated&direction=desc")]
    assert updated == sorted(updated, reverse=True)
    assert {alert["state"] for alert in client.pages(f"{path}&state=fixed,dismissed")} == {"fixed", "dismissed"}


# 22: members


def test_outsiders_see_a_shorter_list_of_members_without_an_error(guarded: Simulator) -> None:
    path = "/orgs/acme/members?per_page=100"
    everybody = Client(guarded, token="owner").get(path).json()
    few = Client(guarded, token="outsider").get(path)
    assert few.status_code == 200
    assert 0 < len(few.json()) < len(everybody)
    assert len(Client(guarded, token="member").get(path).json()) == len(everybody)


def test_roles_and_second_factors(guarded: Simulator) -> None:
    owner, member = Client(guarded, token="owner"), Client(guarded, token="member")
    people = {
        role: len(owner.get(f"/orgs/acme/members?per_page=100&role={role}").json()) for role in ("admin", "member")
    }
    assert people["admin"] + people["member"] == len(owner.get("/orgs/acme/members?per_page=100").json())
    assert people["admin"] >= 2
    assert owner.get("/orgs/acme/members?filter=2fa_disabled").json()
    assert member.get("/orgs/acme/members?filter=2fa_disabled").status_code == 422
    assert member.get("/orgs/acme/outside_collaborators").status_code == 403
    assert Client(guarded, token="outsider").get("/orgs/acme/teams").status_code == 404


def test_team_lists_include_child_teams_and_hide_secret_ones(guarded: Simulator) -> None:
    owner = Client(guarded, token="owner")
    people = owner.get("/orgs/acme/teams/engineering/members?per_page=100").json()
    assert {person["inherited"] for person in people} == {True, False}
    assert {person["role"] for person in people} == {"maintainer", "member"}
    slugs = {team["slug"] for team in owner.get("/orgs/acme/teams").json()}
    seen = {team["slug"] for team in Client(guarded, token="member").get("/orgs/acme/teams").json()}
    assert slugs - seen == {"security"}


def test_collaborators_by_affiliation(client: Client) -> None:
    found = {}
    for affiliation in ("all", "direct", "outside"):
        for repo in client.get("/orgs/acme/repos?per_page=100").json():
            path = f"/repos/acme/{repo['name']}/collaborators?affiliation={affiliation}&per_page=100"
            found[repo["name"], affiliation] = {user["login"]: user["role_name"] for user in client.get(path).json()}
    names = {name for name, _ in found}
    for name in names:
        assert found[name, "outside"].items() <= found[name, "direct"].items() <= found[name, "all"].items()
    outside = {login for name in names for login in found[name, "outside"]}
    listed = {user["login"] for user in client.get("/orgs/acme/outside_collaborators?per_page=100").json()}
    assert outside == listed
    assert {"read", "triage", "write", "maintain", "admin"} >= {
        role for held in found.values() for role in held.values()
    }


# 30: permissions of fine-grained tokens and apps


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("no-traffic", "Resource not accessible by personal access token"),
        ("app-no-traffic", "Resource not accessible by integration"),
    ],
)
def test_a_missing_permission_is_named(guarded: Simulator, token: str, words: str) -> None:
    client = Client(guarded, token=token)
    refused = client.get("/repos/acme/lantern/traffic/popular/paths")
    assert refused.status_code == 403
    assert refused.json()["message"] == words
    assert refused.headers["x-accepted-github-permissions"] == "administration=read"
    assert client.get("/repos/acme/lantern/issues").status_code == 200


def test_an_app_is_nobody(guarded: Simulator) -> None:
    assert Client(guarded, token="app").get("/user").status_code == 403


# the wire and the clock


def test_connections_are_kept_and_requests_may_come_in_pieces(sim: Simulator) -> None:
    port = int(sim.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        head = b"GET /rate_limit HTTP/1.1\r\nhost: x\r\nuser-agent: x\r\n\r\n"
        wire.sendall(head[:20])
        wire.sendall(head[20:] + head)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 2:
            received += wire.recv(65_536)
    assert received.count(b"content-length: ") == 2


def test_what_is_no_http_is_refused(sim: Simulator) -> None:
    port = int(sim.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(b"hello\r\n\r\n")
        assert wire.recv(1_000).startswith(b"HTTP/1.1 400 ")


def test_the_clock_is_set_over_http_and_moves_the_world(sim: Simulator) -> None:
    with Simulator(now=NOW) as other:
        door = f"{other.url}/_simulator/clock"
        told = requests.post(door, json={"now": "2026-01-05T00:10:00Z"}, timeout=9).json()
        assert told == {"now": "2026-01-05T00:10:00+00:00", "held": True}
        rows = Client(other).get("/repos/acme/lantern/traffic/views").json()["views"]
        assert rows[-1]["timestamp"] == "2026-01-04T00:00:00Z"
        assert requests.post(door, json={"now": "tomorrow"}, timeout=9).status_code == 422
        assert requests.post(door, json={"now": "2026-01-05T00:10:00"}, timeout=9).status_code == 422
        assert requests.post(door, json={"now": None}, timeout=9).json()["held"] is False


def test_the_log_counts_by_endpoint_and_holds_no_token() -> None:
    with Simulator(now=NOW) as sim:
        client = Client(sim, token="ghp_secret")
        client.get("/repos/acme/lantern/traffic/views")
        client.get("/repos/acme/tidepool/traffic/views")
        client.query("{viewer{login}}")
        told = requests.get(f"{sim.url}/_simulator/log", timeout=9)
        assert told.json()["by_endpoint"] == {"/repos/{owner}/{repo}/traffic/views": 2, "/graphql": 1}
        assert "ghp_secret" not in told.text
        assert "ghp_secret" not in repr(sim.log)
        requests.delete(f"{sim.url}/_simulator/log", timeout=9)
        assert sim.log == []


def test_it_listens_on_loopback_only_and_says_when_its_port_is_taken(sim: Simulator) -> None:
    assert urlsplit(sim.url).hostname == "127.0.0.1"
    with pytest.raises(OSError):
        Simulator(port=int(sim.url.rsplit(":", 1)[1])).start()
