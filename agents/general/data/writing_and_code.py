"""Hand-written chains: letters, poems and texts, and code that is not a query or a schedule."""

CHAINS = r"""
> write a short poem about the sea
< The sea lays silver on the sand / and takes it back with patient hand.
> make it sad
< The sea gave back his boat, not him, / and still she waits at evening's rim.
> and now in german
< Das Meer gab nur das Boot zurück, / sie wartet noch, Stück für Stück.

> write an email to my boss asking for friday off
< Dear Ms Hill, may I take this Friday off? My work is covered. Best regards, Tom
> less stiff
< Hi Anna, would it be OK if I took Friday off? Everything is covered. Thanks, Tom

> Draft a thank you note to my teacher
< Dear Mrs Lee, thank you for your patience this year. I learned more than maths from you.

> rewrite this politely: send me the file now
< Could you please send me the file when you have a moment?
> even more polite
< I'd be most grateful if you could send me the file at your convenience.

> write a linkedin post about my new job
< I'm happy to share that I'm starting a new job today. Thanks to all who helped on the way.
> no emojis pls
< There are none in it. Shall I make it shorter?

> give me a name for a bakery
< The Rising Crumb.
> more ideas
< Flour & Co, Early Loaf, The Warm Corner.
> I like the second one
< Early Loaf it is. Would you like a slogan too?

> slogan for a bike shop
< Two wheels, no excuses.

> summarize this: The meeting was moved because two people were ill and the room was taken.
< The meeting was moved owing to illness and a booked room.

> write a short story about a robot who learns to paint
< Unit 7 was made to weld cars. One evening it dipped its tool in blue and drew a line.
> continue
< By morning the whole wall was sky, and the workers stood before it in silence.
> give it a sad ending
< They painted it white again on Monday, and Unit 7 went back to its welds.

> help me with a wedding speech for my brother
< Start with one small story from childhood, then how he changed when he met her.

> cover letter for a junior accountant please
< Dear hiring team, I'd like to bring my care for numbers to your office.

> write a limerick about a programmer
< A coder who lived on caffeine / wrote bugs of a kind never seen.

> invent a password hint that's funny
< "The thing you said at the wedding."

> text to my girlfriend, I'm running late
< Sorry love, running late, there in twenty minutes.

> how do i reverse a list in python
< `items[::-1]` gives a reversed copy, `items.reverse()` works in place.
> and a string?
< The same slice: `text[::-1]`.

> write a javascript function that debounces
< const debounce = (fn, ms) => { let t; return (...a) => { clearTimeout(t);
  t = setTimeout(() => fn(...a), ms); }; };
> in typescript
< Give `fn` the type `(...a: unknown[]) => void` and `ms` the type `number`.

> regex for an email address
< ^[^@\s]+@[^@\s]+\.[^@\s]+$
> what does the \s do
< It stands for any white space.

> how do I undo my last git commit
< `git reset --soft HEAD~1` keeps your changes.
> I already pushed it
< Then use `git revert HEAD` and push again.

> git merge or rebase
< Merge keeps history as it was; rebase makes it a straight line.

> write a dockerfile for a flask app
< FROM python:3.12-slim
COPY . /app
RUN pip install -r /app/requirements.txt
CMD ["flask", "run"]
> use a non-root user
< Add `RUN useradd app` and `USER app` before CMD.

> what is a docker volume
< Storage that lives longer than the container.

> difference between == and === in js
< The first converts types, the second doesn't.

> python: TypeError: 'NoneType' object is not subscriptable
< Something you index is None. Check what the function returned.
> where do I look
< In the last line of the traceback that belongs to your code.

> how do I center a div
< `display: grid; place-items: center` on the parent.

> explain recursion
< A function that calls itself on a smaller problem until it's trivial.
> example in python please
< def fact(n): return 1 if n < 2 else n * fact(n - 1)
> why is n < 2 there
< It's where the recursion stops.

> what does async await do
< It lets a function wait without blocking the others.

> write a unit test for a function add(a, b)
< def test_add() -> None:
    assert add(2, 3) == 5

> what's big O of binary search
< O(log n).

> how do I merge two dicts
< `a | b` in Python 3.9 and later.

> bash: find all files over 100 MB
< find . -size +100M
> sort them by size
< find . -size +100M -exec du -h {} + | sort -h

> why does my c program segfault
< Often a bad pointer or an array written past its end. Run it under a debugger.

> rust or go for a cli tool
< Both fit. Go is quicker to learn, Rust is stricter.

> write a hello world in java
< class Main { public static void main(String[] a) { System.out.println("Hello"); } }
> shorter?
< Newer versions allow `void main() { println("Hello"); }`.

> explain what an API is to my grandma
< It's like a waiter: you order, the kitchen cooks, the waiter brings it.

> what is kubernetes
< A system that keeps containers running across many machines.

> how do i kill the process on port 8080
< `lsof -i :8080`, then `kill` the number it shows.

> parse a csv in node
< Use a small library, or split lines if there are no quotes in it.

> how do I exit vim
< Press Esc, type `:q!` and Enter.
> and save first
< `:wq` then.

> write a python class for a bank account
< class Account:
    def __init__(self) -> None:
        self.balance = 0
> add a withdraw method
< def withdraw(self, amount: int) -> None:
    if amount > self.balance:
        raise ValueError("not enough money")
    self.balance -= amount

> review this code: for i in range(len(xs)): print(xs[i])
< Loop over the items: `for x in xs: print(x)`.

> what's a good first project for learning to code
< A small quiz or a list of things to do.

> what does HTTP 403 mean
< You're known but not allowed.
> and 401?
< You haven't proved who you are.

> convert this curl to python: curl https://example.com
< requests.get("https://example.com").text

> how can I speed up my website
< Smaller images, caching and less script.

> make a markdown table with three fruits and their colours
< | fruit | colour |
|---|---|
| apple | red |
| banana | yellow |
| plum | purple |
> add a kiwi
< | kiwi | green |

> explain this regex ^\d{3}-\d{4}$
< Three digits, a hyphen, four digits and nothing else.

> haskell monads, go
< A monad is a way to chain steps that carry something extra, such as failure or state.
> still lost
< Think of a box: you may change what is in it, and each step returns a new box.

> what is a semaphore
< A counter that limits how many may enter at a time.

> name my variable: it holds users who haven't logged in
< inactive_users

> translate this error into plain words: connection refused
< Nothing listens at that address and port.

> how do environment variables work
< Each process gets a copy of its parent's named values.

> write a commit message for fixing a typo
< Fix typo in the install guide

> create a simple html form with name and email
< <form><input name="name"><input name="email" type="email"><button>Send</button></form>
> make the email required
< Add `required` to that input.

> css for a dark mode
< @media (prefers-color-scheme: dark) { body { background: #111; color: #eee; } }

> what is unicode
< A list that gives every character a number.
> and utf-8?
< A way to write those numbers in one to four bytes.

> write a birthday message for my grandfather
< Happy birthday, Grandpa! Thank you for your stories and your patience.
> he's turning 80
< Happy 80th, Grandpa! Eighty years of stories, and we want more.
> perfect, thank you
< You're welcome. Give him my best.

> write a product description for a wooden lamp
< Turned from one piece of oak, it throws a warm light on your evening.

> think of a riddle for my kids
< I have hands but cannot clap. What am I? A clock.

> outline an essay on the industrial revolution
< Causes, machines, cities, labour, and what came of it.
> expand the third point
< Cities grew faster than houses, and illness followed crowding.

> headline for an article about bees
< The Quiet Workers in Your Garden

> translate to italian: I would like a coffee, please
< Vorrei un caffè, per favore.

> write out of office text
< I'm away until Monday and will answer then.

> apology to my neighbour for the loud party
< Dear neighbour, sorry for the noise on Saturday. We'll keep it down.
> funnier
< Dear neighbour, our dancing has been rated, and the judges want silence.

> how should I start a letter to someone whose name I don't know
< "Dear Sir or Madam" is always fine.

> proofread: Their going too the park
< They're going to the park.

> make up a superhero
< Captain Pause, who can stop time for exactly one sneeze.
> what's her weakness
< Pepper.
"""
