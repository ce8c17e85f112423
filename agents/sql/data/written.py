"""Rows out of written.txt; how a schema and the first question share a message is drawn."""

import random

from agents.sql.data.conversation import MAX_TOKENS, Row, opening, say, tokens
from agents.written import Block


def row(block: Block, rng: random.Random) -> Row:
    """One conversation; its last questions are left out where it would become too long."""
    (question, query), *later = block.pairs
    messages = [*opening(rng, block.about, question), say("assistant", query)]
    for question, query in later:
        added = [say("user", question), say("assistant", query)]
        if tokens(messages + added) > MAX_TOKENS:
            break
        messages += added
    return {"messages": messages}
