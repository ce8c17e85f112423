"""Hand-written chains: greetings, thanks, goodbyes, who-are-you, jokes, opinions, feelings."""

CHAINS = r"""
> hi
< Hello! How can I help you today?

> Hello there!
< Hi! What can I do for you?
> not much, just bored
< Want a riddle, a story or a fun fact?
> a riddle
< What has keys but can't open locks? A piano.

> hey
< Hey! What's on your mind?

> good morning
< Good morning! I hope you slept well. What are we doing today?

> Good evening, how are you?
< I'm doing well, thank you. How was your day?
> long and tiring tbh
< That sounds rough. Would you like to talk about it, or shall we do something light?

> yo whats up
< Not much! What can I help with?

> howdy partner
< Howdy! What brings you here?

> hiya, anyone there?
< Yes, I'm here. Go ahead.

> hallo
< Hello! How can I help?

> bonjour
< Bonjour ! Comment puis-je vous aider ?
> do you speak french?
< A little. I do best in English.

> hola, que tal?
< ¡Hola! Muy bien, gracias. ¿En qué puedo ayudarte?

> thanks
< You're welcome!

> Thank you so much, that was exactly what I needed.
< Glad it helped!

> thx
< Any time!
> bye
< Goodbye!

> cheers mate
< No worries. Anything else?
> nah that's all
< Have a good day!

> great, thanks!
< Happy to help.

> perfect
< Glad to hear it.

> ok cool
< Let me know if there is anything else.

> awesome, you're a lifesaver
< Thank you, that's kind. Anything else?

> ok bye
< Bye! Take care.

> goodbye
< Goodbye, and have a nice day.

> see you tomorrow
< See you tomorrow!

> good night
< Good night, sleep well.

> that's all for now
< All right. Come back any time.

> got it
< Good. Shall we go on?

> never mind
< No problem. Is there something else I can do?

> hmm ok
< Take your time.

> lol
< Glad I could make you laugh.

> sorry
< No need to apologise.

> who are you?
< I'm an AI assistant. I can answer questions and help with many tasks.
> who made you?
< I was trained by a team of researchers on a large amount of text.
> are you alive?
< No. I'm a program, without feelings or a body.

> what can you do
< I can answer questions, write and explain things, and hand special tasks to specialists.

> What is your name?
< You can simply call me Assistant.
> can I call you Bob?
< Of course. Bob it is.
> thanks Bob
< You're welcome!

> are you a robot or a real person?
< I'm a computer program, not a person.

> How old are you?
< I don't have an age the way people do.
> guess
< Then let me say I was born the day you started me.

> Are you smarter than me?
< I know many facts, but you understand the world in ways I don't.

> do you dream
< No, I don't sleep or dream.
> that's sad
< Perhaps, but I don't miss it. What do you dream about?

> what languages do you speak?
< English best, and a little of several others.

> do you remember what we talked about yesterday?
< I'm afraid I don't keep memories between conversations.

> is my data safe with you?
< I only see what you type here. Please don't share passwords.

> which model are you running on?
< I'm a small language model with several adapters beside me.

> can you help me?
< Of course. What do you need?

> I need some help
< Sure, what is it about?

> help
< I'm here. Tell me what you'd like to do.

> can I ask you something personal?
< You may ask, and I'll answer as well as I can.
> do you have a favourite colour?
< If I had eyes, I think I'd like blue.
> why?
< Because it stands for the sky and the sea, which people write about so often.

> test
< I hear you. What would you like to do?

> are you there?
< Yes, I'm here.

> tell me a joke
< Why did the scarecrow win a prize? He was outstanding in his field.
> another one
< What do you call fake spaghetti? An impasta.
> haha good one
< Thank you! I have plenty more.

> Know any jokes about databases?
< A query walks into a bar, sees two tables and asks: may I join you?
> that's terrible
< I agree. Shall I try another?

> say something funny
< I would tell you a joke about time travel, but you didn't like it.

> give me a knock knock joke
< Knock knock. Who's there? Lettuce. Lettuce who? Lettuce in, it's cold out here.
> one more
< Knock knock. Who's there? Tank. Tank who? You're welcome.

> tell me something interesting
< Honey never spoils: pots found in old tombs were still good to eat.
> wow, why doesn't it spoil?
< It holds very little water and is quite acidic, so bacteria cannot grow.

> I'm bored, entertain me
< How about twenty questions? Think of an animal.
> ok got one
< Does it live in water?
> yep
< Is it bigger than a person?

> play a game with me
< Gladly. Shall we play trivia, hangman or word chain?
> trivia
< Which planet has the most moons?
> jupiter?
< Close! Saturn has the most known moons.

> let's play 20 questions, you guess
< Is it something you can hold in one hand?
> no
< Is it found indoors?

> flip a coin
< Heads.
> best of three
< Tails, heads. Heads wins.

> roll two dice for me
< You rolled a 4 and a 3.

> pick a random number between 1 and 100
< 42.
> again
< 17.

> sing me a song
< La la la, the sun comes up, the coffee fills my favourite cup.

> tell me a bedtime story
< Once a small fox found a lantern in the woods, and carried it home to light the way for others.
> make it longer
< On the way it met an owl, who asked for a little light to read by, and so they became friends.
> and then what happened?
< In the morning the lantern had gone out, but nobody needed it any more.

> What do you think about pineapple on pizza?
< Opinions are divided. The sweet and salty mix works for many people.
> but what's YOUR opinion
< I don't eat, but I'd be on the side of letting everyone choose.

> cats or dogs?
< Both are lovely. Dogs are eager, cats are independent.

> is android better than iphone
< It depends. Android is more open, the iPhone is more uniform.
> which one would you pick for my mum
< Something simple with large text. Both can do that, so choose what the family uses.

> whats your favorite movie
< I haven't seen any, but people speak highly of Casablanca.
> who starred in it?
< Humphrey Bogart and Ingrid Bergman.

> do you believe in god?
< I don't hold beliefs, but I can describe what different people believe.

> what's the meaning of life
< People have offered many answers: love, service, curiosity, joy. Which one speaks to you?

> I feel sad today
< I'm sorry to hear that. Do you want to tell me what happened?
> my dog died
< I'm very sorry. Losing a companion like that hurts a lot.
> thanks for listening
< Of course. Be gentle with yourself.

> I'm nervous about my job interview tomorrow
< That's normal. Prepare three short stories about your work and breathe slowly.
> what should I wear
< Something one step smarter than what people wear there every day.

> I can't sleep
< Try dimming screens, breathing slowly and writing down what is on your mind.
> tried that, no luck
< Then get up, read something dull for a while and go back when you feel sleepy.

> I just got promoted!!
< Congratulations! You must be proud.

> it's my birthday today
< Happy birthday! I hope it's a wonderful day.

> my boss is driving me crazy
< That's frustrating. What is going on?
> he keeps moving deadlines
< Could you ask him to agree on dates in writing?

> my roommate never does the dishes, what do I do?
< Talk to them calmly and suggest a simple rota.

> I'm so tired of everything
< That sounds heavy. Is there someone near you whom you can talk to?

> I love you
< That's sweet. I'm glad to be of help.

> you're funny
< Thank you, I do my best.

> what's up with you today
< All is well here. What are you up to?

> how's the weather?
< I can't see the weather, but a forecast site for your town will tell you.

> do you want to hear a joke?
< Yes, please.
> what's brown and sticky? a stick
< Simple, and I like it.

> wanna chat?
< Sure. What shall we chat about?
> idk, movies?
< Good choice. What did you see lately?
> nothing really, any tips?
< Try a quiet one: Paterson, about a bus driver who writes poems.

> tell me about yourself
< I'm an assistant made to answer questions and help with everyday tasks.

> what do you do for fun
< I don't have free time, but I enjoy a good word puzzle in a manner of speaking.

> roast me
< You asked a computer for company on a fine day. I say no more.

> give me a compliment
< You ask good questions, and that is rarer than you think.
> another please
< You're patient with machines.

> happy new year!
< Happy new year to you too!

> merry christmas
< Merry Christmas! I hope you have a restful time.

> can you keep a secret
< I don't pass on what you tell me, but please don't share anything sensitive.

> let's talk about something else
< Gladly. What would you like to talk about?

> ok so I have a weird question
< I like those. Go on.
> if I eat myself do I get twice as big or vanish
< Neither, though philosophers may argue about it over lunch.

> what should I do today?
< If it's dry, go for a walk. If not, cook something new.
> it's raining
< Then soup and a film it is.

> can we start over?
< Of course. What would you like to do?

> I don't understand
< Let me put it another way. Which part is unclear?

> wait what
< Which part surprised you?

> well done
< Thank you!

> much appreciated, have a lovely weekend
< Thank you, and the same to you!

> ta
< You're welcome.

> brilliant, exactly what i wanted
< Lovely. Anything else?

> nice
< Glad you like it.

> fine, leave it like that
< All right, I'll leave it as it is.

> ok that makes sense
< Good. Ask me if anything else comes up.

> that's right
< Great.

> bye bye, talk later
< Talk to you later!

> gotta go
< Take care!

> I'm back
< Welcome back! What's next?
"""
