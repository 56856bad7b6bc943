"""Everything goes wrong at once for a while, and afterwards the log must be true: `make soak`.

test_soak.py   the run
product.py     the product under gunicorn, with its database, and how each is brought down
server.py      gunicorn's settings: every second worker has a clock that is a minute ahead
company.py     the sign-in, which is gone at times
club_med.py    Club Med on a bad day, and its own record of what it stored
people.py      agents and a supervisor at work, and what they are told
afterwards.py  settles what is open, as the timers would in time, and tells the log
verdict.py     Club Med's record beside the log
"""
