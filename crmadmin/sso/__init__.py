"""Sign-in with the company's OpenID provider: authorization code with PKCE."""
