"""Sign-in with the company's OpenID provider: authorization code with PKCE, and nothing beside it.

A person is known by issuer and `sub`. The groups in the token become roles at each sign-in; with
none of ours there is no entry.
"""
