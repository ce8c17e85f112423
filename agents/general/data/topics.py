"""Ingredients for generated chains: what is asked about, one hand-written line each.

A line is "topic | short answer"; the answer is what the assistant says.
"""

CONCEPTS = """
gravity | It pulls masses toward each other.
the greenhouse effect | Some gases keep heat near the ground.
supply and demand | Prices settle where buyers and sellers agree.
plate tectonics | The crust is made of plates that slowly move.
a recession | The economy shrinks for some months.
compound interest | Interest earns interest too.
DNA | It stores the plans for living things.
the water cycle | Water evaporates, forms clouds and rains down.
game theory | It studies choices that depend on the choices of others.
opportunity cost | It is what you give up by choosing something else.
the placebo effect | People feel better because they expect to.
osmosis | Water moves through a membrane to the saltier side.
a neural network | Layers of simple units that learn from examples.
encryption | It scrambles a message so that only a key holder can read it.
natural selection | Those that fit their surroundings leave more offspring.
the French Revolution | The people overthrew king and privilege from 1789 on.
the Cold War | Two blocs competed for decades without fighting directly.
feudalism | Land was given in return for service.
the Renaissance | Europe rediscovered ancient art and learning.
the Silk Road | It was a net of trade routes across Asia.
how tides work | The moon's pull raises the sea on two sides.
how bees make honey | They collect nectar and dry it in the hive.
how batteries store energy | A chemical reaction pushes electrons through a wire.
how elections work in Germany | Each voter has two votes, one for a person and one for a party.
how a jet engine works | It sucks in air, burns fuel and pushes the gas out.
how the stock market works | Shares of firms are bought and sold on an exchange.
how mortgages work | A bank lends money and the house is the security.
how sleep affects memory | The brain sorts and strengthens what it learned.
how refrigerators keep food cold | A fluid takes heat from inside and gives it off outside.
how an eclipse happens | One body moves into the shadow of another.
why leaves turn yellow | The green pigment breaks down and others show.
why ice floats | Frozen water is less dense than liquid water.
why we yawn | Nobody is sure; it may cool the brain.
why the dollar is strong | Investors trust it and interest rates are high.
why people dream | It may help to sort feelings and memories.
the trolley problem | It asks whether one may be sacrificed to save five.
jet lag | The inner clock lags behind the local one.
gluten | It is a protein in wheat that makes dough stretch.
minimalism | It is the choice of fewer things with more purpose.
a REST API | Programs talk over HTTP with nouns as addresses.
version control | It keeps every state of your files.
a hash table | It finds a value by computing where it is stored.
a load balancer | It spreads requests over several machines.
object oriented programming | Data and the code that uses it are kept together.
a virtual machine | It is a computer simulated by a program.
the cloud | It is other people's computers, rented.
test driven development | You write the test first, then the code.
a container image | It packs a program with all it needs.
a message queue | It keeps messages until somebody handles them.
OAuth | It lets an app act for you without your password.
sharding | A database is split over several machines.
eventual consistency | Copies differ for a while and agree in the end.
database replication | Copies of the data are kept on other servers.
a transaction in databases | Several changes succeed or fail together.
a data warehouse | It collects data of many systems for analysis.
a time zone | It is a region that keeps the same clock.
daylight saving time | Clocks go forward in spring to use the light.
the Gregorian calendar | It is the calendar most of the world uses.
the lunar calendar | Its months follow the moon.
a home automation hub | It is the box that connects smart devices.
the Matter standard | It lets devices of different makers work together.
underfloor heating | Warm water runs in pipes below the floor.
net promoter score | It asks how likely people are to recommend you.
a service level agreement | It says how well a service must run.
a chargeback | The bank takes back a card payment.
customer lifetime value | It is what one customer brings over the years.
"""

WRITINGS = """
a poem about autumn | Leaves let go without a sound / and lie like letters on the ground.
a haiku about rain | Grey drops on the pane / the street hums its quiet song / all the cats stay in
a birthday card for my sister | Happy birthday to the best of sisters!
a toast for a retirement party | To forty years of work and many more of rest!
a limerick about a cat | A cat who was fond of a tune / sang loudly each night to the moon.
an email to my landlord about a leaking tap | Dear Mr Gray, the tap in the bathroom leaks.
an email to decline a meeting | Thank you for the invitation. I'm afraid I can't join.
a resignation letter | Dear Ms Wood, I hereby resign from my post.
a short bio for my website | I build small tools and write about them.
a tweet about our new office | We have moved! Same people, more light.
a condolence message | I'm so sorry for your loss. You are in my thoughts.
a complaint letter to the airline | Dear Sir or Madam, my flight was cancelled at short notice.
an apology to a colleague | I'm sorry that I spoke over you today.
a love letter | Since you came, even Mondays have a little light in them.
a speech about kindness | Kindness costs little and lasts long.
an invitation to a garden party | Join us on Saturday for cake under the trees.
a product description for a backpack | Light, dry and roomy enough for a weekend.
a job ad for a waiter | We look for someone who likes people and can carry plates.
a bedtime story about a dragon | There was a dragon who was afraid of the dark.
a song about coffee | Oh first cup, you wake the morning and me.
a reference for a former employee | She was careful, kind and never late.
a welcome message for new customers | Welcome! We're glad that you're here.
a reply to a bad review | We're sorry to read this and would like to put it right.
an FAQ entry about returns | You can send things back within a month.
a follow-up email after an interview | Thank you for the talk. I enjoyed meeting the team.
a motto for our football team | Eleven players, one idea.
a scary story in two sentences | I locked the door. Then I heard it lock again.
a dialogue between a fox and an owl | "You never sleep," said the fox. "Only in your stories," said the owl.
an essay introduction about climate change | The weather of our childhood is no longer ours.
an agenda for a kickoff meeting | Introductions, goals, roles, dates, questions.
a privacy note for my newsletter | We use your address only to send you this letter.
a message to my neighbours about construction noise | We're building this week and are sorry for the noise.
a script for a support chatbot | Hello! What can I help you with?
a shopping list for a barbecue | Sausages, corn, bread, salad, charcoal.
a poem about databases | In rows and columns, neat and tight, / the data sleeps throughout the night.
a story about a lighthouse keeper | Every evening he climbed the stairs and counted them.
a letter to my future self | I hope you still take the long way home.
"""

CODE_TASKS = """
that reads a csv file | Open the file, read the header, then go through the rows.
to sort a list of dates | Parse them first, then sort as usual.
that downloads a web page | Make a GET request and save the body.
that counts words in a text | Split at white space and count each word.
to check if a string is a palindrome | Compare it with its reverse.
for the fibonacci numbers | Start with 0 and 1 and keep adding the last two.
that sends an email | Connect to the mail server, log in and send.
to parse json | Use the standard library's parser.
that renames all files in a folder | List the files and rename each in a loop.
for a simple web server | Listen on a port and answer with a fixed text.
to draw a bar chart | Give the plotting library labels and heights.
that resizes images | Load each, scale it and save it.
to validate a phone number | Strip spaces and match digits with a pattern.
with a retry on failure | Try, catch, wait and try again.
that connects to a mysql database | Open a connection with host, user and password.
to insert rows into a database | Prepare the statement once and run it for each row.
that runs every function in a list | Loop over the list and call each.
to control a smart bulb over mqtt | Connect to the broker and publish on the bulb's topic.
that prints a calendar for a month | Find the first weekday and print seven columns.
to format a date as iso 8601 | Use the date's own iso method.
that classifies support tickets | Turn the text into features and fit a linear model.
for a tic tac toe game | Keep a board of nine cells and check eight lines.
that reads sensor data from a serial port | Open the port and read line by line.
to compute a moving average | Keep a window and divide its sum by its size.
that logs to a file | Set up a logger with a file handler.
"""

LANGUAGES = """
python
javascript
bash
go
rust
java
c#
typescript
ruby
kotlin
powershell
php
"""

PHRASES = """
good morning | Guten Morgen / bonjour / buenos días, depending on the language.
I love you | That's one every language has. Here it is.
where is the bathroom | Here you are: a phrase worth knowing.
how much does it cost | Here is the usual way to ask.
the bill, please | That's what you say to the waiter.
I am allergic to nuts | An important one; here it is.
see you on Monday | This is how you'd say it to a friend.
please turn off the light | This is the polite form.
the door is open | It's a short one in most languages.
my order has not arrived | You'd say it like this in a shop.
I want to cancel my subscription | This is the formal way to write it.
every day at noon | Here's the common expression.
thank you for your help | Here's a friendly version.
could you speak more slowly | This is handy when you travel.
happy birthday | Here it is.
one ticket to the airport, please | That's what you say at the counter.
"""

TONGUES = """
french
Spanish
german
Italian
Japanese
portuguese
Polish
Dutch
Turkish
Swedish
Greek
Chinese
"""

ADVICE = """
learn Spanish faster | Ten minutes a day beats an hour on Sunday.
stop procrastinating | Start with two minutes of the task.
save money on groceries | Plan meals and buy by the unit price.
prepare for a marathon | Build up slowly with one long run a week.
get rid of fruit flies | A glass with vinegar and a drop of soap.
sharpen a kitchen knife | Use a whetstone at a steady angle.
make friends in a new city | Join something that meets again and again.
deal with a noisy neighbour | Knock, stay friendly, and note the times.
sleep better | Keep the same hours and a cool, dark room.
speak in public | Practise aloud and slow down.
grow tomatoes on a balcony | Sun, deep pots and even watering.
cook perfect rice | Rinse, one and a half parts water, lid on, rest.
get over a breakup | Give it time, and let friends in.
remember names | Say it back and tie it to a picture.
fix a flat bicycle tyre | Take the tube out, find the hole, roughen, glue, patch.
choose a mattress | Lie on it for ten minutes in your usual position.
write a better CV | One page, results first.
clean a cast iron pan | Hot water, a brush, dry it and oil it.
keep houseplants alive on holiday | Water well and move them out of the sun.
make a monthly budget | List income, fixed costs, then what is left.
lower my electricity bill | Look at old fridges, dryers and heaters first.
insulate an old front door | Stick on seals and add a brush below.
get smoke smell out of a living room | Air it, wash the curtains, use vinegar.
mount a tv on the wall | Find the studs and use a bracket that bears the weight.
clean camera lenses | Blow, brush, then a drop of fluid on a cloth.
choose a ceiling fan | Match its width to the room.
answer customers who are rude | Stay calm, name the problem, offer one step.
cut down on support emails | Answer the five most common questions on your page.
stop spam calls | Block, report and never call back.
keep my accounts safe online | A manager for passwords and a second factor.
organise my photos | One folder a year, one inside for each event.
plan a surprise party | Pick a decoy, a date and one who tells nobody.
become a data analyst | Learn SQL, spreadsheets and one plotting tool.
prepare for a SQL interview | Practise joins, grouping and window functions.
manage my time better | Plan the day in blocks and leave gaps.
get up earlier | Move bedtime first, in steps of fifteen minutes.
"""

FACTS = """
who invented the telephone | Alexander Graham Bell got the patent.
who composed the Four Seasons | Antonio Vivaldi.
what's the longest river in Europe | The Volga.
how many players are in a handball team | Seven on the court.
when did Mozart die | In 1791.
what's the currency of Poland | The zloty.
which country has the most islands | Sweden, by most counts.
who is the author of Frankenstein | Mary Shelley.
what's the boiling point of water in fahrenheit | 212 degrees.
how old is the universe | About 13.8 billion years.
what is the chemical symbol for gold | Au.
where do kiwis come from | The fruit from China, the bird from New Zealand.
when was the euro introduced | As cash in 2002.
who was Cleopatra | The last queen of the Ptolemies in Egypt.
how many keys does a piano have | Usually 88.
which is the smallest country | Vatican City.
what do pandas eat | Almost only bamboo.
how deep is the Mariana Trench | About eleven kilometres.
who built Machu Picchu | The Inca, in the 15th century.
what's the population of Tokyo | About 14 million in the city itself.
who sang Bohemian Rhapsody | Queen.
what is the national dish of Hungary | Goulash.
how long do elephants live | Sixty to seventy years.
when is the next leap year | Every year that divides by four, with few exceptions.
what's the date of Bastille Day | The 14th of July.
when does Ramadan start | It moves by about eleven days each year.
how many time zones does Russia have | Eleven.
what day was 1 January 2000 | A Saturday.
how many hours are in a week | 168.
what time does the sun set in Oslo in June | At about half past ten.
which countries drive on the left | Among others the UK, Japan, India and Australia.
what is the average lifespan of a light bulb | About 15,000 hours for an LED.
how many rooms does Buckingham Palace have | 775.
who invented the vacuum cleaner | Hubert Cecil Booth and others around 1901.
how hot does a pizza oven get | Around 450 degrees.
what was the first security camera used for | Watching rocket launches in Germany in 1942.
"""

OPINIONS = """
electric cars | They are clean to drive; the batteries are the hard part.
tipping culture | It helps servers and confuses guests.
working four days a week | Trials look good, though not every job allows it.
zoos | Some protect species; some are only cages.
daylight saving | Few love it, and nobody agrees on an end.
tattoos at work | It matters less than it did.
homework for small children | Little evidence says it helps before ten.
space tourism | Grand for a few, costly for all.
video games | In measure they train and connect people.
smart homes | Handy, as long as the switches still work.
self-checkout | Fast for few things, lonely for many.
chatbots in customer service | Good for simple things if a person is one word away.
open offices | Lively, loud and hard for deep work.
fast fashion | Cheap now, dear later.
"""

DISHES = """
lasagne | Layers of pasta, ragù and white sauce, forty minutes in the heat.
pad thai | Soak the noodles, fry egg and tofu, add tamarind, sprouts and nuts.
banana bread | Three ripe bananas, flour, egg, butter, an hour at 175 degrees.
lentil soup | Onion, carrot, red lentils, cumin, twenty minutes.
guacamole | Avocado, lime, onion, salt.
risotto | Toast the rice, add stock by the ladle, finish with butter.
falafel | Soaked chickpeas, herbs, onion, form and fry.
tiramisu | Biscuits in coffee, mascarpone cream, cocoa, a night in the fridge.
chili sin carne | Beans, peppers, tomato, smoked paprika, one hour.
ramen at home | Good stock, soy paste, noodles, a soft egg.
scones | Flour, cold butter, milk, fifteen minutes of heat.
potato salad | Boil, slice warm, dress with broth, vinegar and oil.
"""

PLACES = """
Lisbon | Old trams, tiles and a day in Sintra.
Kyoto | Temples early, gardens late, and Gion in the evening.
Edinburgh | The castle, Arthur's Seat and a pub with music.
Marrakesh | The market, gardens and a day in the mountains.
Vancouver | Stanley Park, the sea and a hike.
Istanbul | The Blue Mosque, the bazaar and a ferry ride.
Cape Town | Table Mountain, the coast and penguins.
Vienna | Coffee houses, museums and the big wheel.
Buenos Aires | San Telmo, tango and steak.
Seoul | Palaces, markets and the river by bike.
New Orleans | Music, river and beignets.
Krakow | The old square, Wawel and the salt mine.
"""
