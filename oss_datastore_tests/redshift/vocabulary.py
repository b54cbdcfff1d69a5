"""The gate: which SQL may be sent to a Redshift that nobody here can ask.

Default-deny. A statement passes only where every part of it stands in `vocabulary.yml`, each entry with the page of
Amazon's documentation that allows it: the form of a command, and of any other statement each word as it is written,
each function with the number of its arguments, each type with its length, each kind of syntax node with each of its
arguments. The parser alone would not do: it takes string_agg for LISTAGG, unnest for EXPLODE, and keeps silent where
Redshift has no such word. So what is written is judged beside what was understood.

What it cannot see, because nothing here knows the types of columns: a cast of a boolean to text, a comparison of texts
that differ in trailing blanks, an overflow, a text longer than its column, LISTAGG beyond 65535 bytes, a function of
the leader node among tables.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml
from sqlglot import exp
from sqlglot.dialects.redshift import Redshift
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.tokens import Token, TokenType

LIST = Path(__file__).with_name("vocabulary.yml")
MANUAL = "https://docs.aws.amazon.com/redshift/latest/dg/"


class Refused(ValueError):
    """The statement is not within the vocabulary; the message says what is not, and where to look."""


def judge(statement: str) -> None:
    """Takes one statement, or several between semicolons. Raises Refused for the first that is not on the list."""
    faults = _faults_of(statement)
    if faults:
        short = " ".join(statement.split())
        raise Refused(
            f"not in Redshift's reviewed vocabulary: {'; '.join(faults)}\n"
            f"in: {short[:300]}{' …' if len(short) > 300 else ''}\n"
            f"look it up in {MANUAL} and, where it is documented, add it with its page to {LIST.name}"
        )


@dataclass(frozen=True)
class Vocabulary:
    """`vocabulary.yml`, read for look-ups; all names in lower case but those of syntax nodes and their arguments."""

    words: frozenset[str]
    functions: Mapping[str, Mapping[str, Any]]
    types: Mapping[str, Mapping[str, Any]]
    nodes: Mapping[str, Mapping[str, Any]]
    date_parts: frozenset[str]
    reserved: frozenset[str]
    commands: tuple[re.Pattern[str], ...]
    rules: Mapping[str, Mapping[str, str]]

    @property
    def type_words(self) -> frozenset[str]:
        """Every word that some type is written with."""
        return frozenset(word for type_ in self.types.values() for name in type_["written"] for word in name.split())


@functools.cache
def vocabulary() -> Vocabulary:
    """The reviewed list."""
    read = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    return Vocabulary(
        words=frozenset(word for entry in read["words"] for word in str(entry["words"]).split())
        | frozenset(read["date_parts"]["names"].split()),
        functions={name: entry for entry in read["functions"] for name in str(entry["names"]).split()},
        types=read["types"],
        nodes=read["nodes"],
        date_parts=frozenset(read["date_parts"]["names"].split()),
        reserved=frozenset(read["reserved"]["words"].split()),
        commands=tuple(_pattern(entry["form"]) for entry in read["commands"]),
        rules=read["rules"],
    )


class _Words(Redshift.Tokenizer):
    """Redshift's tokens, of commands too: the parser takes what follows SHOW or LOCK for one text."""

    COMMANDS: ClassVar[set[TokenType]] = set()


@functools.lru_cache(maxsize=16384)
def _faults_of(text: str) -> tuple[str, ...]:
    try:
        tokens = _Words().tokenize(text)
    except SqlglotError as why:
        return (f"it cannot be read ({why})",)
    for statement in _statements(tokens):
        faults = tuple(dict.fromkeys(_faults(text, statement)))
        if faults:
            return faults
    return ()


def _statements(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    start = 0
    for place, token in enumerate(tokens):
        if token.token_type == TokenType.SEMICOLON:
            if place > start:
                yield tokens[start:place]
            start = place + 1
    if start < len(tokens):
        yield tokens[start:]


def _faults(text: str, tokens: Sequence[Token]) -> Iterator[str]:
    known = vocabulary()
    yield from _literal_faults(text, tokens)
    spelled = _spelled(tokens)
    if any(form.fullmatch(spelled) for form in known.commands):
        return
    try:
        [tree] = Redshift().parser().parse(list(tokens), text)
    except (SqlglotError, ValueError) as why:
        yield f"it cannot be parsed ({str(why).splitlines()[0]})"
        return
    if tree is None or isinstance(tree, exp.Command):
        yield f"no reviewed command has this form ({' '.join(spelled.split()[:3])} …)"
        return
    yield from _order_faults(tokens)
    names = {node.meta["start"] for node in tree.find_all(exp.Identifier) if "start" in node.meta}
    called: list[Mapping[str, Any]] = []
    for place, token in enumerate(tokens):
        if token.start not in names:
            yield from _word_faults(known, tokens, place, called)
    granted: dict[str, list[Any]] = {}
    for function in called:
        for kind, arguments in function["nodes"].items():
            granted.setdefault(kind, []).extend(arguments)
    for name in tree.find_all(exp.Identifier):
        if not name.args.get("quoted") and name.name.lower() in known.reserved:
            yield f"the reserved word {name.name.lower()} as a name"
    for node in tree.walk():
        yield from _node_faults(known, node, granted)
    yield from _rule_faults(known, tree, granted, {k for f in called if f.get("frame") == "none" for k in f["nodes"]})


# --- what is written


_LITERALS = frozenset({TokenType.STRING, TokenType.NUMBER})
_NOT_SAID = frozenset({TokenType.HEREDOC_STRING, TokenType.BYTE_STRING, TokenType.BIT_STRING, TokenType.HEX_STRING})


def _literal_faults(text: str, tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.token_type in _NOT_SAID:
            yield f"the literal {text[token.start : token.end + 1]}"
        elif token.token_type == TokenType.STRING and "\\" in text[token.start : token.end + 1]:
            yield _rule("backslash_in_literal", text[token.start : token.end + 1])


def _order_faults(tokens: Sequence[Token]) -> Iterator[str]:
    """The parser takes FROM before SELECT, too."""
    opens = (TokenType.L_PAREN, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT, TokenType.ALL)
    for place, token in enumerate(tokens):
        if token.token_type == TokenType.FROM and (place == 0 or tokens[place - 1].token_type in opens):
            yield _rule("query_begins_with_select", "a query that begins with FROM")


def _word(token: Token) -> str:
    return token.text.lower()


def _spelled(tokens: Sequence[Token]) -> str:
    """The tokens with blanks between and at the end; literals and quoted names as what they are."""
    stands_for = {TokenType.STRING: "'s'", TokenType.NUMBER: "0", TokenType.IDENTIFIER: '"q"'}
    return "".join(f"{stands_for.get(token.token_type) or _word(token)} " for token in tokens)


def _pattern(form: str) -> re.Pattern[str]:
    """A form of words, [ optional ], { one | another }, <name>, <names>, <string>, <number>, <rest>
    as an expression on `_spelled`."""
    one = r'(?:[a-z_]\w*|"q") '
    name = rf"{one}(?:\. {one})*"
    parts = {
        "[": "(?:",
        "]": ")?",
        "{": "(?:",
        "}": ")",
        "|": "|",
        "<name>": name,
        "<names>": rf"{name}(?:, {name})*",
        "<string>": "'s' ",
        "<number>": "0 ",
        "<rest>": ".*",
    }
    return re.compile("".join(parts.get(part) or re.escape(part) + " " for part in form.split()))


def _word_faults(
    known: Vocabulary, tokens: Sequence[Token], place: int, called: list[Mapping[str, Any]]
) -> Iterator[str]:
    """Judges one token that is no name, and notes the function that it calls."""
    token, word = tokens[place], _word(tokens[place])
    if token.token_type in _LITERALS:
        return
    opens = place + 1 < len(tokens) and tokens[place + 1].token_type == TokenType.L_PAREN
    function = known.functions.get(word)
    if function is not None and (opens or function.get("bare")):
        called.append(function)
        if opens:
            given = _arguments(tokens, place + 1)
            least, _, most = str(function["arguments"]).partition("-")
            if not int(least) <= given <= int(most or least):
                yield f"the function {word} with {given} arguments"
        return
    # PARTITION BY and the like come as one token.
    if all(part in known.words or part in known.type_words for part in word.split()):
        return
    yield f"the {'function' if opens else 'word'} {word}"


def _arguments(tokens: Sequence[Token], opening: int) -> int:
    depth, commas, between = 0, 0, 0
    for place in range(opening, len(tokens)):
        kind = tokens[place].token_type
        if kind in (TokenType.L_PAREN, TokenType.L_BRACKET):
            depth += 1
        elif kind in (TokenType.R_PAREN, TokenType.R_BRACKET):
            depth -= 1
            if depth == 0:
                between = place - opening - 1
                break
        elif kind == TokenType.COMMA and depth == 1:
            commas += 1
    return commas + 1 if between else 0


# --- what was understood


_FREE_TEXT = frozenset({exp.Literal, exp.Identifier, exp.Var, exp.Anonymous, exp.JSONPathKey})
"""Nodes whose text is judged elsewhere: as a word, or not at all, being a name or a value."""


def _node_faults(known: Vocabulary, node: exp.Expression, granted: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    kind = type(node).__name__
    if isinstance(node, exp.DataType):
        yield from _type_faults(known, node)
        return
    entry = known.nodes.get(kind)
    if entry is None and kind not in granted:
        yield f"the syntax {kind} ({_short(node)})"
        return
    if entry is not None and "under" in entry and type(node.parent).__name__ not in entry["under"]:
        yield f"{kind} under {type(node.parent).__name__} ({_short(node)})"
    allowed: dict[str, Sequence[Any] | None] = {}
    for argument in [*(entry["args"] if entry else []), *granted.get(kind, [])]:
        allowed |= argument if isinstance(argument, dict) else {argument: None}
    for name, value in node.args.items():
        if value is None or value is False or value == []:
            continue
        if name not in allowed:
            yield f"{kind} with {name} ({_short(node)})"
        elif isinstance(value, (str, bool)) and type(node) not in _FREE_TEXT:
            values = allowed[name]
            if values is None or str(value).lower() not in values:
                yield f"{kind} with {name} {value} ({_short(node)})"


def _type_faults(known: Vocabulary, node: exp.DataType) -> Iterator[str]:
    kind = node.this.name if isinstance(node.this, exp.DType) else str(node.this)
    entry = known.types.get(kind.lower())
    if entry is None or node.args.get("nested") or node.args.get("values") or node.args.get("kind"):
        yield f"the type {_short(node)}"
        return
    most = entry.get("parameters", [])
    given = [parameter.name for parameter in node.expressions]
    if len(given) != len(most):
        need = "no length" if not most else "its length" if len(most) == 1 else "precision and scale"
        yield f"the type {_short(node)} (it is to be written with {need}: {entry['page']})"
    for value, limit in zip(given, most, strict=False):
        if not (value.isdigit() and int(value) <= limit) and value.lower() != "max":
            yield f"the type {_short(node)} (at most {limit}: {entry['page']})"


def _short(node: exp.Expression) -> str:
    text = node.sql(dialect="redshift")
    return text if len(text) <= 60 else text[:59] + "…"


# --- rules that join several parts


def _rule(name: str, what: str) -> str:
    entry = vocabulary().rules[name]
    return f"{what}: {entry['says']} ({entry['page']})"


def _rule_faults(
    known: Vocabulary, tree: exp.Expression, granted: Mapping[str, Sequence[Any]], unframed: set[str]
) -> Iterator[str]:
    for window in tree.find_all(exp.Window):
        yield from _window_faults(window, unframed)
    for node in tree.find_all(exp.Var):
        if type(node.parent).__name__ in granted and node.name.lower() not in known.date_parts:
            yield f"the date part {node.name.lower()}"
    for node in tree.find_all(exp.Cast):
        if node.to.this in exp.DataType.TEXT_TYPES and isinstance(
            node.this, (exp.Predicate, exp.Connector, exp.Boolean, exp.Not)
        ):
            yield _rule("boolean_as_text", _short(node))
    for node in tree.find_all(exp.Alter):
        if len(node.args.get("actions") or []) > 1:
            yield _rule("one_change_at_a_time", _short(node))
    for node in tree.find_all(exp.Select):
        if node.args.get("qualify") and not (node.args.get("where") or node.args.get("group")):
            sources = [node.args["from_"].this, *(join.this for join in node.args.get("joins") or [])]
            if not all(source.alias for source in sources):
                yield _rule("alias_before_qualify", _short(node))
        if node.find_ancestor(exp.Subquery, exp.CTE, exp.Create, exp.Insert):
            for column in node.expressions:
                value = column.unalias()
                if isinstance(value, exp.Null) or (isinstance(value, exp.Literal) and value.is_string):
                    yield _rule("untyped_literal", _short(column))
        orders = {str(inner.expression) for inner in node.find_all(exp.WithinGroup) if inner.parent_select is node}
        if len(orders) > 1:
            yield _rule("one_order_of_listagg", _short(node))
    yield from _correlation_faults(tree)


def _window_faults(window: exp.Window, unframed: set[str]) -> Iterator[str]:
    inner = window.this
    while isinstance(inner, (exp.IgnoreNulls, exp.RespectNulls)):
        inner = inner.this
    if isinstance(inner, exp.WithinGroup):
        return
    if inner.find(exp.Distinct):
        yield _rule("distinct_in_window", _short(window))
    framed, ordered = window.args.get("spec"), window.args.get("order")
    if type(inner).__name__ in unframed:
        if framed:
            yield _rule("frame_of_a_rank", _short(window))
    elif ordered and not framed:
        yield _rule("ordered_without_frame", _short(window))


def _correlation_faults(tree: exp.Expression) -> Iterator[str]:
    try:
        scopes = traverse_scope(tree)
    except SqlglotError:
        return
    for scope in scopes:
        if scope.is_subquery and any(column.table for column in scope.external_columns):
            yield _rule("correlated_subquery", _short(scope.expression))
