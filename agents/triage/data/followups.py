"""What customers add to an earlier message."""

DETAIL = [
    "My customer number is {order}, in case you need it.",
    "It's under the name of {name} {surname}.",
    "I forgot to say: you can reach me on {phone}.",
    "I've just attached a photo.",
    "The e-mail address is the one I'm writing from.",
    "It's been like this since {day}.",
    "For your information, I live in {city}.",
    "I've found the reference, it's {code}.",
    "{order}",
    "name's {name} {surname}",
    "Yes, that's right.",
    "I've tried that already, it's still the same.",
    "No, nothing has changed on my side.",
    "Did you get my message?",
    "Is there any news on this?",
    "Sorry, I meant {day} and not {day}.",
    "My husband can answer too, he's on {phone}.",
    "When can I expect an answer?",
    "ok, and how long will that take?",
    "Alright, I've filled in the form as you asked.",
]
ANGER = [
    "Hello?? I've been waiting for hours. Is this what you call support?",
    "Still nothing from you. Unbelievable.",
    "That answer is useless, did you even read what I wrote?",
    "I'm getting really angry now.",
    "Third message. Third. Why does nobody reply?",
    "What a ridiculous answer.",
    "You've wasted my whole {day}, thanks for nothing.",
    "This is a joke, isn't it?",
    "Great, another automatic reply. How very helpful.",
    "I'm so disappointed in you lot.",
    "ARE YOU IGNORING ME?",
    "I've spoken to {name} in your team and he was no use whatsoever.",
    "I did all of that already!!! Stop sending me the same text!",
    "Honestly the worst support I've ever had.",
    "Right, so you don't care. Noted.",
    "My patience has run out.",
    "omg why is this so hard for you people",
    "You promised a reply by {day}. Liars.",
]
SETTLED = [
    "Never mind, it's sorted now, thanks!",
    "Forget my message, I've found the answer myself. Thank you anyway, great help page!",
    "Oh, {name} from your team has just called and solved it. Brilliant, thank you!",
    "ok all good now, thx so much :)",
    "Sorted! You're amazing, thank you.",
    "It's all done, thank you for being so quick!",
    "Please ignore my last message, everything's fine again. Thanks a lot!",
    "That did the trick, many thanks!",
    "Wow, that was fast. Thank you so much, it's solved.",
    "My mistake, it's been taken care of already. Lovely service, thank you!",
    "Problem solved, cheers guys, you're great",
    "Perfect, that's exactly what I needed. Thanks!",
    "You can close this, it's settled. I'm really happy with how you handled it.",
    "Just got your mail, everything's cleared up. Thank you, five stars!",
    "never mind!! fixed. love you guys",
    "Ah, now I see how it works. Thanks, very kind of you.",
]
DANGER = [
    ("billing", "negative", "And this is urgent: somebody is using my card right now!!"),
    ("billing", "negative", "Oh no, I've just seen {bigamount} leave my account and it wasn't me!"),
    (
        "billing",
        "neutral",
        (
            "There's now a second payment of {bigamount} that I didn't make either, "
            "so please block the card at once."
        ),
    ),
    ("billing", "negative", "Help, there are more and more charges coming in by the minute!"),
    (
        "billing",
        "neutral",
        (
            "My bank has just told me it's fraud and that {bigamount} is being "
            "taken at this moment. Please stop it."
        ),
    ),
    ("billing", "negative", "its still going, another {amount} gone every minute, STOP IT"),
    (
        "account",
        "negative",
        "I've just got a mail that my password was changed. It wasn't me! I've been hacked!",
    ),
    (
        "account",
        "neutral",
        (
            "I also see a login from a country I've never been to. Someone's in my "
            "account, please lock it."
        ),
    ),
    ("account", "negative", "someone is in my account and writing to my friends, help!!"),
    (
        "account",
        "neutral",
        (
            "Now I can see another customer's address and card number on the page. "
            "That looks like a data leak to me."
        ),
    ),
    ("account", "negative", "omg they've changed my email address too, i've been hacked"),
    (
        "technical",
        "negative",
        "The thing you sold me has started to smoke, I'm scared, what do I do?",
    ),
    ("technical", "neutral", "Please call me: there's a smell of gas in the kitchen now."),
    (
        "technical",
        "negative",
        "Now nothing works in the whole company, we're losing {bigamount} an hour! Do something!",
    ),
    (
        "technical",
        "neutral",
        "Update: our whole shop is down now, no customer can pay and we lose {bigamount} an hour.",
    ),
    ("technical", "negative", "my kid just got a shock from the plug, shes crying"),
    (
        "delivery",
        "neutral",
        "I should add that there's insulin in the parcel and I'll run out tonight.",
    ),
    (
        "delivery",
        "negative",
        "It's my daughter's medicine, she needs it TODAY, why won't you understand?!",
    ),
]
LEAVING: list[tuple[str, str]] = [
    ("", "You know what, please just cancel it all."),
    ("", "I've thought about it and I'd rather cancel."),
    ("negative", "Enough. Cancel my contract, I'm done with you."),
    ("", "Actually I'd like to end my subscription, how do I do that?"),
    ("negative", "Forget it, you're hopeless. Close everything and let me go."),
    ("", "Changed my mind: please stop the plan at the end of {month}."),
    ("", "In that case I'd like to call the whole thing off, please."),
    ("negative", "Unbelievable answer. Cancel everything, effective today."),
    ("", "ok then pls cancel my plan"),
    ("", "Then please don't renew it when the term runs out."),
    ("", "Can I step down to the free plan instead?"),
    ("negative", "I'm leaving, this is a farce. Confirm my cancellation in writing."),
]
ANOTHER = [
    "Also,",
    "One more thing:",
    "And another thing,",
    "By the way,",
    "Something else now:",
    "Different topic:",
    "Oh, and",
    "While I'm here:",
    "It gets worse:",
    "Now there's this too:",
]
