"""Questions about one table.

Convention for what is selected: "which / who / list / name / find the customers" asks for the
label column (the key where a table has no label); "show all / get all / details / records /
everything about" asks for *; named columns are selected exactly, in the order of the question.
A superlative or a top-n follows the same rule. Grouped questions select the group, then the
aggregate; "which city has the most" selects the group alone.
"""

from __future__ import annotations

import random

from agents.sql.data.conditions import Cond, condition, equal, is_plural, say
from agents.sql.data.query import Ask, Query
from agents.sql.data.schemas import Column, Table
from agents.sql.data.words import (
    NUMBERS,
    conds_for,
    count_word,
    label_of,
    names_of,
    noun,
    order_words,
    pick,
    plural,
)


def rows(rng: random.Random, t: Table) -> Ask | None:
    """Whole rows under a condition, or all of them."""
    conds = () if rng.random() < 0.12 else conds_for(rng, t)
    n = noun(rng, t, conds)
    text = pick(
        rng,
        "Show all {n}.|Show me all {n}.|Get all {n}.|Give me all details of the {n}.|"
        "Show everything about {n}.|All {n}, all columns.|Return all rows for {n}.|"
        "I need the full records of {n}.|Find all {n}.|Fetch all {n}.|Select all {n}.|"
        "Display all information about {n}.|Full details of every one of the {n}.",
    )
    return Ask(text.replace("{n}", n), Query("*", t.name, conds), "rows", t)


def listing(rng: random.Random, t: Table) -> Ask | None:
    """The names of the rows that meet a condition."""
    if not label_of(t):
        return None
    conds = conds_for(rng, t)
    if not conds:
        return None
    n = noun(rng, t, conds)
    people = t.entity.who == "who"
    forms = (
        "Which {n}?|List the {n}.|What {n} are there?|Which are the {n}?|List {n}.|"
        "Name the {n}.|Find the {n}.|Tell me the {n}.|I'm looking for {n}.|{n}"
    )
    if t.label:
        s = plural(t.label.spoken)
        forms += (
            f"|What are the {s} of the {{n}}?|Give me the {s} of {{n}}.|{{n}}, just the {s}|"
            f"{s} of {{n}}|Show the {s} of {{n}}.|Show the {t.label.spoken} of each of the {{n}}."
        )
    else:
        forms = (
            "What are the ids of the {n}?|List the ids of {n}.|IDs of {n}|Show the id of all {n}."
        )
    if people:
        forms += "|Who are the {n}?|Who are our {n}?"
    text = pick(rng, forms)
    if text == "Which {n}?":
        text = _which(rng, t, conds)
    return Ask(text.replace("{n}", n), Query(label_of(t), t.name, conds), "list", t)


_THIRD_PERSON = {
    "have": "has",
    "are": "is",
    "do": "does",
    "earn": "earns",
    "make": "makes",
    "charge": "charges",
    "pay": "pays",
    "teach": "teaches",
    "smoke": "smokes",
}


def _which(rng: random.Random, t: Table, conds: tuple[Cond, ...]) -> str:
    head, *rest = conds
    word = t.entity.plural
    if t.entity.who == "who" and not rest and not head.pre:
        first = head.post.split()[0]
        if first in ("who", "that"):
            _, verb, *tail = head.post.split(" ")
            verb = _THIRD_PERSON.get(verb, verb)
            return " ".join(("Who", verb, *tail)) + "?"
        if first == "with":
            return f"Who has {head.post[5:]}?"
        if first not in ("whose", "where", "without") and rng.random() < 0.7:
            return f"Who is {head.post}?"
    if rest or head.post.startswith(("with", "whose", "where")):
        return "Which {n} are there?" if head.post.startswith("w") else "Which ones are {n}?"
    if head.post.startswith(("that ", "who ")):
        return f"Which {word} {head.post.split(' ', 1)[1]}?"
    return f"Which {word} are {head.post}?"


def columns(rng: random.Random, t: Table) -> Ask | None:
    """Named columns under a condition."""
    wanted = rng.sample(t.columns, min(len(t.columns), rng.choice((1, 2, 2, 2, 3))))
    wanted.sort(key=lambda c: c.spec.kind != "label")
    wanted = [c for c in wanted if c.spec.kind not in ("bool", "fkint")]
    if not wanted:
        return None
    conds = () if rng.random() < 0.18 else conds_for(rng, t, skip=frozenset(c.name for c in wanted))
    n = (
        noun(rng, t, conds)
        if conds
        else pick(rng, "all {w}|every {s}|each {s}|the {w}")
        .replace("{w}", t.entity.plural)
        .replace("{s}", t.entity.singular)
    )
    text = pick(
        rng,
        "Show the {c} of {n}.|What are the {c} of {n}?|List {c} for {n}.|"
        "Give me the {c} of {n}.|{c} of {n}|Get {c} for {n}.|I want to see the {c} of {n}.|"
        "For {n}, show {c}.|Select the {c} of {n}.|Return the {c} for {n}.|"
        "{n}: {c}",
    )
    if len(wanted) == 1 and text.startswith("What are"):
        text = f"What are the {plural(wanted[0].spoken)} of {{n}}?"
    text = text.replace("{c}", names_of(rng, wanted)).replace("{n}", n)
    return Ask(text, Query(", ".join(c.name for c in wanted), t.name, conds), "columns", t)


def lookup(rng: random.Random, t: Table) -> Ask | None:
    """One value of the row with a given name."""
    options = [c for c in t.columns if c.spec.kind not in ("label", "bool", "fkint")]
    if not t.label or not options:
        return None
    value = rng.choice(t.label.spec.values)
    wanted = rng.sample(options, 2 if len(options) > 1 and rng.random() < 0.2 else 1)
    cond = equal(rng, t.label, value)
    said = say(rng, value, 0.3)
    if rng.random() < 0.3:
        said = f"the {t.entity.singular} {said}"
    be = "are" if len(wanted) > 1 or is_plural(wanted[0].spoken) else "is"
    text = pick(
        rng,
        f"What {be} the {{c}} of {{v}}?|Show the {{c}} of {{v}}.|{{c}} of {{v}}|"
        "Look up the {c} of {v}.|Tell me the {c} for {v}.|Get the {c} of {v}.",
    )
    if len(wanted) == 1 and rng.random() < 0.6:
        text = _natural_lookup(rng, wanted[0], t.entity.who) or text
    text = text.replace("{c}", names_of(rng, wanted)).replace("{v}", said)
    select = ", ".join(c.name for c in wanted)
    if rng.random() < 0.15:
        text = pick(
            rng,
            f"Show everything about {said}.|All details for {said}.|Show me {said}.|"
            f"What do we know about {said}?",
        )
        select = "*"
    return Ask(text, Query(select, t.name, (cond,)), "lookup", t)


def _natural_lookup(rng: random.Random, column: Column, who: str) -> str:
    verbs = column.spec.phrases.get("v", ("",))
    verb = verbs[0].removeprefix("who ").removeprefix("that ")
    if (
        column.spec.kind in ("date", "year")
        and verb
        and " " not in verb
        and verb.endswith(("ed", "en", "ue", "lt", "born", "made", "ent", "held"))
    ):
        if verbs[0].startswith(("who", "that")):
            return ""
        asks = "When was|When was|In what year was|In which year was"
        asks = asks if column.spec.kind == "year" else "When was|On what date was"
        if verb == "due":
            asks = "When is"
        return pick(rng, asks) + f" {{v}} {verb}?"
    if column.spoken == "age":
        return "How old is {v}?"
    if "price" in column.spoken and rng.random() < 0.7:
        return pick(rng, "How much does {v} cost?|How much is {v}?")
    if column.spoken == "salary" and who == "who":
        return "How much does {v} earn?"
    if column.spec.kind == "int" and is_plural(column.spoken) and "of" not in column.spoken:
        return f"How many {column.spoken} does {{v}} have?"
    if column.spec.kind == "cat" and rng.random() < 0.5:
        return f"What is {{v}}'s {column.spoken}?"
    return ""


def either(rng: random.Random, t: Table) -> Ask | None:
    """Two conditions joined by OR."""
    first = condition(rng, t)
    second = condition(rng, t, frozenset({first.column.name})) if first else None
    if not first or not second or not label_of(t):
        return None
    conds = (first, second)
    n = noun(rng, t, conds, either=True)
    star = rng.random() < 0.5 or not t.label
    text = pick(
        rng,
        "Show all {n}.|Find all {n}.|Get all details of {n}."
        if star
        else "List the {n}.|Which are the {n}?|Name the {n}.",
    )
    query = Query("*" if star else label_of(t), t.name, conds, either=True)
    return Ask(text.replace("{n}", n), query, "either", t)


def superlative(rng: random.Random, column: Column) -> tuple[str, str, str]:
    """(word before the noun, words after it, ORDER BY)."""
    up = rng.random() < 0.6
    special = column.spec.phrases.get("max" if up else "min")
    direction = "DESC" if up else "ASC"
    if column.spec.kind in ("date", "year") and special in (("youngest",), ("oldest",)):
        return special[0], "", f"{column.name} {direction}"
    if column.spec.kind in ("date", "year"):
        word = special[0] if special else ("latest" if up else "earliest")
        if special:
            return rng.choice(special), "", f"{column.name} {direction}"
        return "", f"with the {word} {column.spoken}", f"{column.name} {direction}"
    if special and rng.random() < 0.7:
        return rng.choice(special), "", f"{column.name} {direction}"
    if is_plural(column.spoken):
        words = "most" if up else "fewest"
    else:
        words = pick(rng, "highest|highest|largest" if up else "lowest|lowest|smallest")
    return "", f"with the {words} {column.spoken}", f"{column.name} {direction}"


def _order(text: str) -> str:
    return text.removesuffix(" ASC")


def top(rng: random.Random, t: Table) -> Ask | None:
    """The first or the first n by a number or a date."""
    options = [c for c in t.of_kind(*NUMBERS, "date", "year") if "null" not in c.spec.phrases]
    if not options:
        return None
    column = rng.choice(options)
    pre, post, order = superlative(rng, column)
    conds = conds_for(rng, t, 1, frozenset({column.name})) if rng.random() < 0.3 else ()
    n = 1 if rng.random() < 0.45 else rng.choice((2, 3, 3, 5, 5, 10, 10, 4, 7, 20))
    base = noun(rng, t, conds, one=n == 1)
    thing = " ".join(x for x in (pre, base) if x)
    if post:
        thing += (" that has" + post.removeprefix("with")) if conds and n == 1 else " " + post
    if n > 1:
        thing = pick(
            rng,
            f"{count_word(rng, n)} {thing}|top {n} {thing}"
            if pre
            else f"{count_word(rng, n)} {thing}",
        )
    select, text = _top_select(rng, t, column, thing, n)
    if not select:
        return None
    return Ask(text, Query(select, t.name, conds, order=_order(order), limit=n), "top", t)


ORDINALS = ("second", "third", "fourth", "2nd", "3rd")


def ranked(rng: random.Random, t: Table) -> Ask | None:
    """The second or third by a number or a date."""
    options = [c for c in t.of_kind(*NUMBERS, "date", "year") if "null" not in c.spec.phrases]
    if not options or not t.label:
        return None
    column = rng.choice(options)
    pre, post, order = superlative(rng, column)
    which = rng.choice((0, 0, 0, 1, 1, 2, 3, 4))
    word = ORDINALS[which]
    thing = " ".join(x for x in (pre and f"{word} {pre}", t.entity.singular) if x)
    if post:
        thing += " " + post.replace("with the ", f"with the {word} ", 1)
    who = "Who" if t.entity.who == "who" else "What"
    text = pick(rng, f"{who} is the {thing}?|Name the {thing}.|the {thing}|Find the {thing}.")
    select = t.label.name
    if rng.random() < 0.2:
        text, select = f"Show all details of the {thing}.", "*"
    skip = (1, 2, 3, 1, 2)[which]
    query = Query(select, t.name, order=_order(order), limit=1, offset=skip)
    return Ask(text, query, "fixed", t)


def _top_select(
    rng: random.Random, t: Table, column: Column, thing: str, n: int
) -> tuple[str, str]:
    form = rng.random()
    many = n > 1
    if form < 0.25 or not t.label:
        return "*", pick(
            rng,
            "Show all details of the {x}.|Show everything about the {x}.|Get the "
            "full record of the {x}.|All columns for the {x}|Give me the complete row "
            "of the {x}."
            if not many
            else "Show all details of the {x}.|Full records of the {x}.|The {x}, all columns.",
        ).replace("{x}", thing)
    if form < 0.5:
        other = [c for c in t.columns if c.spec.kind not in ("bool", "fkint") and c != t.label]
        extra = column if rng.random() < 0.6 else rng.choice(other)
        both = [t.label, extra]
        if rng.random() < 0.15:
            both = [extra]
        text = pick(
            rng,
            "Show the {c} of the {x}.|What is the {c} of the {x}?|{c} of the {x}|"
            "Get the {c} of the {x}.|Give me the {c} of the {x}.",
        )
        if both[0] is t.label and rng.random() < 0.4:
            text = (
                f"List the {{x}} with their {extra.spoken}."
                if many
                else f"Which is the {{x}}, and what is its {extra.spoken}?"
            )
            if not many and t.entity.who == "who":
                text = f"Who is the {{x}}, and what is their {extra.spoken}?"
        text = text.replace("{c}", names_of(rng, both)).replace("{x}", thing)
        return ", ".join(c.name for c in both), text
    who = "Who" if t.entity.who == "who" else "What"
    text = pick(
        rng,
        f"{who} are the {{x}}?|List the {{x}}.|Name the {{x}}.|{{x}}|Which are the "
        "{x}?|Give me the {x}."
        if many
        else f"{who} is the {{x}}?|Which is the {{x}}?|"
        f"Name the {{x}}.|{{x}}|Find the {{x}}.|What is the {t.label.spoken} of the {{x}}?",
    )
    return t.label.name, text.replace("{x}", thing)


def ordered(rng: random.Random, t: Table) -> Ask | None:
    """A list in an order, without a limit."""
    options = [c for c in t.columns if c.spec.kind not in ("bool", "text", "fkint")]
    if not options or not t.label:
        return None
    column = rng.choice(options)
    conds = conds_for(rng, t, 1, frozenset({column.name})) if rng.random() < 0.3 else ()
    base = noun(rng, t, conds)
    up, words = order_words(rng, column)
    form = rng.random()
    if form < 0.4:
        select, text = "*", pick(rng, "Show all {n} {o}.|Get all {n} {o}.|All details of {n} {o}.")
    elif form < 0.7:
        select, text = t.label.name, pick(rng, "List the {n} {o}.|List {n} {o}.|Name the {n} {o}.")
    else:
        pair = list(dict.fromkeys((t.label, column)))
        extra = [c for c in options if c not in pair]
        if len(pair) == 1 and extra:
            pair.append(rng.choice(extra))
        select = ", ".join(c.name for c in pair)
        text = pick(rng, "Show {c} of {n} {o}.|List the {c} of all {n} {o}.|{c} of {n}, {o}")
        text = text.replace("{c}", names_of(rng, pair))
    text = text.replace("{n}", base).replace("{o}", words)
    order = column.name + ("" if up else " DESC")
    return Ask(text, Query(select, t.name, conds, order=order), "ordered", t)
