"""The sentences people put a schedule into, and the slips they make."""

import re
from random import Random

from agents.cron.data.fields import Schedule
from agents.cron.data.words import ORDINALS, SMALL, TENS, WEEKDAYS, pick

# base form, third person, the rest
TASKS = tuple(
    tuple(line.split("|"))
    for line in """
run|runs|the backup
back up|backs up|the database
back up|backs up|all the photos
send|sends|the sales report
send|sends|out the newsletter
send|sends|report 12 to the board
email|emails|the team a summary
email|emails|invoices to customers
clean up|cleans up|the temp folder
delete|deletes|old log files
rotate|rotates|the logs
sync|syncs|the 3 servers
sync|syncs|contacts with the CRM
water|waters|the plants
feed|feeds|the two cats
feed|feeds|the fish
check|checks|the health endpoint
ping|pings|the API
ping|pings|the standup channel
restart|restarts|the worker pool
restart|restarts|the nginx service
refresh|refreshes|the cache
rebuild|rebuilds|the search index
import|imports|the price list
export|exports|orders to CSV
pull|pulls|new data from the warehouse
scrape|scrapes|the competitor prices
renew|renews|the certificates
pay|pays|the rent
call|calls|grandma
take out|takes out|the bins
take|takes|a snapshot of volume 7
post|posts|the menu on the website
open|opens|the greenhouse vents
turn on|turns on|the sprinklers
turn off|turns off|the lights in room 204
run|runs|payroll
run|runs|the integration tests
run|runs|script 42
run|runs|vacuum on the 5 replicas
generate|generates|the PDF statements
reindex|reindexes|table orders_2
collect|collects|metrics from 8 nodes
poll|polls|the mailbox
check|checks|disk space
update|updates|the exchange rates
upload|uploads|the files to S3
archive|archives|finished tickets
remind|reminds|the team about timesheets
reset|resets|the demo environment
purge|purges|expired sessions
fetch|fetches|the weather data
compress|compresses|the uploads folder
charge|charges|the subscriptions
publish|publishes|the podcast
read|reads|the gas meter
delete|deletes|logs older than 30 days
remove|removes|temp files older than 24 hours
drop|drops|sessions idle for 15 minutes
rotate|rotates|3 logs
keep|keeps|the last 7 dumps
reboot|reboots|server 12
build|builds|the 2024 report
mail|mails|the Q3 numbers to finance
copy|copies|the 20 GB dump to site B
vacuum|vacuums|the living room
give|gives|the dog its pill
empty|empties|the trash
do|does|a health check on port 8080
notify|notifies|5 people about open tickets
close|closes|the garage door
scan|scans|subnet 10 for viruses
play|plays|the gong
start|starts|the coffee machine
retrain|retrains|model v2
download|downloads|the bank statements
""".strip().splitlines()
)
NOUNS = tuple(
    """
the backup|the database dump|the sales report|the newsletter|the cleanup job|the data sync
the invoices|the health check|the standup reminder|the log rotation|the payroll run
the ETL pipeline|the cache warmer|the index rebuild|the security scan|the price import
the billing run|the test suite|the status email|the snapshot|the certificate renewal
the garbage collection|the heartbeat|the plant watering|the stock check|report 12
the job on server 3|pipeline 42|the disk check|the mail queue flush|the crawler
the 2024 report|rotating 3 logs|the reboot of server 12|the alarm|my reminder
the team meeting|the night shift sync|job #77|the v3 migration check|cleaning up
the ML retraining|the timesheet nudge|the metrics export|the feed update|the batch job
""".strip()
    .replace("\n", "|")
    .split("|")
)
CARRIERS = (
    (48, "{s}"),
    (14, "{do} {s}"),
    (7, "{s}, {do}"),
    (4, "{s} {do}"),
    (4, "please {do} {s}"),
    (3, "{do} {s}, please"),
    (3, "{do} {s} please"),
    (4, "cron for {s}"),
    (3, "cron expression for {s}"),
    (2, "cron: {s}"),
    (2, "give me the cron for {s}"),
    (4, "I need a job that {does} {s}"),
    (3, "I want {noun} to run {s}"),
    (3, "we need {noun} to start {s}"),
    (3, "schedule {noun} {s}"),
    (3, "schedule {noun} to go out {s}"),
    (2, "set up {noun} to run {s}"),
    (3, "can you remind me to {do} {s}?"),
    (3, "remind me to {do} {s}"),
    (2, "could you {do} {s}?"),
    (3, "what's the crontab line for {s}?"),
    (2, "what would the crontab entry be for something that {does} {s}?"),
    (2, "how do I write {s} in cron?"),
    (2, "how do I schedule {noun} {s}?"),
    (3, "{noun} should run {s}"),
    (2, "{noun} has to happen {s}"),
    (3, "{noun}: {s}"),
    (2, "{noun} - {s}"),
    (2, "I'd like to {do} {s}"),
    (2, "my boss wants {noun} to be ready {s}"),
    (2, "our script {does} {s}, what do I put in the crontab?"),
    (2, "trigger {noun} {s}"),
    (2, "fire {s}"),
    (3, "schedule: {s}"),
    (2, "run {s}"),
    (3, "run this {s}"),
    (2, "{s}: {do}"),
    (2, "{s} - {do}"),
    (2, "{s} please"),
    (2, "what's the cron for {s}?"),
    (2, "what cron expression means {s}?"),
    (1, "cron syntax, {s}?"),
    (1, "crontab {s}"),
    (1, "execute {noun} {s}"),
    (1, "start {noun} {s}"),
    (1, "{do}. When? {s}"),
    (1, "it has to {do} {s}, every time"),
    (1, "would you {do} {s} for me?"),
    (1, "so basically {s}"),
    (1, "hmm, let's say {s}"),
    (1, "I guess {s} would be fine for {noun}"),
    (1, "how would I tell cron to {do} {s}?"),
    (2, "it should run {s}"),
    (1, "make it so that {noun} runs {s}"),
    (1, "hi, can you help me schedule {noun}? It should go {s}"),
    (1, "hey! need this to happen {s}: {do}"),
    (1, "let's {do} {s}"),
    (1, "set a timer that goes off {s}"),
    (1, "I have a script on 2 machines and it must run {s}"),
    (1, "we have 14 tenants, so {do} {s}"),
    (1, "for project 7: {do} {s}"),
    (1, "the customer asked us to {do} {s}"),
    (1, "{s} is when {noun} must kick off"),
    (1, "a schedule for {noun}, {s}"),
    (1, "I keep forgetting to {do}, so do it {s}"),
    (1, "convert to cron: {s}"),
    (1, '"{s}" as a cron expression'),
    (1, "Write a cron schedule to {do} {s}."),
    (1, "I'm setting up {noun} and it should be executed {s}. What's the expression?"),
    (1, "{noun} currently runs by hand. From now on it must run {s}."),
)
BEFORE = (
    "We moved to a new server last week.",
    "There are 3 cron jobs on this box already.",
    "Hi there!",
    "Quick question.",
    "I am new to cron.",
    "This is for our staging environment.",
    "My plants keep dying.",
    "The old job broke again.",
    "We have 20 customers waiting for this.",
    "Hello, I need some help with a schedule.",
    "Ticket 381.",
    "Another one for the ops team.",
    "I always mix up the order of the five fields.",
    "The job takes about 10 seconds.",
    "There is a script called sync_v2.sh.",
    "The team of 8 agreed on this yesterday.",
)
AFTER = (
    "Thanks!",
    "Thank you.",
    "Cheers",
    "Just the expression please.",
    "Server time is UTC.",
    "It is the one in /opt/jobs.",
    "The job needs 2 GB of memory.",
    "Nothing else, thanks.",
    "That's for all 4 sites.",
    "What would that look like?",
    "Is that possible?",
    "I don't need an explanation.",
    "It only takes a few seconds.",
    "What do I put in the crontab?",
)
PAPERS = ("report", "digest", "summary", "newsletter", "statement", "check-in")
WEIGHTS = [weight for weight, _ in CARRIERS]
MISSPELT = {
    "every": ("evry", "evrey", "eveyr", "ever"),
    "monday": ("monady", "mondya", "munday"),
    "tuesday": ("tuseday", "teusday", "tuesdy"),
    "wednesday": ("wendesday", "wensday", "wednsday"),
    "thursday": ("thrusday", "thurday", "thursdya"),
    "friday": ("firday", "friady"),
    "saturday": ("saterday", "satruday"),
    "sunday": ("sundy", "sunady"),
    "weekdays": ("weekdyas", "wekdays"),
    "weekday": ("wekday", "weekdya"),
    "weekends": ("weekneds", "wekends"),
    "weekend": ("weeknd", "wekend"),
    "midnight": ("midnite", "midngiht"),
    "minutes": ("minuets", "mintues", "minuts"),
    "hours": ("horus", "housr"),
    "between": ("betwen", "bewteen"),
    "month": ("monht", "mnoth"),
    "february": ("febuary", "feburary"),
    "january": ("janurary", "januray"),
    "september": ("septmeber", "setpember"),
    "morning": ("mornign", "moring"),
    "evening": ("evenign", "evning"),
    "except": ("exept", "excpet"),
    "half": ("hafl",),
    "quarter": ("quater", "qaurter"),
    "daily": ("dialy", "daliy"),
    "noon": ("nooon",),
}
EXACT = {*SMALL, *TENS.values(), *ORDINALS} | {day.lower() for day in WEEKDAYS}


def say(schedule: str, fields: Schedule, rng: Random) -> str:
    """The schedule inside a request."""
    template = rng.choices(CARRIERS, WEIGHTS)[0][1]
    base, third, rest = rng.choice(TASKS)
    noun, period = rng.choice(NOUNS), _period(fields)
    if period and rng.random() < 0.3:
        rest = noun = f"the {period} {pick(rng, *PAPERS)}"
        base, third = pick(rng, "send|sends", "prepare|prepares", "mail|mails").split("|")
    text = template.format(s=schedule, do=f"{base} {rest}", does=f"{third} {rest}", noun=noun)
    text = polish(text, rng)
    if rng.random() < 0.06:
        text = f"{rng.choice(BEFORE)} {text[:1].upper() + text[1:]}"
    if rng.random() < 0.06:
        text += (" " if text[-1] in ".?" else ". ") + rng.choice(AFTER)
    return text


def _period(fields: Schedule) -> str:
    """What people call a job of this schedule: the weekly report, the daily digest."""
    if not fields.has_clock_time or "," in fields.hour:
        return ""
    once = {
        (True, False, False): "weekly",
        (False, True, False): "monthly",
        (False, True, True): "yearly",
        (False, False, False): "daily",
    }
    single = (fields.weekday.isdigit(), fields.day.isdigit(), fields.month.isdigit())
    rest = (fields.weekday, fields.day, fields.month)
    plain = all(one or value == "*" for one, value in zip(single, rest, strict=True))
    return once.get(single, "") if plain else ""


def polish(text: str, rng: Random) -> str:
    """The text as someone types it: capitals, a full stop or neither, now and then a slip."""
    if rng.random() < 0.3:
        text = re.sub(r"\b(twenty|thirty|forty|fifty)-", r"\1 ", text)
    if rng.random() < 0.08:
        text = misspell(text, rng)
    case = rng.choices(("sentence", "as is", "lower", "upper"), (52, 20, 25, 3))[0]
    if case == "sentence":
        text = text[:1].upper() + text[1:]
    elif case == "lower":
        text = text.lower()
    elif case == "upper":
        text = text.upper()
    if case != "lower" and text[-1].isalnum() and rng.random() < 0.35:
        text += "."
    if rng.random() < 0.12:
        text = text.rstrip("?.")
    return text


def misspell(text: str, rng: Random) -> str:
    """One word misspelt; never a number."""
    words = re.findall(r"[A-Za-z]{4,}", text)
    known = [word for word in words if word.lower() in MISSPELT]
    if known and rng.random() < 0.75:
        word = rng.choice(known)
        return text.replace(word, rng.choice(MISSPELT[word.lower()]), 1)
    plain = [word for word in words if len(word) > 4 and word.lower() not in EXACT]
    if not plain:
        return text
    word = rng.choice(plain)
    at = rng.randrange(1, len(word) - 2)
    slips = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
    )
    return text.replace(word, pick(rng, *slips), 1)
