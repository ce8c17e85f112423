"""What is printed: a line for each fault, and one for each promise."""

from collections import Counter
from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from tests.chaos.checks import Check, excuses, is_during
from tests.chaos.faults import Happening
from tests.chaos.ledger import Attempt, Ledger

_EXAMPLES = 5


def fault_table(begin: float, happenings: Sequence[Happening], ledger: Ledger) -> Table:
    """Each fault, the turns that were under way meanwhile, and those that failed because of it.

    Args:
        begin: when the first conversation did, by `time.monotonic`.
    """
    table = Table(
        "fault", "after s", "over in s", "turns", "answered", "failed so", "what happened"
    )
    for happening in happenings:
        turns = [each for each in ledger.attempts if is_during(happening, each)]
        what = happening.trouble or happening.what
        table.add_row(
            happening.fault.name,
            f"{happening.began - begin:.0f}",
            "–" if happening.skipped else f"{happening.ended - happening.began:.0f}",
            *_counts(turns, [each for each in ledger.attempts if excuses(happening, each)]),
            escape(f"SKIPPED: {what}" if happening.skipped else what),
            style="yellow" if happening.skipped else "red" if happening.trouble else None,
        )
    table.add_section()
    failed = [each for each in ledger.attempts if each.seen.outcome != "answered"]
    table.add_row("the whole run", "", "", *_counts(ledger.attempts, failed), "")
    return table


def _counts(turns: Sequence[Attempt], failed: Sequence[Attempt]) -> tuple[str, str, str]:
    answered = sum(each.seen.outcome == "answered" for each in turns)
    kinds = Counter(map(kind_of, failed))
    return str(len(turns)), str(answered), "\n".join(f"{n} {kind}" for kind, n in kinds.items())


def kind_of(attempt: Attempt) -> str:
    """What a turn that was not answered is counted under."""
    seen = attempt.seen
    return {
        "refused": seen.why,
        "cut": f"cut ({seen.why})",
        "left": "hung up by the client",
        "unclear": "UNCLEAR",
    }[seen.outcome]


def check_table(checks: Sequence[Check]) -> Table:
    """Each promise, how often it was tried, and examples of where it was broken."""
    table = Table("promise", "tried", "broken", "")
    for check in checks:
        examples = [*check.broken[:_EXAMPLES]] or [check.note]
        table.add_row(
            check.name,
            str(check.tried),
            str(len(check.broken)),
            escape("\n".join(examples)),
            style=None if check.holds else "red",
        )
    return table
