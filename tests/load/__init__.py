"""How many people one machine carries, and what it does then: `make load`.

__main__.py   the run, then more and more people until it does not hold
prepare.py    a long log, and people who are signed in
place.py      the product as `make run` serves it, Club Med at 150 ms, and PostgreSQL
people.py     people at work: each clicks, reads for three seconds, clicks again
figures.py    what came out: times, what computed, and the counts of all who counted
"""
