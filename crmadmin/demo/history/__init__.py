"""Five weeks of work, done before the demo opens, so that every page has something to show.

A process of its own does them with the product's verbs, on the demo's sandbox over HTTP. Its clock
is set back, which on SQLite is the database's clock too: so the log's times lie in the past, in
order, and the log is as whole as any. Nothing in the product can do that.
"""
