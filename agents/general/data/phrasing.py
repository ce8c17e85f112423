"""How people ask (`openers`) and how they go on (`follow_ups`), for each kind of topic."""

from dataclasses import dataclass

from agents.general.data import topics


@dataclass(frozen=True)
class Kind:
    """One kind of request: `topics` holds "topic | answer" lines; `{t}` stands for the topic."""

    topics: str
    openers: tuple[str, ...]
    follow_ups: tuple[tuple[str, str], ...]
    chains_per_topic: int = 1


CLOSERS: tuple[tuple[str, str], ...] = (
    ("thanks!", "You're welcome!"),
    ("ok cool", "Glad that helps."),
    ("thank you", "Any time."),
    ("great", "Happy to help."),
    ("perfect, thanks", "My pleasure."),
    ("interesting", "Isn't it? Ask if you'd like to know more."),
    ("got it, ty", "You're welcome."),
    ("good to know", "Glad I could help."),
)

_EXPLAIN = (
    "explain {t}",
    "Can you explain {t} to me?",
    "help me understand {t}",
    "eli5: {t}",
    "I never really understood {t}. Could you explain it?",
    "{t}, in simple words please",
    "Give me a short explanation of {t}",
    "what should I know about {t}",
    "my kid asked me about {t}, what do I say?",
    "I have an exam on {t}, give me the basics",
    "could you tell me a bit about {t}?",
    "Summarise {t} in two sentences.",
)
_EXPLAIN_MORE = (
    ("why?", "Mostly because the parts affect each other in that way."),
    ("tell me more", "There is a longer story behind it, which begins with simple observations."),
    ("can you give an example", "Sure: think of what happens in an ordinary kitchen."),
    ("simpler please", "In short: one thing leads to another, and we see the result."),
    ("who discovered that?", "Several people worked on it over many years."),
    ("does that matter in everyday life?", "More than one would think."),
    ("since when do we know this", "The main ideas are more than a hundred years old."),
    ("what are the downsides", "It's easy to misread and it doesn't explain everything."),
    ("I still don't get it", "Let me try with a picture: imagine a row of dominoes."),
    ("any good books on this?", "A short introduction from your library is a good start."),
    ("is that really true?", "As far as we know, yes."),
)
_WRITE = (
    "write {t}",
    "Write me {t}, please.",
    "can you draft {t}?",
    "I need {t}",
    "help me with {t}",
    "Could you come up with {t}",
    "compose {t} for me",
    "give me {t}, nothing fancy",
    "pls write {t}",
    "I'm stuck, can you write {t}?",
)
_WRITE_MORE = (
    ("shorter please", "Here is a shorter version."),
    ("make it funnier", "Here is one with a wink."),
    ("more formal", "Here is a more formal version."),
    ("and in french?", "Voici la version française."),
    ("give me another one", "Here is a second version."),
    ("add a line about the weather", "Done: and the sun was shining too."),
    ("too cheesy", "Fair. Here's a drier one."),
    ("without the first sentence", "Here it is without it."),
    ("use simpler words", "Here it is in plain words."),
    ("sign it with Maria", "Added: Maria."),
    ("can you make it rhyme", "I'll try: the day was grey, the words would play."),
    ("change the ending", "Here is a new ending."),
)
_CODE_MORE = (
    ("add comments", "Here it is with comments."),
    ("explain the second line", "It prepares what the loop needs."),
    ("without libraries", "Then we do it by hand with a loop."),
    ("I get an error", "What does the message say?"),
    ("make it faster", "Keep the results you have already computed."),
    ("and in go?", "The same idea, with explicit error values."),
    ("how do I run it", "Save it to a file and call it from the shell."),
    ("can you add a test", "Here is one for the simple case."),
    ("why not use a loop", "A loop works as well; this is only shorter."),
)
_ADVICE = (
    "how do I {t}",
    "How can I {t}?",
    "any tips to {t}",
    "what's the best way to {t}?",
    "I want to {t}, where do I start",
    "I'm trying to {t}. Advice?",
    "is there a trick to {t}",
    "help me {t}",
)
_ADVICE_MORE = (
    ("and if that doesn't work?", "Then change one thing at a time and see."),
    ("how long does it take", "Give it a couple of weeks."),
    ("what else", "Ask someone who has done it."),
    ("I tried that already", "Then the next thing is to look at the cause."),
    ("is it expensive?", "It needn't be."),
    ("any other ideas?", "You could also begin with the smallest step."),
    ("why does that help", "Because it takes away what gets in the way."),
    ("what should I avoid", "Doing all at once."),
)
_FACT = (
    "{t}",
    "{t}?",
    "do you know {t}",
    "quick question: {t}?",
    "Tell me, {t}?",
    "hey, {t}?",
)
_FACT_MORE = (
    ("are you sure?", "Quite sure, but do check it if it matters."),
    ("source?", "You'll find it in any encyclopedia."),
    ("tell me more", "There's a nice story behind it."),
    ("huh, didn't know that", "Few people do."),
    ("why is that", "It has historical reasons."),
    ("and before that?", "That's less well documented."),
    ("what about in England?", "There it's a bit different."),
    ("give me another fact", "Octopuses have three hearts."),
)
_OPINION = (
    "what do you think about {t}",
    "Is there a case for {t}?",
    "pros and cons of {t}",
    "convince me of {t}",
    "are you for or against {t}?",
    "arguments against {t}",
    "your take on {t}?",
)
_OPINION_MORE = (
    ("and the other side?", "The other side would stress freedom of choice."),
    ("which argument is the strongest", "The first, I'd say."),
    ("I disagree", "That's fair. What's your view?"),
    ("make it a list", "1. Cost. 2. Comfort. 3. Fairness."),
)
_COOK = (
    "recipe for {t}",
    "how do you make {t}?",
    "I want to cook {t} tonight",
    "easy {t} recipe please",
    "what goes into {t}",
)
_COOK_MORE = (
    ("for six people?", "Then take one and a half times of everything."),
    ("without onions", "Leave them out and add a bit of celery."),
    ("can I freeze it", "Yes, for about two months."),
    ("what goes well with it", "A green salad."),
    ("how long does it keep", "Three days in the fridge."),
)
_TRAVEL = (
    "what should I see in {t}",
    "3 days in {t}, ideas?",
    "I'm going to {t} next month, tips?",
    "is {t} worth a visit",
    "tell me about {t}",
    "Plan a weekend in {t} for two",
)
_TRAVEL_MORE = (
    ("and where to eat?", "Ask for the place where the bus drivers go."),
    ("what if it rains", "Museums and cafés."),
    ("is it safe at night", "In the centre mostly yes."),
    ("how do I get there", "By plane or by train, depending on where you start."),
    ("what's the weather like in may", "Mild, with a shower now and then."),
    ("cheaper options?", "Go midweek and stay a little outside."),
)

KINDS: tuple[Kind, ...] = (
    Kind(topics.CONCEPTS, _EXPLAIN, _EXPLAIN_MORE, 2),
    Kind(topics.WRITINGS, _WRITE, _WRITE_MORE, 2),
    Kind(topics.ADVICE, _ADVICE, _ADVICE_MORE, 1),
    Kind(topics.FACTS, _FACT, _FACT_MORE, 1),
    Kind(topics.OPINIONS, _OPINION, _OPINION_MORE, 1),
    Kind(topics.DISHES, _COOK, _COOK_MORE, 1),
    Kind(topics.PLACES, _TRAVEL, _TRAVEL_MORE, 1),
)
CODE = Kind(
    topics.CODE_TASKS,
    (
        "write a {l} script {t}",
        "{l} code {t}?",
        "How would I write a function in {l} {t}",
        "give me a {l} snippet {t}",
        "I need a small {l} program {t}.",
    ),
    _CODE_MORE,
    2,
)
TRANSLATE = Kind(
    topics.PHRASES,
    (
        'translate "{t}" into {l}',
        'How do you say "{t}" in {l}?',
        "{t} - in {l} please",
        "what is '{t}' in {l}",
        "Please translate to {l}: {t}",
    ),
    (
        ("and how is it pronounced", "Roughly as it's written, with the stress on the first part."),
        ("in korean too", "Here it is in Korean."),
        ("is that formal?", "It's neutral; you can say it to anyone."),
        ("how would a child say it", "A bit shorter."),
    ),
    2,
)
