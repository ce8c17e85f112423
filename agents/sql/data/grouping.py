"""Counts, aggregates, groups and scalar subqueries over one table."""

from __future__ import annotations

import random

from agents.sql.data.conditions import an, is_plural, number
from agents.sql.data.query import Ask, Query
from agents.sql.data.schemas import Column, Table
from agents.sql.data.words import NUMBERS, conds_for, count_word, noun, pick, plural


def count(rng: random.Random, t: Table) -> Ask | None:
    """COUNT(*)."""
    conds = () if rng.random() < 0.2 else conds_for(rng, t)
    n = noun(rng, t, conds)
    text = pick(
        rng,
        "How many {n} are there?|How many {n} do we have?|Count the {n}.|Count {n}.|"
        "What is the number of {n}?|Number of {n}|Total number of {n}?|{n}, how many?|"
        "How many {n} are in the table?|count of {n}",
    )
    if not conds and rng.random() < 0.3:
        text = f"How many rows does the {t.name} table have?"
    return Ask(text.replace("{n}", n), Query("COUNT(*)", t.name, conds), "count", t)


def distinct(rng: random.Random, t: Table) -> Ask | None:
    """DISTINCT or COUNT(DISTINCT) of a category."""
    options = t.of_kind("cat")
    if not options:
        return None
    column = rng.choice(options)
    skip = frozenset({column.name})
    conds = conds_for(rng, t, 1, skip) if rng.random() < 0.3 else ()
    of = noun(rng, t, conds)
    p = plural(column.spoken)
    if rng.random() < 0.45:
        text = pick(
            rng,
            f"How many different {p} are there among the {of}?|Count the distinct {p} "
            f"of {of}.|How many unique {p} do the {of} have?|Number of distinct {p} of {of}",
        )
        if not conds and rng.random() < 0.5:
            text = pick(rng, f"How many different {p} are there?|Number of unique {p}")
        return Ask(text, Query(f"COUNT(DISTINCT {column.name})", t.name, conds), "agg", t)
    text = pick(
        rng,
        f"What {p} do the {of} have?|List the different {p} of {of}.|Show the distinct "
        f"{p} of {of}.|Which different {p} are there for {of}?|unique {p} of {of}|"
        f"Give me each {column.spoken} once, for {of}.|List all {p} of {of} without repeats.",
    )
    if not conds and rng.random() < 0.5:
        text = pick(
            rng,
            f"Which {p} exist?|List all {p} without duplicates.|Distinct {p}|"
            f"What are the different {p}?",
        )
    return Ask(text, Query(column.name, t.name, conds, distinct=True), "distinct", t)


AGGREGATES = {
    "AVG": "average {c}|mean {c}|average {c}|avg {c}",
    "SUM": "total {c}|sum of the {c}|combined {c}|overall {c}",
    "MAX": "highest {c}|maximum {c}|max {c}|largest {c}",
    "MIN": "lowest {c}|minimum {c}|min {c}|smallest {c}",
}


def aggregate(
    rng: random.Random, t: Table, columns: list[Column]
) -> tuple[str, str, Column] | None:
    """(function, spoken, column) of a random aggregate over one of the columns."""
    if not columns:
        return None
    column = rng.choice(columns)
    options = ["AVG", "AVG", "MAX", "MIN"] + ["SUM"] * 3 * ("sum" in column.spec.phrases)
    function = rng.choice(options)
    said = pick(rng, AGGREGATES[function]).replace("{c}", column.spoken)
    return function, said.replace("total total", "total"), column


def agg(rng: random.Random, t: Table) -> Ask | None:
    """One aggregate, sometimes two."""
    found = aggregate(rng, t, t.of_kind(*NUMBERS))
    if not found:
        return None
    function, said, column = found
    conds = conds_for(rng, t, 1, frozenset({column.name})) if rng.random() < 0.6 else ()
    n = (
        noun(rng, t, conds)
        if conds
        else pick(rng, "all {w}|the {w}|{w}|our {w}").replace("{w}", t.entity.plural)
    )
    select = f"{function}({column.name})"
    if function in ("MAX", "MIN") and rng.random() < 0.5:
        said, select = (
            pick(rng, f"minimum and maximum {column.spoken}|lowest and highest {column.spoken}"),
            f"MIN({column.name}), MAX({column.name})",
        )
    be = "are" if "and" in said.split() else "is"
    text = pick(
        rng,
        f"What {be} the {{a}} of {{n}}?|Calculate the {{a}} of {{n}}.|{{a}} of {{n}}|"
        f"What's the {{a}} of {{n}}?|Give me the {{a}} for {{n}}.|Compute the {{a}} across "
        f"{{n}}.|Show the {{a}} of {{n}}.|Find the {{a}} of {{n}}.",
    )
    text = text.replace("{a}", said).replace("{n}", n)
    if function == "AVG" and rng.random() < 0.12:
        text = text.rstrip(".?") + pick(rng, ", rounded to 2 decimals|, rounded to two decimals")
        return Ask(text, Query(f"ROUND({select}, 2)", t.name, conds), "fixed", t)
    return Ask(text, Query(select, t.name, conds), "agg", t)


def group_count(rng: random.Random, t: Table) -> Ask | None:
    """Rows per category or per year."""
    dates = [c for c in t.of_kind("date") if "v" in c.spec.phrases]
    if dates and rng.random() < 0.2:
        column = rng.choice(dates)
        verb = rng.choice(column.spec.phrases["v"]).removeprefix("who ").removeprefix("that ")
        expr = f"strftime('%Y', {column.name})"
        text = pick(
            rng,
            f"How many {t.entity.plural} {verb if verb.endswith('ed') else 'per'} "
            f"{'each' if verb.endswith('ed') else ''} year?|Number of {t.entity.plural} per "
            f"year of {column.spoken}|Count {t.entity.plural} by year of {column.spoken}.",
        )
        text = text.replace("per  year", f"per year of {column.spoken}")
        return Ask(text, Query(f"{expr}, COUNT(*)", t.name, group=expr), "group", t)
    if not _groups(t):
        return None
    column = rng.choice(_groups(t))
    conds = conds_for(rng, t, 1, frozenset({column.name})) if rng.random() < 0.25 else ()
    n, c = noun(rng, t, conds), column.spoken
    text = pick(
        rng,
        "How many {n} are there per {c}?|Count the {n} by {c}.|Number of {n} for each "
        "{c}|How many {n} does each {c} have?|{n} per {c}|For each {c}, how many {n} are "
        "there?|Give me the number of {n} grouped by {c}.|Break down the count of {n} by "
        "{c}.|count of {n} by {c}|Show each {c} with its number of {n}.",
    )
    text = text.replace("{n}", n).replace("{c}", c)
    query = Query(f"{column.name}, COUNT(*)", t.name, conds, group=column.name)
    if rng.random() < 0.2:
        text = text.rstrip(".?") + pick(
            rng,
            ", most first.|, sorted by count descending.|, biggest "
            "group first.|, highest count first.",
        )
        query = Query(query.select, t.name, conds, group=column.name, order="COUNT(*) DESC")
    return Ask(text, query, "group", t)


def _groups(t: Table) -> list[Column]:
    return t.of_kind("cat", "year") + [c for c in t.of_kind("int") if "eq" in c.spec.phrases]


def group_agg(rng: random.Random, t: Table) -> Ask | None:
    """An aggregate per category."""
    groups = t.of_kind("cat", "year")
    found = aggregate(rng, t, t.of_kind(*NUMBERS))
    if not groups or not found:
        return None
    function, said, column = found
    group = rng.choice(groups)
    skip = frozenset({column.name, group.name})
    conds = conds_for(rng, t, 1, skip) if rng.random() < 0.2 else ()
    of = f" of {noun(rng, t, conds)}" if conds or rng.random() < 0.5 else ""
    text = pick(
        rng,
        "What is the {a}{of} per {g}?|{a}{of} by {g}|Show the {a}{of} for each {g}.|For "
        "each {g}, what is the {a}{of}?|Calculate the {a}{of} by {g}.|{a}{of} per {g}|Give "
        "me the {a}{of} grouped by {g}.",
    )
    text = text.replace("{a}", said).replace("{of}", of).replace("{g}", group.spoken)
    value = f"{function}({column.name})"
    if rng.random() < 0.12:
        w, g = t.entity.plural, group.spoken
        text = pick(
            rng,
            f"Number of {w} and {said} per {g}|For each {g}, show the number of {w} and the {said}."
            f"|Show the count and the {said} of {w} by {g}.",
        )
        query = Query(f"{group.name}, COUNT(*), {value}", t.name, group=group.name)
        return Ask(text, query, "fixed", t)
    order = ""
    if rng.random() < 0.2:
        text = text.rstrip(".?") + pick(rng, ", highest first.|, sorted from high to low.")
        order = f"{value} DESC"
    query = Query(f"{group.name}, {value}", t.name, conds, group=group.name, order=order)
    return Ask(text, query, "group", t)


def having(rng: random.Random, t: Table) -> Ask | None:
    """Groups that pass a test on their count or average."""
    groups = t.of_kind("cat")
    if not groups:
        return None
    group, word = rng.choice(groups), t.entity.plural
    p, found = plural(group.spoken), aggregate(rng, t, t.of_kind(*NUMBERS))
    if found and found[0] in ("AVG", "SUM") and rng.random() < 0.45:
        function, said, column = found
        value = number(rng, column)
        sign, over = rng.choice(
            ((">", "above"), (">", "over"), ("<", "below"), (">", "greater than"))
        )
        test = f"{function}({column.name}) {sign} {value}"
        end = f"have {an(said)} {over} {value}"
    else:
        k, roll = rng.randint(1, 20), rng.random()
        if roll < 0.15:
            test, amount = f"COUNT(*) < {k + 2}", f"fewer than {k + 2}"
        elif roll < 0.45:
            test, amount = f"COUNT(*) >= {k + 1}", f"at least {k + 1}"
        else:
            test, amount = f"COUNT(*) > {k}", f"more than {count_word(rng, k)}"
            word = t.entity.singular if k == 1 else word
        end = f"have {amount} {word}"
    text = pick(
        rng,
        f"Which {p} {end}?|Which {p} {end}?|List the {p} that {end}.|Find {p} that {end}."
        f"|{p} that {end}|Show the {p} which {end}.",
    )
    select = group.name
    if "COUNT" in test and rng.random() < 0.25:
        select += ", COUNT(*)"
        text = text.rstrip(".?") + pick(rng, ", with the count.|, and how many each has.")
    return Ask(text, Query(select, t.name, group=group.name, having=test), "having", t)


def group_top(rng: random.Random, t: Table) -> Ask | None:
    """The category with the most rows or the highest aggregate."""
    groups = t.of_kind("cat")
    if not groups:
        return None
    group, up = rng.choice(groups), rng.random() < 0.8
    found = aggregate(rng, t, t.of_kind(*NUMBERS))
    c, word = group.spoken, t.entity.plural
    if found and found[0] in ("AVG", "SUM") and rng.random() < 0.45:
        function, _, column = found
        value = f"{function}({column.name})"
        what = "average" if function == "AVG" else "total"
        what = f"{'highest' if up else 'lowest'} {what} {column.spoken}".replace(
            "total total", "total"
        )
        text = pick(
            rng,
            f"Which {c} has the {what}?|What is the {c} with the {what}?|Find the {c} "
            f"with the {what}.|{c} with the {what}",
        )
    else:
        value, most = "COUNT(*)", "most" if up else "fewest"
        text = pick(
            rng,
            f"Which {c} has the {most} {word}?|What is the {c} with the {most} {word}?|"
            f"Find the {c} with the {most} {word}.|{c} with the {most} {word}"
            + (f"|What is the most common {c} of {word}?" if up else ""),
        )
    limit = 1
    if rng.random() < 0.2:
        limit = rng.choice((3, 5, 2))
        by = f"number of {word}" if value == "COUNT(*)" else what.split(" ", 1)[1]
        text = f"Top {limit} {plural(c)} by {by}"
        up = True
    order = value + (" DESC" if up else "")
    return Ask(
        text, Query(group.name, t.name, group=group.name, order=order, limit=limit), "gtop", t
    )


def scalar(rng: random.Random, t: Table) -> Ask | None:
    """Above or below the average; the row or rows at the maximum."""
    options = t.of_kind(*NUMBERS)
    if not options or not t.label:
        return None
    column = rng.choice(options)
    c, up, people = column.spoken, rng.random() < 0.65, plural(t.label.spoken)
    word = t.entity.plural
    star = rng.random() < 0.3
    if rng.random() < 0.75:
        side = "above" if up else "below"
        value = f"(SELECT AVG({column.name}) FROM {t.name})"
        test = f"{column.name} {'>' if up else '<'} {value}"
        many = f"with {'more' if up else 'fewer'} {c} than average|with {side}-average {c}"
        one = (
            f"with {an(side + '-average ' + c)}|whose {c} is {side} average|whose {c} is "
            f"{'higher' if up else 'lower'} than the average|with {an(c)} {side} the average"
        )
        end = pick(rng, many if is_plural(c) else one)
    else:
        value = f"(SELECT {'MAX' if up else 'MIN'}({column.name}) FROM {t.name})"
        test = f"{column.name} = {value}"
        end = f"whose {c} {'equal' if is_plural(c) else 'equals'} the {'maximum' if up else 'minimum'}"
    heads = (
        f"Show all {word}|Get all details of {word}|Find all {word}"
        if star
        else f"Which are the {word}|List the {word}|Give me the {people} of {word}|Name the {word}|"
        f"Find the {word}|{word}"
    )
    head = pick(rng, heads)
    text = f"{head} {end}" + ("?" if head.startswith("Which") else "" if head == word else ".")
    query = Query("*" if star else t.label.name, t.name, extra=test)
    return Ask(text, query, "scalar", t)
