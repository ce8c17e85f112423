"""What must hold after a run, each found out from what clients saw and the gateway gives back."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.faults import Fault, Happening
from tests.chaos.ledger import Attempt, Ledger, Stored, lost, uncalled_for
from tests.chaos.resources import Sample, median_mb, newly_open
from tests.chaos.stage import Swap
from tests.integration.hot_swap import AGENT, mixed

#: Where two agents' answers to one question differ.
_LOOK = 8
#: What has been through everything may hold so much more than after its warm-up.
MEMORY_GROWTH = 0.10
MORE_DESCRIPTORS = 2


@dataclass(frozen=True)
class Check:
    """One promise: how often it was tried, and where it did not hold."""

    name: str
    tried: int
    broken: Sequence[str]
    note: str = ""

    @property
    def holds(self) -> bool:
        """A check that tried nothing holds nothing."""
        return self.tried > 0 and not self.broken


def nothing_lost(ledger: Ledger, stored: Mapping[str, Sequence[Stored]]) -> Check:
    """Every acknowledged turn can be read back, as it was answered and in its order."""
    broken = [
        each
        for conversation_id, attempts in ledger.by_conversation().items()
        for each in lost(attempts, stored[conversation_id])
    ]
    return Check("no acknowledged turn lost", len(ledger.answered), broken)


def nothing_uncalled_for(ledger: Ledger, stored: Mapping[str, Sequence[Stored]]) -> Check:
    """No turn is stored that failed with an error, and none twice."""
    broken = [
        f"{conversation_id}: {each}"
        for conversation_id, attempts in ledger.by_conversation().items()
        for each in uncalled_for(attempts, stored[conversation_id])
    ]
    turns = sum(map(len, stored.values()))
    return Check("no turn stored that failed, none twice", turns, broken)


def right_agent(ledger: Ledger) -> Check:
    """Who was asked answers, and body, chunks and headers name one model."""
    broken = []
    for attempt in ledger.answered:
        answer = attempt.seen.answer
        assert answer is not None
        makers = "+".join(model.partition("@")[0] for model in answer.model.split("+"))
        asked = answer.agent if attempt.model == "auto" else attempt.model
        if {asked, makers} != {answer.agent} or answer.named != {answer.model}:
            broken.append(f"{attempt.model} was asked: {answer}")
    return Check("answered by the agent that was asked", len(ledger.answered), broken)


def right_adapter(ledger: Ledger) -> Check:
    """No answer to the question that all agents are asked looks as another adapter's.

    The look of an adapter is the beginning that most of its answers have.
    """
    looks: dict[str, Counter[str]] = defaultdict(Counter)
    answers = [each.seen.answer for each in ledger.answered if each.model != "auto"]
    for answer in filter(None, answers):
        looks[answer.model][answer.text[:_LOOK]] += 1
    look = {model: seen.most_common(1)[0][0] for model, seen in looks.items()}
    foreign = [
        f"{answer.model}: {answer.text!r}"
        for answer in filter(None, answers)
        if answer.text[:_LOOK] in set(look.values()) - {look[answer.model]}
    ]
    note = ", ".join(f"{model} {text!r}" for model, text in sorted(look.items()))
    return Check("no answer of another adapter", len(answers), foreign, note)


def unmixed(ledger: Ledger) -> Check:
    """No stream of the agent whose versions change holds more than one of them."""
    streams = [
        (answer.named, answer.text)
        for attempt in ledger.answered
        if attempt.model == AGENT and (answer := attempt.seen.answer) is not None
    ]
    versions = {model for named, _ in streams for model in named}
    broken = mixed(streams)
    if len(versions) < 2:
        broken.append(f"only {versions} answered: nothing could be mixed")
    return Check("no answer of two versions", len(streams), broken, ", ".join(sorted(versions)))


def right_version(ledger: Ledger, first: str, swaps: Sequence[Swap]) -> Check:
    """The version that answered was live at some moment of the turn.

    Args:
        first: the model that was live in the beginning.
    """
    turns = [
        (attempt, model)
        for attempt in ledger.answered
        if attempt.seen.answer is not None
        for model in attempt.seen.answer.model.split("+")
        if model.partition("@")[0] == AGENT
    ]
    broken = [
        f"{attempt.conversation}, turn {attempt.turn}: {model}, and live was {allowed}"
        for attempt, model in turns
        if model not in (allowed := _live(first, swaps, attempt.began, attempt.ended))
    ]
    return Check("no answer of a version that was not live", len(turns), broken)


def _live(first: str, swaps: Sequence[Swap], began: float, ended: float) -> list[str]:
    """The models live at some moment between two; until a swap is settled, the one before, too."""
    lives = [first, *(swap.model for swap in swaps)]
    froms = [float("-inf"), *(swap.asked for swap in swaps)]
    untils = [*(swap.settled for swap in swaps), float("inf")]
    return [
        model
        for model, since, until in zip(lives, froms, untils, strict=True)
        if since <= ended and began <= until
    ]


def clear_to_clients(ledger: Ledger) -> Check:
    """Each request got a whole answer, an error in OpenAI's shape, or a connection that broke."""
    broken = [
        f"{each.conversation}, turn {each.turn}: {each.seen.why}"
        for each in ledger.attempts
        if each.seen.outcome == "unclear"
    ]
    return Check("a whole answer or a clear error", len(ledger.attempts), broken)


def explained(ledger: Ledger, happenings: Sequence[Happening]) -> Check:
    """Whatever failed did so while a fault was on that excuses it."""
    failed = [each for each in ledger.attempts if each.seen.outcome in ("refused", "cut")]
    broken = [
        f"{each.conversation}, turn {each.turn}: {each.seen.outcome} {each.seen.why}"
        for each in failed
        if not any(excuses(happening, each) for happening in happenings)
    ]
    return Check("no failure without its fault", len(ledger.attempts), broken)


def excuses(happening: Happening, attempt: Attempt) -> bool:
    """Whether the attempt fell into the fault's time and failed as that fault makes it fail."""
    seen, excused = attempt.seen, happening.fault.excuses
    kind = seen.outcome if seen.outcome == "cut" else seen.why
    return kind in excused and is_during(happening, attempt, excused[kind])


def is_during(happening: Happening, attempt: Attempt, aftermath_s: float = 0.0) -> bool:
    """Whether the attempt was under way while the fault was on, or so long afterwards."""
    return attempt.began <= happening.ended + aftermath_s and attempt.ended >= happening.began


def all_happened(happenings: Sequence[Happening], timetable: Sequence[Fault]) -> Check:
    """Every fault was brought about, or skipped for a reason, and recovered from."""
    broken = [f"{each.fault.name}: {each.trouble}" for each in happenings if each.trouble]
    broken += [f"{fault.name}: it did not come to it" for fault in timetable[len(happenings) :]]
    return Check("recovered from every fault", len(timetable), broken)


def all_finished(finished: int, conversations: int) -> Check:
    """In the end everybody got all answers, if need be by asking again."""
    missing = conversations - finished
    return Check(
        "every conversation finished", conversations, [f"{missing} not"] if missing else []
    )


def nothing_left_behind(processes: Sequence[int], engines: int) -> Check:
    """The engines that were killed, or whose gateway was, have ended with all their workers."""
    broken = [f"process {pid}" for pid in processes]
    return Check("no process of a former engine left", engines, broken)


def same_descriptors(before: Sample, after: Sample) -> Check:
    """The gateway has no more files and sockets open than after its warm-up."""
    more = after.descriptors - before.descriptors
    broken = [f"{more} more: {newly_open(before, after)}"] if more > MORE_DESCRIPTORS else []
    note = f"{before.descriptors} before, {after.descriptors} after"
    return Check("the gateway's descriptors are back", before.descriptors, broken, note)


def little_growth(first: Sequence[Sample], last: Sequence[Sample], limit: float) -> Check:
    """Resident memory of the gateway under load grows by less than ``limit``, a share."""
    grown = median_mb(last) / median_mb(first) - 1
    note = f"{median_mb(first):.1f} MB first, {median_mb(last):.1f} MB last ({grown:+.2%})"
    name = f"the gateway's memory grows by less than {limit:.0%}"
    return Check(name, len(first), [note] if grown >= limit else [], note)


def same_memory(whose: str, before_mb: float, after_mb: float) -> Check:
    """A process that has been through everything holds as much memory as after its warm-up."""
    grown = after_mb / before_mb - 1
    note = f"{before_mb:.0f} MB before, {after_mb:.0f} MB after ({grown:+.1%})"
    broken = [note] if grown > MEMORY_GROWTH else []
    return Check(f"the {whose}'s memory is back", 1, broken, note)
