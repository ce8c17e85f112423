"""A SELECT statement in pieces, so that follow-ups can change one of them."""

from __future__ import annotations

from dataclasses import dataclass

from agents.sql.data.conditions import Cond
from agents.sql.data.schemas import Table


@dataclass(frozen=True)
class Query:
    """Clauses of one SELECT; `alias` is the prefix ("o.") of the main table's columns."""

    select: str
    source: str
    conds: tuple[Cond, ...] = ()
    either: bool = False
    extra: str = ""
    group: str = ""
    having: str = ""
    order: str = ""
    limit: int = 0
    offset: int = 0
    distinct: bool = False
    alias: str = ""

    def sql(self) -> str:
        """One line, no semicolon."""
        text = f"SELECT {'DISTINCT ' if self.distinct else ''}{self.select} FROM {self.source}"
        tests = [c.sql.replace("{t}", self.alias) for c in self.conds]
        where = (" OR " if self.either else " AND ").join(tests)
        if self.extra and where:
            where = f"{self.extra} AND ({where})" if self.either else f"{self.extra} AND {where}"
        for word, clause in (
            ("WHERE", where or self.extra),
            ("GROUP BY", self.group),
            ("HAVING", self.having),
            ("ORDER BY", self.order),
        ):
            text += f" {word} {clause}" if clause else ""
        text += f" LIMIT {self.limit}" if self.limit else ""
        return text + (f" OFFSET {self.offset}" if self.offset else "")


@dataclass(frozen=True)
class Ask:
    """A question and its query. `kind` tells which follow-ups make sense."""

    text: str
    query: Query
    kind: str
    table: Table
