"""What the provider says of a person, the same in the id_token and at userinfo."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from crmadmin.demo.staff import BY_SUB


class StaffValidator(OAuth2Validator):  # type: ignore[misc]  # the library has no types
    """Gives each claim under the scope that asks for it."""

    oidc_claim_scope = {**OAuth2Validator.oidc_claim_scope, "groups": "groups"}

    def get_claim_dict(self, request: Any) -> dict[str, Any]:
        person = BY_SUB[request.user.username]
        return {
            "sub": person.sub,
            "name": person.name,
            "preferred_username": person.username,
            "email": person.email,
            "groups": list(person.groups),
        }

    def get_discovery_claims(self, request: Any) -> list[str]:
        return ["sub", "name", "preferred_username", "email", "groups"]

    def validate_silent_login(self, request: Any) -> bool:
        """Nobody stays signed in here: `prompt=none` is answered with login_required."""
        return False
