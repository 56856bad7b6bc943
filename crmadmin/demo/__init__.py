"""The demo: the whole product on one machine, with stand-ins for what a company brings."""
