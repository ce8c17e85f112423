from collections.abc import Sequence

from serving.attribution import Attribution
from serving.turn import Exchange


def history(*turns: tuple[str, str, str | None]) -> list[Exchange]:
    return [
        Exchange(user=user, assistant=assistant, agent=agent, model=None)
        for user, assistant, agent in turns
    ]


def recalled(attribution: Attribution, exchanges: Sequence[Exchange]) -> list[str | None]:
    """What is recalled of a history that a client sends, without any agent in it."""
    return [
        exchange["agent"]
        for exchange in attribution.recall([{**exchange, "agent": None} for exchange in exchanges])
    ]


CHAT = history(("every monday", "0 0 * * 1", "cron"), ("lamp on", "{}", "home"))


def test_each_turn_is_recalled_with_the_history_before_it() -> None:
    attribution = Attribution()
    attribution.remember(CHAT[:1])
    attribution.remember(CHAT)
    assert recalled(attribution, CHAT) == ["cron", "home"]
    assert recalled(attribution, CHAT[:1]) == ["cron"]
    assert recalled(attribution, CHAT[1:]) == [None]


def test_what_was_never_seen_is_nobodys() -> None:
    attribution = Attribution()
    attribution.remember(CHAT)
    assert recalled(attribution, CHAT) == [None, "home"]
    assert recalled(attribution, []) == []


def test_an_edited_history_is_another_one() -> None:
    attribution = Attribution()
    attribution.remember(CHAT[:1])
    edited = history(("every tuesday", "0 0 * * 1", None))
    assert recalled(attribution, edited) == [None]
    moved = history(("every monday0 0", "* * 1", None))
    assert recalled(attribution, moved) == [None]


def test_blanks_around_a_text_do_not_matter() -> None:
    attribution = Attribution()
    attribution.remember(CHAT[:1])
    assert recalled(attribution, history((" every monday\n", "0 0 * * 1 ", None))) == ["cron"]


def test_any_text_json_can_carry_is_remembered() -> None:
    attribution = Attribution()
    strange = history(("\ud800 \x00 é", "🎻", "general"))
    attribution.remember(strange)
    assert recalled(attribution, strange) == ["general"]


def test_an_answer_of_nobody_is_not_remembered() -> None:
    attribution = Attribution()
    attribution.remember(history(("hi", "hello", None)))
    assert recalled(attribution, history(("hi", "hello", None))) == [None]


def test_the_last_one_to_answer_counts() -> None:
    attribution = Attribution()
    attribution.remember(CHAT[:1])
    attribution.remember(history(("every monday", "0 0 * * 1", "general")))
    assert recalled(attribution, CHAT[:1]) == ["general"]


def test_the_memory_is_bounded_and_forgets_what_was_used_longest_ago() -> None:
    attribution = Attribution(size=3)
    chats = [history((f"question {number}", "answer", "sql")) for number in range(4)]
    for chat in chats[:3]:
        attribution.remember(chat)
    attribution.remember(chats[0])
    attribution.remember(chats[3])
    known = [recalled(attribution, chat) == ["sql"] for chat in chats]
    assert known == [True, False, True, True]


def double(number: int, length: int) -> list[Exchange]:
    """A history with a reply by two agents, each half so long."""
    parts = history(("one", f"{number}" + "x" * length, "cron"), ("two", "y" * length, "home"))
    whole = Exchange(user=f"{number}", assistant="z", agent="cron+home", model=None, parts=parts)
    return [whole]


def test_the_texts_of_double_replies_are_bounded_too() -> None:
    attribution = Attribution(text_bytes=100_000)
    attribution.remember(CHAT)
    chats = [double(number, 10_000) for number in range(20)]
    for chat in [*chats, chats[-1], chats[-1]]:  # the same once more takes no more room
        attribution.remember(chat)
    known = [number for number, chat in enumerate(chats) if recalled(attribution, chat) != [None]]
    assert known == [16, 17, 18, 19]
    (last,) = attribution.recall(chats[-1])
    assert last["parts"] == chats[-1][0]["parts"]
    attribution.remember(double(20, 100_000))  # more than all that may be held
    assert recalled(attribution, double(20, 100_000)) == [None]
    attribution.remember(chats[0])
    assert recalled(attribution, chats[0]) == ["cron+home"]
