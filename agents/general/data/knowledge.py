"""Hand-written chains: facts, explanations, maths, health, food, travel and advice."""

CHAINS = r"""
> what's the capital of australia
< Canberra.
> not sydney?
< No. Canberra was built as a compromise between Sydney and Melbourne.
> and new zealand?
< Wellington.

> Who wrote Don Quixote?
< Miguel de Cervantes.
> when
< The first part came out in 1605, the second in 1615.

> why is the sky blue?
< Air scatters short, blue waves of sunlight more than long, red ones.
> then why is sunset red
< In the evening light takes a longer way through the air and most of the blue is scattered out.
> tell me more
< Dust and smoke can make the colours even stronger.

> who won the world cup in 1998
< France.
> what about 1990?
< West Germany.
> and 2010
< Spain.

> What caused the First World War?
< Alliances, an arms race, nationalism and the murder in Sarajevo in 1914.
> which was the most important
< Historians disagree; many point to the alliances.

> when did the berlin wall fall
< On 9 November 1989.
> why?
< Protests grew, neighbours opened their borders and a spokesman announced free travel by mistake.

> how tall is mount everest
< About 8,849 metres.
> and k2?
< 8,611 metres.

> Explain photosynthesis to a ten year old.
< Plants use sunlight to make sugar from water and air, and give us oxygen.
> shorter please
< Plants eat light and breathe out oxygen.

> what is inflation
< A general rise in prices, so that money buys less.
> what causes it?
< Too much demand, higher costs or people expecting prices to rise.
> how do central banks fight it
< They raise interest rates, so that people borrow and spend less.

> how do vaccines work?
< They show the body a harmless part of a germ so that it learns to fight it.

> what's a black hole
< A place where gravity is so strong that not even light gets out.
> how big is the largest one
< Some have tens of billions of times the mass of the sun.

> who was the first woman in space
< Valentina Tereshkova, in 1963.

> Tell me about the Roman Empire
< It grew from one city to rule the Mediterranean, and its western half fell in 476.
> why did it fall
< Weak rulers, money troubles, pressure at the borders and civil wars.
> what about the eastern half?
< It lasted as the Byzantine Empire until 1453.

> What's the speed of light?
< About 299,792 kilometres per second.

> how many bones does a human have
< 206 as an adult.
> babies have more right?
< Yes, around 300. Some grow together.

> why do cats purr
< Often because they are content, sometimes to calm themselves.

> do penguins have knees?
< Yes, hidden under their feathers.

> what language do they speak in brazil
< Portuguese.

> difference between weather and climate
< Weather is what happens now; climate is the average over decades.

> who painted the girl with a pearl earring
< Johannes Vermeer, around 1665.
> where can I see it
< In the Mauritshuis in The Hague.

> What is the largest organ of the body?
< The skin.

> how does gps know where i am
< It measures how long signals from several satellites take to arrive.

> explain quantum entanglement simply
< Two particles share one state, so that measuring one tells you about the other.
> give me an analogy
< Like a pair of gloves in two boxes, except that nature decides only when you look.
> so can I send messages faster than light?
< No. The results look random until you compare them.

> what is the plot of Romeo and Juliet
< Two young people of feuding families fall in love, marry in secret and die.
> who dies first
< Of the two, Romeo.

> is a tomato a fruit
< To a botanist yes, to a cook no.

> how far is the moon
< About 384,000 kilometres.
> how long would it take by car?
< At 100 km/h around 160 days.

> What is machine learning?
< Programs that learn patterns from examples instead of following fixed rules.
> how is it different from AI
< AI is the wider field; machine learning is one way to get there.

> what does LoRA mean in machine learning
< Low-rank adaptation: training a small pair of matrices beside frozen weights.

> name three renewable energy sources
< Sun, wind and water.
> pros and cons of the second one
< Wind is cheap and clean, but it doesn't always blow.

> what year did the titanic sink
< 1912.

> who is the president of france
< When I was trained it was Emmanuel Macron. Please check the news.

> what happened in 1969
< Among other things people walked on the moon for the first time.
> what about 1979?
< The Iranian revolution, and Margaret Thatcher became prime minister.

> What is 17 times 23?
< 391.
> plus 9
< 400.
> square root of that
< 20.

> what's 15% of 240
< 36.
> and 20 percent?
< 48.

> solve 2x + 6 = 20
< x = 7.
> how did you get that
< Subtract 6 from both sides, then divide by 2.

> convert 72 fahrenheit to celsius
< About 22.2 degrees.

> how many ounces in a pound
< Sixteen.

> what's the derivative of x^3
< 3x^2.
> and the integral
< x^4/4 + C.

> A train leaves at 9 and drives 240 km at 80 km/h. When does it arrive?
< At noon.

> what are the odds of rolling two sixes
< One in 36.

> is 91 prime
< No, it's 7 times 13.

> how do I calculate compound interest
< Multiply the amount by one plus the rate, once for every year.
> example with 1000 at 5% for 3 years
< 1000 × 1.05³ = 1157.63.

> split a bill of 84 euros between 5 people with a 10% tip
< 92.40 in all, so 18.48 each.

> I have a headache, what can I do?
< Drink water, rest and avoid bright screens. If it's sudden and severe, see a doctor.

> how much water should I drink a day
< About two litres, more in heat or sport.

> is coffee bad for you?
< Not in moderate amounts for most adults.
> how many cups is moderate
< Three or four.

> what helps against hiccups
< Hold your breath or sip cold water slowly.

> how do I lower my blood pressure
< Less salt, more exercise, less alcohol, and see your doctor.

> give me a 20 minute workout without equipment
< Squats, push-ups, lunges and planks, forty seconds each with twenty off, four rounds.
> my knees hurt, something easier
< Glute bridges, wall push-ups, side planks and gentle stretching.

> how many calories in a banana
< About a hundred.

> symptoms of iron deficiency
< Tiredness, pale skin, short breath and cold hands.

> how do I start running
< Alternate one minute running and two walking, three times a week.

> What's a good recipe for pancakes?
< Two eggs, 250 ml milk, 150 g flour and a pinch of salt. Rest, then fry thin.
> vegan version?
< Replace eggs and milk with oat milk and a spoon of apple sauce.
> how many does that make
< About eight.

> what can I cook with eggs, rice and spinach
< Fried rice: rice in a hot pan, then spinach, then the eggs.

> how long do I boil an egg
< Six minutes for soft, ten for hard.

> substitute for buttermilk
< Milk with a spoon of lemon juice.

> give me a vegetarian dinner idea
< Chickpea curry with rice.
> something faster
< Pasta with garlic, oil and chilli.

> how do i make cold brew
< Coarse coffee in cold water, one to eight, for fourteen hours in the fridge.

> why did my cake collapse
< Perhaps it was underbaked or the door was opened too soon.

> which wine goes with salmon
< A dry white such as a Chardonnay, or a light Pinot Noir.

> what should I see in Rome in two days
< Day one the Forum and the Colosseum, day two the Vatican and Trastevere.
> with kids?
< Then add the Borghese gardens and lots of ice cream.
> where should we stay
< Monti is central and lively.

> best time to visit japan
< Late March to May, or October and November.

> do I need a visa for vietnam
< Many people do; check the embassy's page for your passport.

> what to pack for a week in iceland
< Layers, a rain jacket, swimwear and good shoes.

> is it cheaper to fly or take the train from paris to berlin
< Flights are often cheaper, trains carry more luggage and less CO2.

> tips for long flights
< Drink, move, and bring earplugs.

> how do I say hello in Swahili
< Jambo, or habari.

> translate "where is the train station" into spanish
< ¿Dónde está la estación de tren?
> and in french?
< Où est la gare ?
> german too
< Wo ist der Bahnhof?

> what does schadenfreude mean
< Joy at someone else's misfortune.
> use it in a sentence
< He felt a little schadenfreude when his rival slipped.

> synonyms for happy
< Glad, cheerful, content, joyful.
> more formal ones
< Delighted, gratified, elated.

> who or whom?
< Who for the subject, whom for the object.

> correct my grammar: she don't likes it
< She doesn't like it.

> what rhymes with orange
< Hardly anything. Some say door hinge.

> how do I negotiate a raise
< Collect results, know the market and name a number first.

> should I rent or buy a house?
< It depends on how long you'll stay, prices and your savings.

> what is an ETF
< A fund traded like a share that usually follows an index.
> is it risky
< It falls when the market falls, but one firm matters little.

> how do I build an emergency fund
< Put a little aside on payday until you have three months of costs.

> how can I learn guitar by myself
< Learn four chords, one song, and play ten minutes a day.

> what's a nice gift for a ten year old
< A building kit, a book series or a board game.
> she likes animals
< Then a membership at the zoo or a bird feeder.

> how do I remove a red wine stain
< Blot, salt, then cold water and soap.

> my plant has yellow leaves
< Often too much water. Let the soil dry.

> how to tie a tie
< Cross the wide end over, around, up through the neck, and down through the loop.

> how do I train a puppy to sit
< Hold a treat above its nose, say sit, and reward at once.

> who would win, a shark or a bear
< In water the shark, on land the bear.

> recommend me a book
< The Remains of the Day by Kazuo Ishiguro.
> something lighter
< Three Men in a Boat.
> already read it
< Then try Right Ho, Jeeves.

> what are good films about chess
< Searching for Bobby Fischer and Queen of Katwe.

> is social media bad for teens? what do you think
< There's evidence for both sides. Sleep and bullying are the main worries.

> pros and cons of remote work
< Freedom and no commute on one side, loneliness and blurred hours on the other.

> should schools ban phones
< Some find that it helps attention; others say children must learn to handle them.

> summarize the theory of evolution in one sentence
< Living things vary, some variants leave more offspring, and so kinds change over time.

> give me a mnemonic for the planets
< My very educated mother just served us noodles.

> how do airplanes fly?
< The wings push air down, and the air pushes the wings up.
> but how do they fly upside down then
< They tilt the wing enough to push air down all the same.

> what's heavier, a kilo of feathers or a kilo of steel
< They weigh the same.

> how does a microwave heat food
< Its waves make water molecules turn and rub, which warms the food.

> explain blockchain without jargon
< Many people keep the same list, and each page carries a seal of the page before.

> what is stoicism
< A philosophy: care about what you control, accept the rest.
> name a book about it
< The Meditations of Marcus Aurelius.

> which planet is the hottest
< Venus.
> why not mercury
< Venus has a thick atmosphere that keeps the heat in.

> how many people live in Canada?
< About forty million.

> when was the printing press invented
< Around 1440, by Johannes Gutenberg.

> what happened to the dinosaurs
< An asteroid hit 66 million years ago; only the birds survived.

> which instrument is easiest to learn
< The ukulele or the recorder.

> what's the difference between jam and marmalade
< Marmalade is made of citrus fruit with the peel.

> explain the offside rule
< You may not be nearer to the goal line than the ball and the second-last defender when it's played.

> how do I meditate
< Sit, breathe, notice when you drift and come back.

> are we alone in the universe
< Nobody knows. So far there's no sign of others.

> What's the tallest building in the world?
< The Burj Khalifa in Dubai, 828 metres.

> who discovered penicillin
< Alexander Fleming in 1928.

> how is cheese made?
< Milk is curdled, the whey drained, the curd salted, pressed and aged.

> tell me a fact about octopuses
< They have three hearts.
> another
< Their arms can taste.
> no way
< It's true: the suckers carry taste receptors.
"""
