"""Endpoints about what lies in a repository: commits, contributors, statistics, releases, packages."""

from __future__ import annotations

from collections import Counter
from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.accounts import user
from oss_datastore.simulator.v3.call import HTML, Answer, Call, Json, Listing, Refused, Route, not_found
from oss_datastore.simulator.v3.tracker import reactions
from oss_datastore.simulator.world import statistics
from oss_datastore.simulator.world.commits import Commit, Signature, is_signature_valid, pull_commits
from oss_datastore.simulator.world.dice import DAY, iso, sha
from oss_datastore.simulator.world.packages import packages
from oss_datastore.simulator.world.people import GHOST, Person
from oss_datastore.simulator.world.releases import Asset, Release, releases
from oss_datastore.simulator.world.repositories import Repository

MANY_COMMITS = 10_000
"""From here on GitHub no longer counts additions and deletions."""
NO_CONTENT = Answer(None, 204)


# --- commits ---


def commit(call: Call, repository: Repository, made: Commit) -> Json:
    """A commit as lists show it: without its size."""
    full_name = repository.full_name(call.now)
    repo, page = f"{call.base}/repos/{full_name}", f"{HTML}/{full_name}"
    tree, valid = sha(made.sha, "tree"), is_signature_valid(made)
    ghostly = call.holds_at("ghost_authors", repository, "commits", made.sha)
    return {
        "sha": made.sha,
        "node_id": f"C_{made.sha}",
        "commit": {
            "author": _signature(made.author),
            "committer": _signature(made.committer),
            "message": made.message,
            "tree": {"sha": tree, "url": f"{repo}/git/trees/{tree}"},
            "url": f"{repo}/git/commits/{made.sha}",
            "comment_count": 0,
            "verification": {
                "verified": bool(valid),
                "reason": {None: "unsigned", False: "expired_key", True: "valid"}[valid],
                "signature": None
                if valid is None
                else f"-----BEGIN PGP SIGNATURE-----\n\n{made.sha}\n-----END PGP SIGNATURE-----",
                "payload": None if valid is None else f"tree {tree}\n\n{made.message}",
                "verified_at": iso(made.committer.at) if valid else None,
            },
        },
        "url": f"{repo}/commits/{made.sha}",
        "html_url": f"{page}/commit/{made.sha}",
        "comments_url": f"{repo}/commits/{made.sha}/comments",
        "author": None if ghostly else user(call, made.author.account),
        "committer": None if ghostly else user(call, made.committer.account),
        "parents": [
            {"sha": parent, "url": f"{repo}/commits/{parent}", "html_url": f"{page}/commit/{parent}"}
            for parent in ([made.parent] if made.parent else [])
        ],
    }


def _signature(signature: Signature) -> Json:
    return {"name": signature.name, "email": signature.email, "date": iso(signature.at)}


def commits(call: Call) -> Listing:
    """The commits of the default branch, newest first; `since` and `until` look at the committer's date."""
    found = call.repository()
    if call.empty(found):
        raise Refused(409, "Git Repository is empty.")
    since, until = call.since(), call.moment("until")
    entries = [
        made
        for made in found.commits(call.now)
        if (since is None or made.committer.at >= since) and (until is None or made.committer.at <= until)
    ]
    return Listing(entries, lambda made: commit(call, found, made))


def pull_request_commits(call: Call) -> Listing:
    """The commits of a pull request, oldest first, 250 at most."""
    found, number = call.repository(), call.path["pull_number"]
    item = found.item(int(number), call.now) if number.isdigit() else None
    if item is None or not item.is_pull or call.holds("pull_requests_disabled", found):
        raise not_found()
    return Listing(pull_commits(item, call.now)[:250], lambda made: commit(call, found, made))


def contributors(call: Call) -> Listing | Answer:
    """Who committed how often, the most active first; with `anon`, unknown e-mails too."""
    found = call.repository()
    if call.empty(found):
        return NO_CONTENT
    anonymous = call.query.get("anon") in ("1", "true")
    times: Counter[tuple[Person | None, str, str]] = Counter()
    for made in found.commits(call.now):
        signature = made.author
        known = signature.account is not None
        if known or anonymous:
            times[signature.account, "" if known else signature.email, "" if known else signature.name] += 1
    entries = sorted(times.items(), key=lambda entry: (-entry[1], entry[0][1], entry[0][0].id if entry[0][0] else 0))
    return Listing(entries, lambda entry: _contributor(call, *entry))


def _contributor(call: Call, who: tuple[Person | None, str, str], times: int) -> Json:
    if who[0] is None:
        return {"email": who[1], "name": who[2], "type": "Anonymous", "contributions": times}
    return {**(user(call, who[0]) or {}), "contributions": times}


# --- statistics ---


def _computed(call: Call, what: str) -> tuple[Repository, list[Commit]] | Answer:
    found = call.repository()
    if call.empty(found):
        return NO_CONTENT
    # The statistics are kept by the head of the default branch: a push makes them be computed anew.
    key = (found.id, what, found.head(call.now))
    call.computed[key] += 1
    if call.computed[key] <= call.computing or call.strikes("statistics_computing"):
        return Answer({}, 202)
    return found, found.commits(call.now)


def _too_large(call: Call, found: Repository, made: list[Commit]) -> bool:
    return len(made) >= MANY_COMMITS or call.holds("statistics_too_large", found)


def contributor_statistics(call: Call) -> Any:
    """Each contributor's weeks."""
    ready = _computed(call, "contributors")
    if isinstance(ready, Answer):
        return ready
    found, made = ready
    counted = 0 if _too_large(call, found, made) else 1
    return [
        {
            "total": sum(week.commits for week in weeks.values()),
            "weeks": [
                {"w": start, "a": week.additions * counted, "d": week.deletions * counted, "c": week.commits}
                for start, week in weeks.items()
            ],
            "author": user(call, who),
        }
        for who, weeks in statistics.by_person(made, call.now)
    ]


def commit_activity(call: Call) -> Any:
    """A year of commits by day."""
    ready = _computed(call, "commit_activity")
    if isinstance(ready, Answer):
        return ready
    return [
        {"total": sum(days), "week": start, "days": days} for start, days in statistics.last_year(ready[1], call.now)
    ]


def code_frequency(call: Call) -> Any:
    """Lines by week: start, additions, deletions (negative)."""
    ready = _computed(call, "code_frequency")
    if isinstance(ready, Answer):
        return ready
    found, made = ready
    if _too_large(call, found, made):
        raise Refused(422, "Repository contains more than 10000 commits.")
    weeks = statistics.by_week(made, call.now)
    return [[start, week.additions, -week.deletions] for start, week in weeks.items()]


def participation(call: Call) -> Any:
    """A year of commits by week: everybody's, and the owner's."""
    ready = _computed(call, "participation")
    if isinstance(ready, Answer):
        return {"all": [], "owner": []} if ready.status == 204 else ready
    found, made = ready
    owners = [each for each in made if each.author.account == found.home.staff.steward]
    return {
        "all": [sum(days) for _, days in statistics.last_year(made, call.now)],
        "owner": [sum(days) for _, days in statistics.last_year(owners, call.now)],
    }


def punch_card(call: Call) -> Any:
    """Commits of all times by weekday and hour."""
    ready = _computed(call, "punch_card")
    if isinstance(ready, Answer):
        return ready
    counted = statistics.by_hour(ready[1])
    return [[day, hour, counted[day, hour]] for day in range(7) for hour in range(24)]


# --- releases ---


def release(call: Call, repository: Repository, made: Release) -> Json:
    """A release with its assets."""
    full_name = repository.full_name(call.now)
    repo, page = f"{call.base}/repos/{full_name}", f"{HTML}/{full_name}"
    url, draft = f"{repo}/releases/{made.id}", made.draft(call.now)
    return {
        "url": url,
        "html_url": f"{page}/releases/tag/{made.tag}",
        "assets_url": f"{url}/assets",
        "upload_url": f"{url}/assets{{?name,label}}",
        "tarball_url": None if draft else f"{repo}/tarball/{made.tag}",
        "zipball_url": None if draft else f"{repo}/zipball/{made.tag}",
        "id": made.id,
        "node_id": node_id("RE", repository.id, made.id),
        "tag_name": made.tag,
        "target_commitish": "main",
        "name": made.name,
        "body": made.body,
        "draft": draft,
        "prerelease": made.prerelease,
        "immutable": False,
        "created_at": iso(made.created),
        "published_at": None if draft else iso(made.published),
        "updated_at": iso(made.created if draft else made.published),
        "author": user(call, GHOST if call.holds_at("ghost_authors", repository, "releases", made.id) else made.author),
        "assets": [_asset(call, repository, made, asset) for asset in made.assets(call.now)],
        **({} if draft else {"reactions": reactions(url)}),
    }


def _asset(call: Call, repository: Repository, made: Release, asset: Asset) -> Json:
    full_name = repository.full_name(call.now)
    downloads = asset.downloads(call.now)
    if call.holds("download_reset", repository):
        downloads -= asset.downloads(max(asset.created, call.now - call.now % DAY))
    return {
        "url": f"{call.base}/repos/{full_name}/releases/assets/{asset.id}",
        "browser_download_url": f"{HTML}/{full_name}/releases/download/{made.tag}/{asset.name}",
        "id": asset.id,
        "node_id": node_id("RA", repository.id, asset.id),
        "name": asset.name,
        "label": None,
        "state": "uploaded",
        "content_type": asset.content_type,
        "size": asset.size,
        "digest": f"sha256:{sha(asset.id)}{sha(asset.name)[:24]}",
        "download_count": downloads,
        "created_at": iso(asset.created),
        "updated_at": iso(asset.created),
        "uploader": user(call, asset.uploader),
    }


def all_releases(call: Call) -> Listing:
    """The releases, newest first; drafts for those who may push."""
    found = call.repository()
    drafts = call.may(found, "push")
    entries = [made for made in releases(found, call.now)[::-1] if drafts or not made.draft(call.now)]
    return Listing(entries, lambda made: release(call, found, made))


# --- packages ---


def sbom(call: Call) -> Json:
    """What the repository depends on, as SPDX has it."""
    found = call.repository()
    if call.empty(found):
        raise not_found()
    full_name = found.full_name(call.now)
    own = "SPDXRef-DOCUMENT"
    entries = [(f"SPDXRef-{package.ecosystem}-{package.name}", package) for package in packages(found, call.now)]
    return {
        "sbom": {
            "SPDXID": own,
            "spdxVersion": "SPDX-2.3",
            "creationInfo": {
                "created": iso(found.pushed(call.now)),
                "creators": ["Tool: GitHub.com-Dependency-Graph"],
            },
            "name": f"com.github.{full_name}",
            "dataLicense": "CC0-1.0",
            "documentNamespace": f"https://spdx.org/spdxdocs/protobom/{found.head(call.now)}",
            "packages": [
                {
                    "SPDXID": identity,
                    "name": package.name,
                    "versionInfo": package.version,
                    "downloadLocation": "NOASSERTION",
                    "filesAnalyzed": False,
                    **({"licenseConcluded": package.licence} if package.licence else {}),
                    "copyrightText": "NOASSERTION",
                    "externalRefs": [
                        {
                            "referenceCategory": "PACKAGE-MANAGER",
                            "referenceType": "purl",
                            "referenceLocator": package.purl,
                        }
                    ],
                }
                for identity, package in entries
            ],
            "relationships": [
                {
                    "spdxElementId": own if package.direct else entries[0][0],
                    "relatedSpdxElement": identity,
                    "relationshipType": "DEPENDS_ON",
                }
                for identity, package in entries
            ],
        }
    }


REPO = "/repos/{owner}/{repo}"
CONTENTS = "contents=read"
ROUTES = (
    Route(f"{REPO}/commits", commits, CONTENTS),
    Route(f"{REPO}/pulls/{{pull_number}}/commits", pull_request_commits, "pull_requests=read"),
    Route(f"{REPO}/contributors", contributors),
    Route(f"{REPO}/stats/contributors", contributor_statistics),
    Route(f"{REPO}/stats/commit_activity", commit_activity),
    Route(f"{REPO}/stats/code_frequency", code_frequency),
    Route(f"{REPO}/stats/participation", participation),
    Route(f"{REPO}/stats/punch_card", punch_card),
    Route(f"{REPO}/releases", all_releases, CONTENTS),
    Route(f"{REPO}/dependency-graph/sbom", sbom, CONTENTS),
)
