"""Hub, link and satellite of generated issues, day by day and as one range, on both engines.

A million issues on day one, then 29 days on which a tenth of them changed and a hundredth is new. What is measured is
the processor time of the engine while it runs the statements that the materialization runs, in its transactions, beside
a plain read of the same rows; with --dbt the range is also loaded by dbt itself, an empty dbt run subtracted.
PostgreSQL is a server with its usual durability (fsync and synchronous commits on) and the memory that
docs/operations.md recommends for a warehouse of this size. Then the last days once
more with years of history behind them.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from string import Template

from benchmarks.letters import warm_server
from benchmarks.measure import show
from benchmarks.vault.engines import Engine, OnDuckDB, OnPostgres
from oss_datastore_tests.vault.conftest import dbt_environment
from oss_datastore_tests.vault.engine import Plan, compiled_plans, project_copy

HERE = Path(__file__).parent
TABLES = ("hub_issue", "link_repo_issue", "sat_issue")
FULL = 1_000_000
FIRST_DAY = datetime.fromisoformat("2026-01-01")

# Seconds of processor time for the million, on two such cores: AutomateDV 0.11.5 whole, and plain SQL of our design.
AUTOMATE_DV = {("duckdb", "daily"): 51, ("duckdb", "range"): 35, ("postgres", "daily"): 124, ("postgres", "range"): 80}
PLAIN_SQL = {("duckdb", "daily"): 22, ("duckdb", "range"): 20, ("postgres", "daily"): 94, ("postgres", "range"): 60}
WAREHOUSE = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "work_mem": "256MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "0",
}
SHARE_OF_AUTOMATE_DV = {"duckdb": 0.5, "postgres": 0.8}
LAST_DAY, LAST_DAY_AFTER_YEARS = 1.3, 1.5


class Bench:
    """An engine with staged issues and the three tables."""

    def __init__(self, engine: Engine, plans: dict[str, Plan], issues: int, *, grows: bool = True) -> None:
        self.engine = engine
        self.plans = plans
        self.issues = issues
        self.grows = grows
        for statement in (HERE / "psa.sql").read_text().strip().split(";\n"):
            engine.run(statement)
        if engine.name == "postgres":
            engine.run("create index issues_days on psa.issues using brin (load_date)")
        for name in TABLES:
            for statement in plans[name].create:
                engine.run(statement.replace("<definition>", plans[name].definition))

    def stage(self, first: int, last: int) -> None:
        """Stages days first to last (day 1 is the one on which everything is listed)."""
        numbers = {"first": first, "last": last, "issues": self.issues}
        parts = {"tenth": self.issues // 10, "hundredth": self.issues // 100 if self.grows else 0}
        self.engine.run(Template((HERE / "stage.sql").read_text()).substitute(numbers | parts))
        if self.engine.name == "postgres":
            self.engine.run("analyze psa.issues (load_date, issue_hk, repo_hk, link_repo_issue_hk)")
            self.engine.run("select brin_summarize_new_values('psa.issues_days')")

    def read(self, first: int, last: int) -> float:
        """Seconds of a plain read of what was staged of these days."""
        start, end = _window(first, last)
        return self._cost(
            lambda: self.engine.run(Template((HERE / "read.sql").read_text()).substitute(start=start, end=end))
        )

    def load(self, first: int, last: int) -> dict[str, float]:
        """Seconds each table takes to load these days, as the materialization loads them."""
        return {name: self._cost(lambda name=name: self._load(self.plans[name], first, last)) for name in TABLES}

    def _load(self, plan: Plan, first: int, last: int) -> None:
        start, end = _window(first, last)

        def filled(sql: str) -> str:
            return sql.replace("<start>", str(start)).replace("<end>", str(end))

        late = self.engine.value(filled(plan.lateness)) > 0
        self.engine.run("begin")
        pending: list[str] = []
        for what, statement in plan.steps(start, end, late=late):
            pending.append(filled(statement))
            if what != "prepare":
                self.engine.run(";\n".join(pending))
                pending.clear()
        if pending:
            self.engine.run(";\n".join(pending))
        if plan.settle:
            self.engine.run(plan.settle)
        self.engine.run("commit")

    def _cost(self, work: Callable[[], None]) -> float:
        before = self.engine.cpu()
        work()
        return self.engine.cpu() - before

    def rows(self, table: str) -> int:
        """Rows of a vault table."""
        return int(self.engine.value(f"select count(*) from raw_vault.{table}"))


def _window(first: int, last: int) -> tuple[datetime, datetime]:
    return FIRST_DAY + timedelta(days=first - 1), FIRST_DAY + timedelta(days=last)


@contextmanager
def engines(names: Sequence[str]) -> Iterator[dict[str, Callable[[str], Engine]]]:
    """Per engine what makes an empty warehouse of a name; all of them end with the block."""
    with tempfile.TemporaryDirectory() as folder, warm_server(**WAREHOUSE) as (server, _):
        made = {
            "duckdb": lambda name: OnDuckDB(Path(folder) / f"{name}.duckdb"),
            "postgres": lambda name: OnPostgres(server.ensure_database(name)),
        }
        yield {name: made[name] for name in names}


def plans_of(engine: Engine) -> dict[str, Plan]:
    """The statements of the three tables, rendered by dbt for an engine."""
    with tempfile.TemporaryDirectory() as folder:
        project = project_copy(Path(folder), HERE / "project")
        return compiled_plans(project, engine.name, dbt_environment(**engine.environment))


def days_and_range(make: Callable[[str], Engine], issues: int, days: int, figures: dict[str, object]) -> list[str]:
    """Loads the days one by one and as one range; what was not reached."""
    failed = []
    totals: dict[str, float] = {}
    for plan, steps in (("daily", [(day, day) for day in range(2, days + 1)]), ("range", [(2, days)])):
        engine = make(f"{plan}_plan")
        bench = Bench(engine, plans_of(engine), issues)
        costs, read = [], 0.0
        for first, last in [(1, 1), *steps]:
            bench.stage(first, last)
            read += bench.read(first, last)
            costs.append(bench.load(first, last))
        name = engine.name
        totals[plan] = sum(sum(cost.values()) for cost in costs)
        figures[f"{name}, {plan}, s"] = totals[plan]
        figures[f"{name}, {plan}, hub / link / satellite, s"] = " / ".join(
            f"{sum(cost[table] for cost in costs):.2f}" for table in TABLES
        )
        figures[f"{name}, {plan}, day one, s"] = sum(costs[0].values())
        figures[f"{name}, {plan}, plain read of the rows, s"] = read
        figures[f"{name}, {plan}, versions"] = bench.rows("sat_issue")
        if plan == "daily":
            failed += _last_beside_second(name, "", costs[1:], LAST_DAY, figures)
        if issues == FULL and days == 30:
            for whose, other, most in (
                ("AutomateDV's", AUTOMATE_DV, SHARE_OF_AUTOMATE_DV[name]),
                ("plain SQL's", PLAIN_SQL, 1.0),
            ):
                ratio = totals[plan] / other[name, plan]
                figures[f"{name}, {plan}, beside {whose} {other[name, plan]} s"] = ratio
                if ratio >= most:
                    failed.append(f"{name}, {plan}: below {most} of {whose} time: {ratio:.2f}")
        engine.close()
    return failed


def _last_beside_second(
    engine: str, after: str, costs: Sequence[dict[str, float]], most: float, figures: dict[str, object]
) -> list[str]:
    """The last day beside the second; each is the median of three neighbours, since one of them measures the noise."""
    sums = [sum(cost.values()) for cost in costs]
    second, last = statistics.median(sums[:3]), statistics.median(sums[-3:])
    figures[f"{engine}, second day / last day{after}, s"] = f"{second:.3f} / {last:.3f}"
    figures[f"{engine}, last day beside the second{after}"] = last / second
    return (
        [f"{engine}: the last day{after} at most {most} times the second: {last / second:.2f}"]
        if last > most * second
        else []
    )


def with_history(make: Callable[[str], Engine], issues: int, days: int, figures: dict[str, object]) -> list[str]:
    """The first days one by one, years as one range, the last days one by one.

    The limit is for history: a tenth changes every day and nothing is new. A hundredth more a day makes twelve times as
    many issues in three years, of which each load has to know the state; that is shown beside it.
    """
    failed = []
    for grows, name in ((False, "history"), (True, "history_that_grows")):
        engine = make(name)
        bench = Bench(engine, plans_of(engine), issues, grows=grows)
        costs = []
        first_days = [(day, day) for day in range(2, 5)]
        last_days = [(day, day) for day in range(days - 2, days + 1)]
        for first, last in [(1, 1), *first_days, (5, days - 3), *last_days]:
            bench.stage(first, last)
            cost = bench.load(first, last)
            if 1 < first == last:
                costs.append(cost)
        after = f" after {days} days" + (", 1 % new a day" if grows else "")
        figures[f"{engine.name}, versions{after}"] = bench.rows("sat_issue")
        missed = _last_beside_second(engine.name, after, costs, LAST_DAY_AFTER_YEARS, figures)
        failed += [] if grows else missed
        engine.close()
    return failed


def by_dbt(make: Callable[[str], Engine], issues: int, days: int, figures: dict[str, object]) -> None:
    """Day one and the range by dbt itself; an empty run of dbt, measured beside, is subtracted."""
    engine = make("by_dbt")
    bench = Bench(engine, plans_of(engine), issues)
    with tempfile.TemporaryDirectory() as folder:
        project = project_copy(Path(folder), HERE / "project")
        shutil.rmtree(project / "models" / "plans")
        environment = os.environ | dbt_environment(**engine.environment)

        def run(first: int, last: int) -> float:
            start, end = _window(first, last)
            before, spent = engine.cpu() if engine.name == "postgres" else 0.0, _children()
            if engine.name == "duckdb":
                engine.close()
            words = ["run", "--project-dir", str(project), "--profiles-dir", str(project), "--quiet"]
            window = ["--event-time-start", start.isoformat(), "--event-time-end", end.isoformat()]
            subprocess.run(
                [sys.executable, "-m", "dbt.cli.main", *words, *window], env=environment, cwd=project, check=True
            )
            if engine.name == "duckdb":
                engine.open()
                return _children() - spent
            return _children() - spent + engine.cpu() - before

        run(days + 10, days + 10)
        empty = statistics.median(run(days + 10, days + 10) for _ in range(3))
        spent = 0.0
        for first, last in ((1, 1), (2, days)):
            bench.stage(first, last)
            spent += run(first, last)
    figures[f"{engine.name}, range by dbt itself, two empty runs subtracted, s"] = spent - 2 * empty
    figures[f"{engine.name}, an empty run of dbt, s"] = empty
    engine.close()


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--issues", type=int, default=100_000, help=f"issues of day one; compared with others at {FULL:,}"
    )
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--history-issues", type=int, default=10_000)
    parser.add_argument("--history-days", type=int, default=1095)
    parser.add_argument("--engine", choices=("duckdb", "postgres"), help="one of them only")
    parser.add_argument("--dbt", action="store_true", help="load the range by dbt itself, too")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures: dict[str, object] = {"issues on day one": given.issues, "days": given.days}
    failed: list[str] = []
    with engines([given.engine] if given.engine else ["duckdb", "postgres"]) as made:
        for make in made.values():
            if given.issues:
                failed += days_and_range(make, given.issues, given.days, figures)
            if given.history_issues:
                failed += with_history(make, given.history_issues, given.history_days, figures)
            if given.dbt:
                by_dbt(make, given.issues, given.days, figures)
    return show("hub, link and satellite of issues: the engine's processor time", figures, failed, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
