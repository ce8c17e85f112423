"""Questions that compute with columns: price times stock, income minus budget, tax, hours."""

from __future__ import annotations

import random

from agents.sql.data.query import Ask, Query
from agents.sql.data.schemas import Column, Table
from agents.sql.data.words import conds_for, noun, pick

AMOUNTS = ("stock", "stock level", "quantity")


def _money(t: Table) -> list[Column]:
    return [
        c
        for c in t.of_kind("int", "real")
        if "$" in c.spec.phrases.get("unit", ()) and "null" not in c.spec.phrases
    ]


def arithmetic(rng: random.Random, t: Table) -> Ask | None:
    """A computed value for each row or summed up."""
    money, amounts = _money(t), [c for c in t.of_kind("int") if c.spoken in AMOUNTS]
    prices = [c for c in money if "price" in c.spoken]
    if prices and amounts and rng.random() < 0.7:
        return _product(rng, t, rng.choice(prices), rng.choice(amounts))
    if len(money) > 1 and t.label and rng.random() < 0.8:
        return _difference(rng, t, t.label, rng.sample(money, 2))
    return _scaled(rng, t)


def _product(rng: random.Random, t: Table, price: Column, amount: Column) -> Ask:
    value = f"{price.name} * {amount.name}"
    p, a, many = price.spoken, amount.spoken, t.entity.plural
    if rng.random() < 0.6 or not t.label:
        conds = conds_for(rng, t, 1, frozenset({price.name, amount.name}))
        n = noun(rng, t, conds) if conds and rng.random() < 0.4 else f"all {many}"
        text = pick(
            rng,
            f"What is the total value ({p} times {a}) of {n}?|Sum of {p} times {a} over {n}|"
            f"Add up {p} * {a} for {n}.|total of {p} x {a} for {n}",
        )
        kept = () if n == f"all {many}" else conds
        return Ask(text, Query(f"SUM({value})", t.name, kept), "fixed", t)
    label = t.label
    text = pick(
        rng,
        f"Show the {label.spoken} and {p} times {a} of all {many}.|For each {t.entity.singular}, "
        f"show the {label.spoken} and the value ({p} times {a}).|{label.spoken} and {p} * {a} "
        f"for {many}",
    )
    return Ask(text, Query(f"{label.name}, {value}", t.name), "fixed", t)


def _difference(rng: random.Random, t: Table, label: Column, pair: list[Column]) -> Ask:
    first, second = pair
    a, b, many = first.spoken, second.spoken, t.entity.plural
    if rng.random() < 0.4:
        text = pick(
            rng,
            f"Which {many} have a {a} higher than their {b}?|List {many} whose {a} is above their "
            f"{b}.|{many} with {a} > {b}",
        )
        return Ask(
            text, Query(label.name, t.name, extra=f"{first.name} > {second.name}"), "fixed", t
        )
    text = pick(
        rng,
        f"Show the {label.spoken} and the {a} minus the {b} of all {many}.|For each "
        f"{t.entity.singular}, {label.spoken} and {a} minus {b}|{label.spoken} and {a} - {b} "
        f"for all {many}",
    )
    return Ask(text, Query(f"{label.name}, {first.name} - {second.name}", t.name), "fixed", t)


def _scaled(rng: random.Random, t: Table) -> Ask | None:
    label = t.label
    if not label:
        return None
    prices = [c for c in _money(t) if "price" in c.spoken]
    minutes = [c for c in t.of_kind("int") if " minutes" in c.spec.phrases.get("unit", ())]
    many = t.entity.plural
    if minutes:
        column = minutes[0]
        value, what = f"{column.name} / 60.0", f"{column.spoken} in hours"
    elif prices:
        column, rate = prices[0], rng.choice((10, 15, 20, 25))
        if rng.random() < 0.5:
            value, what = f"{column.name} * 1.{rate}", f"{column.spoken} plus {rate}% tax"
        else:
            value = f"{column.name} * 0.{100 - rate}"
            what = f"{column.spoken} after a {rate}% discount"
        value = value.removesuffix("0")
    else:
        return None
    text = pick(
        rng,
        f"Show the {label.spoken} and {what} for all {many}.|{label.spoken} and {what} of all "
        f"{many}|List {many} with their {what}.",
    )
    return Ask(text, Query(f"{label.name}, {value}", t.name), "fixed", t)
