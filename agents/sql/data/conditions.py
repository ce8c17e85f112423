"""WHERE conditions together with the ways people say them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from agents.sql.data.schemas import Column, Table

# Values in a question sit between these marks, so that lower-casing and typos leave them alone.
OPEN, CLOSE = "\x01", "\x02"
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True)
class Cond:
    """One condition; `sql` has {t} where an alias goes, `post` follows the noun, `pre` leads it."""

    sql: str
    post: str
    column: Column
    pre: str = ""
    value: str = ""


def lit(text: str) -> str:
    """A single-quoted SQL string."""
    return "'" + text.replace("'", "''") + "'"


def say(rng: random.Random, text: str, quoted: float = 0.15) -> str:
    """A value as it stands in the question, sometimes in quotes."""
    if rng.random() < quoted:
        mark = '"' if "'" in text or rng.random() < 0.4 else "'"
        text = mark + text + mark
    return OPEN + text + CLOSE


def an(noun: str) -> str:
    """The noun with its article."""
    vowel = noun.strip(OPEN + "'\"")[:1].lower() in "aeio" or noun.startswith("upvote")
    return ("an " if vowel and not noun.startswith("eu") else "a ") + noun


def is_plural(spoken: str) -> bool:
    """Whether a spoken column name takes a plural verb ("points")."""
    words = spoken.split()
    if words[0] == "number" or words[-1] in ("status", "species", "address"):
        return False
    return any(w.endswith("s") and not w.endswith("ss") for w in (words[0], words[-1]))


def number(rng: random.Random, column: Column) -> str:
    """A round value in the column's range, as SQL writes it."""
    low, high = (int(x) for x in column.spec.args[:2])
    value = rng.uniform(low + (high - low) * 0.08, low + (high - low) * 0.85)
    if column.spec.kind == "real1" and high < 10:
        return f"{round(value * 2) / 2:g}"
    if column.spec.kind in ("real", "real1") and rng.random() < 0.08:
        return f"{value:.1f}".removesuffix(".0")
    step = max(1, 10 ** (len(str(int(value))) - 2)) * (5 if value >= 30 else 1)
    return str(max(int(value) // step * step, low, 1))


def say_number(rng: random.Random, column: Column, value: str) -> str:
    """ "$50,000", "50k", "12 kg"."""
    text = value
    if value.isdigit() and int(value) >= 1000:
        forms = [value, value, f"{int(value):,}"]
        plain = column.spec.phrases.get("unit", ("$",)) == ("$",)
        if plain and int(value) % 1000 == 0 and int(value) < 1_000_000:
            forms.append(f"{int(value) // 1000}k")
        text = rng.choice(forms)
    unit = column.spec.phrases.get("unit", ("",))[0]
    if value.isdigit() and 1 < int(value) <= 10 and rng.random() < 0.25:
        text = SMALL[int(value)]
    elif unit == "$":
        text = rng.choice(("$" + text, text, text + " dollars"))
    if unit != "$":
        text += rng.choice((unit, unit, ""))
    return OPEN + text + CLOSE


def day(rng: random.Random, back: int = 0) -> tuple[str, str]:
    """An ISO date, `back` years earlier than usual, and a spoken form."""
    year, month = rng.randint(2015, 2025) - back, rng.randint(1, 12)
    date = 1 if rng.random() < 0.45 else rng.randint(2, 28)
    iso = f"{year}-{month:02}-{date:02}"
    name = MONTHS[month - 1]
    spoken = (f"{name} {date}, {year}", f"{date} {name} {year}", f"{name[:3]} {date} {year}")
    return iso, OPEN + (rng.choice(spoken) if rng.random() < 0.3 else iso) + CLOSE


def equal(rng: random.Random, column: Column, value: str) -> Cond:
    """column = value for a categorical column."""
    spec, typed = column.spec, value
    if column.hinted and rng.random() < 0.5:  # the schema tells how the value is written
        typed = rng.choice((value.lower(), value.capitalize(), value.lower()))
    said, pre = say(rng, typed), ""
    if "adj" in spec.phrases and rng.random() < 0.75:
        pre = said
    forms = [f.replace("{v}", said) for f in spec.phrases.get("f", ()) if f]
    generic = [
        f"whose {column.spoken} is {said}",
        f"with {column.spoken} {said}",
        f"where the {column.spoken} is {said}",
    ]
    post = rng.choice(forms) if forms and rng.random() < 0.75 else rng.choice(generic)
    return Cond(f"{{t}}{column.name} = {lit(value)}", post, column, pre, value)


def _category(rng: random.Random, column: Column) -> Cond:
    first, second, third = rng.sample(column.spec.values * 3, 3)
    form = rng.random()
    if form < 0.72 or first == second:
        return equal(rng, column, first)
    name, spoken = column.name, column.spoken
    if form < 0.82:
        said = say(rng, first)
        post = rng.choice(
            (
                f"whose {spoken} is not {said}",
                f"with {an(spoken)} other than {said}",
                f"where the {spoken} isn't {said}",
            )
        )
        return Cond(f"{{t}}{name} != {lit(first)}", post, column)
    if form < 0.86 and len(column.spec.values) > 2:
        pair = f"{say(rng, first, 0)} nor {say(rng, second, 0)}"
        items = f"{lit(first)}, {lit(second)}"
        return Cond(f"{{t}}{name} NOT IN ({items})", f"whose {spoken} is neither {pair}", column)
    if form < 0.96:
        values = [first, second] + ([third] if third not in (first, second) else [])
        values = values[: rng.choice((2, 2, 3))]
        said = ", ".join(say(rng, v, 0) for v in values[:-1]) + " or " + say(rng, values[-1], 0)
        template = rng.choice([f for f in column.spec.phrases.get("f", ()) if f] or ["of {v}"])
        if template == "of {v}":
            template = f"whose {spoken} is {{v}}"
        items = ", ".join(lit(v) for v in values)
        return Cond(f"{{t}}{name} IN ({items})", template.replace("{v}", said), column)
    return like(rng, column)


def like(rng: random.Random, column: Column) -> Cond:
    """A LIKE condition on part of a value."""
    value = rng.choice(column.spec.values)
    spoken, name = column.spoken, column.name
    form = rng.random()
    if form < 0.4:
        part = value[0] if rng.random() < 0.6 else value.split()[0]
        verb = rng.choice(("starts with", "begins with", "starting with"))
        pattern = part + "%"
    elif form < 0.8 or column.spec.kind == "text":
        part = rng.choice(value.split())
        verb = rng.choice(("contains", "includes", "containing", "has the word"))
        pattern = f"%{part}%"
        if verb == "has the word" and not part.isalpha():
            verb = "contains"
    else:
        part = value[-1] if rng.random() < 0.5 else value.split()[-1]
        verb = rng.choice(("ends with", "ends in", "ending in"))
        pattern = "%" + part
    said = say(rng, part, 0.5)
    noun = spoken if is_plural(spoken) else an(spoken)
    link = f"with {noun}" if verb.split()[0].endswith("ing") else f"whose {spoken}"
    return Cond(f"{{t}}{name} LIKE {lit(pattern)}", f"{link} {verb} {said}", column)


SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_WORDS = {
    ">": (
        "with a {n} over {v}",
        "with a {n} above {v}",
        "whose {n} is greater than {v}",
        "with {n} > {v}",
        "whose {n} is more than {v}",
    ),
    "<": (
        "with a {n} under {v}",
        "with a {n} below {v}",
        "whose {n} is less than {v}",
        "with {n} < {v}",
    ),
    ">=": (
        "with a {n} of at least {v}",
        "whose {n} is {v} or more",
        "with {n} >= {v}",
        "whose {n} is at least {v}",
    ),
    "<=": (
        "with a {n} of at most {v}",
        "whose {n} is {v} or less",
        "whose {n} is no more than {v}",
        "with {n} up to {v}",
    ),
    "=": ("whose {n} is {v}", "with {n} {v}", "where {n} is exactly {v}"),
}
_PLURAL_WORDS = {
    ">": ("with more than {v} {n}", "with over {v} {n}", "with {n} > {v}"),
    "<": ("with fewer than {v} {n}", "with less than {v} {n}", "with {n} < {v}"),
    ">=": ("with at least {v} {n}", "with {v} or more {n}", "with a minimum of {v} {n}"),
    "<=": ("with at most {v} {n}", "with {v} {n} or fewer", "with no more than {v} {n}"),
    "=": ("with exactly {v} {n}", "with {v} {n}"),
}


def compare(rng: random.Random, column: Column) -> Cond:
    """A numeric comparison."""
    value = number(rng, column)
    said = say_number(rng, column, value)
    spec = column.spec
    operators, weights = (">", "<", ">=", "<=", "=", "BETWEEN"), (34, 27, 12, 9, 4, 12)
    if "eq" in spec.phrases:
        weights = (22, 18, 12, 9, 30, 8)
    operator = rng.choices(operators, weights)[0]
    plural = is_plural(column.spoken)
    bare = said if not plural else OPEN + value + CLOSE
    if operator == "BETWEEN":
        other = str(int(float(value) * rng.choice((1.5, 2, 3))) + (2 if float(value) < 10 else 0))
        pair = f"{OPEN}{value}{CLOSE} and {OPEN}{other}{CLOSE}"
        post = rng.choice(("with {n} between {v}", "whose {n} {is} between {v}"))
        post = post.replace("{is}", "are" if plural else "is")
        post = post.replace("{n}", column.spoken).replace("{v}", pair)
        return Cond(f"{{t}}{column.name} BETWEEN {value} AND {other}", post, column)
    special = spec.phrases.get({">": "gt", "<": "lt", "=": "eq"}.get(operator, ""))
    if special and rng.random() < 0.75:
        post = rng.choice(special).replace("{v}", said)
    else:
        words = (_PLURAL_WORDS if plural else _WORDS)[operator]
        post = rng.choice(words).replace("a {n}", an(column.spoken))
        post = post.replace("{n}", column.spoken).replace("{v}", bare)
    return Cond(f"{{t}}{column.name} {operator} {value}", post, column)


def year(rng: random.Random, column: Column) -> Cond:
    """A condition on an integer year."""
    low, high = (int(x) for x in column.spec.args[:2])
    value = rng.randint(low + 5, high - 3)
    verb = rng.choice(column.spec.phrases["v"])
    last = min(value + rng.choice((5, 10, 3)), 2025)
    word, sql = rng.choice(
        (
            (f"after {value}", f"> {value}"),
            (f"before {value}", f"< {value}"),
            (f"in {value}", f"= {value}"),
            (f"since {value}", f">= {value}"),
            (f"between {value} and {last}", f"BETWEEN {value} AND {last}"),
            (f"in {value} or later", f">= {value}"),
        )
    )
    return Cond(f"{{t}}{column.name} {sql}", f"{verb} {word}", column)


def date(rng: random.Random, column: Column) -> Cond:
    """A condition on an ISO date column."""
    verb = rng.choice(column.spec.phrases.get("v", (f"with {an(column.spoken)}",)))
    back = rng.randint(12, 50) if verb == "born" else 0
    name, (iso, said), value = column.name, day(rng, back), rng.randint(2015, 2024) - back
    month = rng.randint(1, 12)
    form = rng.random()
    if form < 0.2:
        return Cond(f"{{t}}{name} > '{iso}'", f"{verb} after {said}", column)
    if form < 0.38:
        return Cond(f"{{t}}{name} < '{iso}'", f"{verb} before {said}", column)
    if form < 0.48:
        post = rng.choice((f"{verb} on or after {said}", f"{verb} since {said}"))
        return Cond(f"{{t}}{name} >= '{iso}'", post, column)
    if form < 0.7:
        post = rng.choice((f"{verb} in {value}", f"{verb} during {value}", f"{verb} in {value}"))
        return Cond(f"strftime('%Y', {{t}}{name}) = '{value}'", post, column, value=str(value))
    if form < 0.79:
        post = f"{verb} in {MONTHS[month - 1]} {value}"
        return Cond(f"strftime('%Y-%m', {{t}}{name}) = '{value}-{month:02}'", post, column)
    if form < 0.85:
        return Cond(f"{{t}}{name} < '{value}-01-01'", f"{verb} before {value}", column)
    if form < 0.91:
        return Cond(f"{{t}}{name} > '{value}-12-31'", f"{verb} after {value}", column)
    if form < 0.94:
        return Cond(f"{{t}}{name} >= '{value}-01-01'", f"{verb} since {value}", column)
    end = f"{value + 1}-{month:02}-01"
    start = f"{value}-{month:02}-15"
    post = f"{verb} between {OPEN}{start}{CLOSE} and {OPEN}{end}{CLOSE}"
    return Cond(f"{{t}}{name} BETWEEN '{start}' AND '{end}'", post, column)


def null(rng: random.Random, column: Column) -> Cond:
    """IS NULL or IS NOT NULL on a nullable column."""
    phrases, spoken = column.spec.phrases, column.spoken
    if rng.random() < 0.7:
        generic = (f"with no {spoken}", f"where the {spoken} is missing", f"without {an(spoken)}")
        special = phrases.get("null") if rng.random() < 0.7 else None
        return Cond(f"{{t}}{column.name} IS NULL", rng.choice(special or generic), column)
    generic = (
        f"that have {an(spoken)}",
        f"where the {spoken} is not empty",
        f"with {an(spoken)} on record",
    )
    special = phrases.get("notnull") if rng.random() < 0.7 else None
    return Cond(f"{{t}}{column.name} IS NOT NULL", rng.choice(special or generic), column)


def flag(rng: random.Random, column: Column) -> Cond:
    """A 0/1 column."""
    side = rng.choice(("yes", "yes", "no"))
    phrase = column.spec.phrases[side][0]
    sql = f"{{t}}{column.name} = {int(side == 'yes')}"
    leads = phrase.split()[0]
    if leads in ("that", "who", "with", "without", "on", "marked"):
        return Cond(sql, phrase, column)
    pre = "" if leads == "not" else phrase
    return Cond(sql, f"that are {phrase}", column, pre)


def condition(rng: random.Random, table: Table, skip: frozenset[str] = frozenset()) -> Cond | None:
    """A random condition on a column outside `skip`."""
    columns = [c for c in table.columns if c.name not in skip]
    rare = {"label": 0.2, "text": 0.5}
    columns = [c for c in columns if rng.random() < rare.get(c.spec.kind, 1)]
    columns = [c for c in columns if c.spec.kind != "fkint" or "null" in c.spec.phrases]
    if not columns:
        return None
    column = rng.choice(columns)
    kind = column.spec.kind
    if kind == "fkint" or ("null" in column.spec.phrases and rng.random() < 0.55):
        return null(rng, column)
    makers = {
        "cat": _category,
        "label": like,
        "text": like,
        "int": compare,
        "real": compare,
        "real1": compare,
        "year": year,
        "date": date,
        "bool": flag,
    }
    cond = makers[kind](rng, column)
    if table.entity.who == "who" and cond.post.startswith("that "):
        cond = Cond(cond.sql, "who " + cond.post[5:], column, cond.pre, cond.value)
    return cond
