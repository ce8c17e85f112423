"""Hand-written chains that sound like another agent's work but ask for talk, advice or code."""

CHAINS = r"""
> what is cron?
< Cron is a Unix service that runs commands at set times.
> who invented it?
< The first version came with Unix in the 1970s at Bell Labs.

> what does */5 mean in a crontab?
< It stands for every fifth value, for example every five minutes in the minute field.

> Explain what 0 9 * * 1 does
< It runs at nine o'clock every Monday.

> how do I edit my crontab
< Run `crontab -e`, change the lines and save.
> and how do I list it?
< Use `crontab -l`.

> why is my cron job not running?
< Check that the service is up, that paths are absolute and look at the mail or the log.

> cron vs systemd timers, which is better?
< Timers log better and handle missed runs. Cron is simpler.

> is there a windows equivalent of cron
< Yes, the Task Scheduler.

> does cron use the server's time zone?
< Usually yes. It follows the system's local time.
> can I change that
< Some versions accept a CRON_TZ line at the top of the file.

> what's the fifth field in cron for
< It is the day of the week.

> What is the difference between a cron job and a daemon?
< A daemon keeps running. A cron job starts, does its work and ends.

> how do I run a job in kubernetes on a schedule?
< Create a CronJob object with a schedule and a pod template.

> can you explain how job schedulers work
< They keep a list of due times, sleep until the next one and start the job.

> How do I schedule a tweet?
< Write it, press the calendar icon and choose a time.

> what time is it in Tokyo
< Tokyo is nine hours ahead of UTC. I can't see a clock, so add nine to the UTC time.
> and in sydney?
< Ten hours ahead of UTC, or eleven in summer.

> set a timer for 5 minutes
< I'm afraid I can't set timers. Your phone's clock can.

> remind me to call mum
< I can't send reminders, but a note on the fridge might help.

> when is Easter?
< Easter falls on the first Sunday after the first full moon of spring, so between 22 March and 25 April.
> what about orthodox easter
< It follows the Julian calendar and is often some weeks later.

> what day is the 15th
< That depends on the month. Which one do you mean?

> how many days until Christmas
< Count from today to 25 December. If you tell me the date, I'll do the sum.

> how many weeks are there in a year?
< Fifty-two, plus one or two days.

> Why does February have only 28 days?
< It comes from the Roman calendar, where February was the last and shortest month.

> is 2100 a leap year
< No. Years that divide by 100 must also divide by 400.

> plan my week
< Gladly. Which things must happen, and which ones would you like to fit in?
> gym three times and a lot of study
< Gym on Monday, Wednesday and Friday after work, study on the other evenings.
> too much on friday
< Then move Friday's gym to Saturday morning.

> make me a study timetable for my exams
< Split each subject into small topics and give each day two of them with a break between.

> suggest a daily morning routine
< Get up, drink water, stretch for five minutes, eat, and plan three tasks.
> shorter
< Water, stretch, plan.

> every morning I wake up tired, why?
< Poor sleep, stress or low iron can be behind it. If it lasts, see a doctor.

> how often should I water a cactus
< About once in two weeks in summer and once a month in winter.
> and an orchid?
< About once a week.

> how often should you change engine oil?
< Roughly once a year or every 15,000 km. The handbook tells you.

> what time do banks usually open on saturdays
< Many are closed; some open in the morning. Look at your branch's page.

> what happens on the first monday in september in the us?
< It's Labor Day.

> best time of day to drink coffee?
< Mid-morning suits most people, an hour or two after waking.

> how long is a fortnight
< Two weeks.

> what does biweekly mean, twice a week or every two weeks?
< Both are in use, so it is safer to say which one you mean.

> How do I back up my laptop?
< Copy it to an external disk with your system's backup tool, and keep one copy elsewhere.

> What is a good backup strategy for a small company?
< Three copies, on two kinds of media, one of them off site.

> explain what a foreign key is
< It's a column that refers to a row in another table, so the two stay consistent.
> can it be null?
< Yes, unless you declare it NOT NULL.
> and a primary key?
< It identifies each row and can't be null.

> what's the difference between sqlite and postgres
< SQLite is a library that keeps one file. Postgres is a server for many users.
> which is faster
< For one user and small data often SQLite; under load Postgres.

> write a python script that connects to postgres
< import psycopg
with psycopg.connect("dbname=shop") as conn:
    print(conn.execute("select 1").fetchone())
> add error handling
< Wrap the connect call in try and catch psycopg.OperationalError.

> What is SQL?
< A language for asking questions of relational databases and changing them.
> is it hard to learn?
< The basics take a weekend. Practice does the rest.

> inner join vs left join?
< An inner join keeps matching rows only; a left join keeps every row of the left table.

> what does GROUP BY do
< It puts rows with the same values together so that you can count or sum each group.

> Explain normalization like I'm five
< You write each thing down once, and everybody points to it, so nobody has to correct two copies.

> when should I use an index?
< When a column is searched or joined often and the table is large.

> how do I install postgres on ubuntu
< sudo apt install postgresql

> what is an ORM and should I use one?
< It maps rows to objects. Handy for simple work, in the way for complex queries.

> is nosql better than sql
< Neither is better. It depends on how your data is shaped and used.

> write a SQLAlchemy model for users with an email
< class User(Base):
    __tablename__ = "users"
    id = mapped_column(Integer, primary_key=True)
    email = mapped_column(String, unique=True)

> design a database for a library, just describe it in words
< You need books, copies, members and loans. A loan links a copy and a member.

> how can I protect my site from sql injection
< Use parameters instead of building the query from strings.

> How do I export a table to csv from the sqlite shell?
< Use `.mode csv`, then `.output file.csv`, then your query.

> what is ACID
< Atomicity, consistency, isolation and durability: promises that a database gives about transactions.

> how do i open a .db file
< It is often SQLite. Try a viewer for it or the sqlite3 command.

> what data type should I use for money in postgres?
< numeric, so that cents are never rounded.

> Who created SQL and when?
< Donald Chamberlin and Raymond Boyce at IBM in the early 1970s.

> how do pivot tables work in excel
< They group rows by one field and summarise another.

> what's the formula to sum a column in google sheets if another column says paid
< =SUMIF(A:A, "paid", B:B)
> and count them?
< =COUNTIF(A:A, "paid")

> How many customers does Netflix have?
< Roughly a few hundred million. Their latest report has the exact number.

> what are the top 10 largest countries by area
< Russia, Canada, China, the USA, Brazil, Australia, India, Argentina, Kazakhstan, Algeria.
> and by population?
< India, China, the USA, Indonesia, Pakistan, Nigeria, Brazil, Bangladesh, Russia, Ethiopia.
> only the european ones
< Of these, Russia is the only one that lies partly in Europe.

> list all movies directed by Hitchcock after 1950
< Among others: Rear Window, Vertigo, North by Northwest, Psycho and The Birds.
> which is the best rated
< Vertigo and Rear Window are usually named first.

> which employees get overtime pay by law?
< It depends on the country. Usually hourly workers do and senior managers don't.

> what's the average salary of a nurse in germany
< Around 3,500 to 4,000 euros a month before tax.

> write a pandas snippet that groups orders by month
< df.groupby(df["date"].dt.to_period("M"))["total"].sum()

> find all prime numbers below 30
< 2, 3, 5, 7, 11, 13, 17, 19, 23, 29.

> table manners in japan?
< Don't stick chopsticks upright in rice, and do slurp your noodles.

> what wood is best for a dining table
< Oak and walnut are hard and age well.

> how do smart thermostats work
< They learn when you are in, measure the temperature and switch the heating to match.
> do they save money
< Often around ten percent of the heating bill.

> which robot vacuum should I buy?
< Look for one with laser mapping, and a mop if you have hard floors.
> under 300 euros?
< Then compare last year's models; they are often half the price.

> tell me about the history of door locks
< Wooden pin locks are known from Egypt. Metal ones came with the Romans.
> when was the modern one invented?
< Linus Yale Jr. patented his cylinder lock in the 1860s.

> how do I clean my oven
< Spread a paste of baking soda, leave it overnight, wipe and spray with vinegar.

> at what temperature should I roast a chicken
< About 200 degrees for an hour and a quarter.
> and a turkey
< Around 165 degrees, for some hours depending on the weight.

> is it ok to leave a fan on all night?
< Usually yes, if it's in good condition and not blowing straight at you.

> what's better for sleep, blinds or curtains
< Blackout curtains usually keep out more light.

> which tv is best for gaming
< One with a low input lag, 120 Hz and a good contrast, often an OLED.

> how far should I sit from a 55 inch tv?
< About two metres.

> LED vs halogen?
< LEDs use far less power and last longer.

> what does 2700K mean on a light bulb
< It's the colour temperature: a warm white.

> how many lumens do I need for a kitchen?
< Around 3,000 to 4,000 in total for a medium one.

> can smart speakers listen to everything I say?
< They listen for the wake word. What follows is sent to a server.

> are security cameras legal on my own house
< Usually yes if they film only your own ground. Check the local law.

> how does a heat pump work?
< It moves heat from outside to inside with a refrigerant, like a fridge in reverse.

> what is home assistant
< A free program that brings smart devices of many makers together.
> is it hard to set up
< On a small computer it takes an evening.

> zigbee or wifi for smart bulbs?
< Zigbee is steadier with many bulbs but needs a hub.

> why does my door squeak
< The hinges are dry. A drop of oil helps.

> how do I paint a door without brush marks?
< Use a small foam roller and thin coats.

> best colors for a small bedroom?
< Light, soft ones: off-white, pale blue or sage.

> my living room feels cold, any ideas how to decorate it
< Add a rug, warm lamps and some wood.

> should I close the windows when it's hot outside?
< Yes, by day, and open them at night.

> why is the sky dark at night, and could we turn it on
< The sun is on the other side of us. Nobody has found that switch yet.

> what is the ideal humidity at home
< Between 40 and 60 percent.

> what's a normal room temperature in an office
< About 20 to 22 degrees.

> who invented the television?
< Several people; John Logie Baird and Philo Farnsworth are named most often.

> turn this sentence into passive voice: The cat ate the fish.
< The fish was eaten by the cat.

> turn off caps in this: HELLO WORLD
< hello world

> set the scene for a horror story in an old house
< The door had been locked for years, yet that night a light burned in the attic.
> close with a twist
< The light was hers: she had never left.

> play chess with me
< I'll take white: e4. Your move.
> e5
< Knight to f3.

> open question: does free will exist?
< Thinkers disagree. Some say it fits with a determined world, others don't.

> lock, stock and barrel - what does that mean?
< It means completely, everything included.

> What does "turn a blind eye" mean?
< To ignore something on purpose.

> write a haiku about a thermostat
< Numbers on the wall / a quiet click in the dark / warmth comes up the stairs

> write a reply to an angry customer
< Dear customer, we are sorry for what happened. We are looking into it and will write again today.
> more formal
< Dear Sir or Madam, please accept our apologies for the inconvenience you were caused.
> add a 10% voucher
< As a token of our regret, please accept a voucher for ten percent off your next order.

> how do I improve our customer support
< Answer faster, measure how often one reply is enough, and let people fix things themselves.

> draft a refund policy
< Items may be returned within 30 days, unused, for a full refund to the original payment method.
> make it 14 days
< Items may be returned within 14 days, unused, for a full refund.

> What's a good response time for support tickets?
< Within one working day by mail, within a minute or two in chat.

> what is churn rate?
< The share of customers who leave in a given period.

> what does triage mean
< Sorting cases by how urgent they are. The word is French.

> how do I write a complaint letter to my landlord
< State the problem, since when, what you expect and by which date. Stay polite.
> write it for me, the heating is broken
< Dear Mr Smith, the heating has not worked since Monday. Please have it repaired this week.

> write an email to my ISP asking to cancel my contract
< Dear Sir or Madam, I hereby cancel my contract at the next possible date. Please confirm.

> what are my rights if my flight gets cancelled
< In the EU you can choose between a refund and another flight, and may get compensation.
> and if it's only delayed
< From three hours on you may be entitled to compensation.

> how long do refunds usually take on a credit card
< Five to ten working days.

> what is two factor authentication
< A second proof besides your password, often a code on your phone.

> how do I choose a strong password
< Use four or more random words, and a different one for each site.

> how do i know if an email is phishing
< Look at the sender's address, the links and whether it presses you to hurry.

> write five positive product reviews for a coffee mug
< 1. Keeps my tea warm. 2. Nice weight. 3. Dishwasher safe. 4. Lovely colour. 5. A good gift.

> give me template replies for a help desk
< "Thank you for writing. We have got your message and will reply within a day."
> one for a late parcel
< "We're sorry your parcel is late. Here is the tracking link and what we'll do next."

> how do subscription businesses make money
< With a small payment every month from many people who stay.

> what KPIs should a support team have?
< First reply time, time to solve, satisfaction and reopened cases.

> should I buy extended warranty for a laptop
< Rarely. Put the money aside instead.

> how do I get better at handling complaints
< Listen first, repeat what you heard, say sorry once and offer one clear next step.

> analyze the sentiment of Shakespeare's sonnet 18 in a few words
< It's warm and admiring, with a note of pride in the poem's power.

> what's the difference between shipping and delivery
< Shipping is sending it off, delivery is when it arrives.

> explain what json is
< A text format for data, made of objects, lists, strings and numbers.
> show me an example
< {"name": "Ada", "age": 36}
> and in yaml?
< name: Ada
age: 36

> book me a flight
< I can't book flights, but I can help you compare routes. Where to?
> lisbon in may
< Look for midweek flights and be flexible by a day.

> order me a pizza
< I can't order food, but I can help you choose a topping.

> call a taxi
< I'm afraid I can't make calls.

> what's on tv tonight?
< I can't see the listings. A TV guide site will show them.

> is there someone at the door in The Raven by Poe?
< The narrator thinks so, opens and finds darkness there and nothing more.

> how do vacuum cleaners create suction
< A fan pushes air out, pressure drops inside, and air from outside rushes in.

> how do i descale a kettle
< Boil water with vinegar or citric acid in it and let it stand.

> what is a camera obscura
< A dark room with a small hole that throws an upside-down picture on the wall.

> how do blinds differ from shutters?
< Blinds hang inside and have slats or cloth; shutters are solid panels on hinges.

> My phone battery drains fast, what are common reasons?
< A bright screen, apps in the background and an old battery.

> how do I fix a blue screen on windows 10?
< Note the code, undo the latest driver or update and test the memory.

> why is wifi slow in some rooms
< Walls and distance weaken the signal. A mesh point helps.

> what's the best way to cancel a gym membership in general?
< In writing, with a date, and ask for a confirmation.

> what is a unix timestamp
< The number of seconds since 1 January 1970, UTC.
> what was it on new year 2000
< 946684800.

> write a bash loop that prints the date ten times
< for i in $(seq 10); do date; done

> write a python function that turns seconds into h:m:s
< def hms(s: int) -> str:
    return f"{s // 3600}:{s % 3600 // 60:02d}:{s % 60:02d}"

> how does python's time.sleep work
< It hands control back to the system for at least that many seconds.

> what does midnight belong to, the old or the new day
< By the usual convention 00:00 starts the new day.

> when do the clocks change in europe
< On the last Sundays of March and October.
> forward or back in march?
< Forward by an hour.

> who works on sundays in germany
< Hospitals, police, restaurants and transport; most shops are shut.

> what is the busiest hour in the london tube
< Between eight and nine in the morning.
"""
