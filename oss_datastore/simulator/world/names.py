"""The words of which invented people, products and sentences are made."""

from __future__ import annotations


def _words(text: str, between: str | None = None) -> tuple[str, ...]:
    return tuple(text.split(between))


ADJECTIVES = _words(
    "amber ashen brisk calm cedar chalk clever cobalt copper coral crisp dapper dusky early eager fern fleet "
    "foggy frosty gentle gilded ginger golden granite hazel hollow humble indigo ivory jolly keen lively lucid lunar "
    "mellow misty mossy nimble noble ochre olive opal pale patient plucky quiet rapid rustic sable sandy silver "
    "sleek snowy sober solar spry steady sunny swift tidy umber velvet vivid wry"
)
NOUNS = _words(
    "auk badger bittern bobcat bunting caribou civet condor crake curlew dormouse dotterel dunlin egret ermine "
    "falcon fennec ferret finch gannet gecko gibbon godwit grebe grouse hare heron hoopoe ibis jackdaw kestrel kite "
    "lapwing lemur linnet lynx magpie marmot marten merlin newt ocelot oriole osprey otter pika pipit plover puffin "
    "quail quokka raven redstart rook sandpiper serval shrike skink siskin stoat tapir tern vole wagtail wren"
)
PRODUCTS = _words(
    "lantern tidepool gantry beacon trellis quarry mosaic harbor compass relay ledger anvil ferry kiln lattice "
    "meadow orchard pylon rivulet sextant spindle thicket turbine viaduct windlass almanac basalt cairn delta estuary "
    "foundry glacier headland inlet jetty keystone lagoon marina nimbus outpost"
)
SUFFIXES = ("", "-cli", "-sdk", "-docs", "-operator", "-ui", "-agent", "-proxy", "-bench", "-schema")
WORDS_DONE = _words("Fix Handle Document Speed-up Refactor Test Validate Cache Expose Rename")
WORDS_THING = _words(
    "retry loop;empty config file;timestamp parsing;pagination of results;memory use in the parser;TLS handshake;"
    "plugin discovery;flaky integration test;shutdown order;unicode paths;rate limiter;schema migration;"
    "dark theme;progress output;connection pool;checksum verification;proxy settings;command completion",
    ";",
)
CITIES = ("Lisbon", "Nairobi", "Osaka", "Tallinn", "Quito", "Halifax", "Leipzig", "Pune")
LANGUAGES = (
    ("Python", "#3572A5"),
    ("Go", "#00ADD8"),
    ("TypeScript", "#3178c6"),
    ("Rust", "#dea584"),
    ("Java", "#b07219"),
)
LICENCES = (
    ("apache-2.0", "Apache License 2.0", "Apache-2.0"),
    ("mit", "MIT License", "MIT"),
    ("bsd-3-clause", 'BSD 3-Clause "New" or "Revised" License', "BSD-3-Clause"),
)
LABELS = (
    ("bug", "d73a4a", "Something isn't working"),
    ("documentation", "0075ca", "Improvements or additions to documentation"),
    ("duplicate", "cfd3d7", "This issue or pull request already exists"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("good first issue", "7057ff", "Good for newcomers"),
    ("help wanted", "008672", "Extra attention is needed"),
    ("question", "d876e3", "Further information is requested"),
    ("security", "b60205", "Touches a promise of safety"),
    ("dependencies", "0366d6", "Moves a dependency"),
)
TOPICS = ("data", "cli", "observability", "networking", "kubernetes", "sdk", "security", "storage")
REFERRERS = (
    "github.com",
    "Google",
    "docs.acme.example",
    "news.example",
    "Bing",
    "forum.example",
    "DuckDuckGo",
    "newsletter.example",
    "wiki.example",
    "chat.example",
    "video.example",
    "blog.example",
)
PATHS = (
    ("", "Overview"),
    ("/issues", "Issues"),
    ("/releases", "Releases"),
    ("/pulls", "Pull requests"),
    ("/blob/main/README.md", "README.md"),
    ("/tree/main/docs", "docs"),
    ("/tree/main/examples", "examples"),
    ("/blob/main/CHANGELOG.md", "CHANGELOG.md"),
    ("/actions", "Actions"),
    ("/wiki", "Wiki"),
    ("/tree/main/src", "src"),
    ("/discussions", "Discussions"),
)


def login_of(number: int) -> str:
    """The login of person `number`: two words, and digits once the pairs are used up."""
    again, pair = divmod(number, len(ADJECTIVES) * len(NOUNS))
    first, second = pair % len(ADJECTIVES), (pair // len(ADJECTIVES) + 7 * pair) % len(NOUNS)
    return f"{ADJECTIVES[first]}-{NOUNS[second]}" + (str(again + 1) if again else "")


def number_of(login: str) -> int | None:
    """The number of the person of this login; None where nobody is called so."""
    words = login.rstrip("0123456789")
    digits = login[len(words) :]
    adjective, _, noun = words.partition("-")
    if adjective not in ADJECTIVES or noun not in NOUNS or digits in ("0", "1") or digits.startswith("0"):
        return None
    first, second = ADJECTIVES.index(adjective), NOUNS.index(noun)
    for turn in range(len(NOUNS)):
        pair = turn * len(ADJECTIVES) + first
        if (turn + 7 * pair) % len(NOUNS) == second:
            return (int(digits) - 1 if digits else 0) * len(ADJECTIVES) * len(NOUNS) + pair
    return None


def product_of(number: int) -> str:
    """The name of repository `number`: products first, then their tools, then numbered ones."""
    if number < 12:
        return PRODUCTS[number] + SUFFIXES[(0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0)[number]]
    again, rest = divmod(number - 12, len(PRODUCTS) * (len(SUFFIXES) - 1))
    suffix, product = divmod(rest, len(PRODUCTS))
    return PRODUCTS[product] + SUFFIXES[suffix + 1] + "-kit" + (str(again + 1) if again else "")
