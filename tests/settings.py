"""The product's settings with an environment for tests: no secret of anyone's."""

import os

DEFAULTS = {
    "SECRET_KEY": "tests-only-key-that-is-long-enough-to-be-taken-for-a-real-one-0123456789",
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "HTTPS_ONLY": "off",
    "DATABASE_URL": "sqlite://:memory:",
    "CLUBMED_API_URL": "http://127.0.0.1:9",
    "CLUBMED_API_KEY": "sandbox-key",
    "CLUBMED_TOKEN": "sandbox-token",
    "CLUBMED_CONNECT_TIMEOUT": "10",
    "CLUBMED_READ_TIMEOUT": "15",
    "CLUBMED_DEADLINE": "15",
    "JOURNAL_GRACE": "15",
    "AUDIT_ENCRYPTION_KEYS": "LLctep2C0_Y7mLFSAr9o9s-U-0Ils_UIkpsfazMCt0k",
    "AUDIT_SIGNING_KEY": "Ay1O2rs5wtCxBJgGsH1piDSU0ZBvYdFt3m-G7xav7aM",
    "OIDC_ISSUER": "http://127.0.0.1:9",
    "OIDC_CLIENT_ID": "crmadmin",
    "OIDC_CLIENT_SECRET": "tests-only",
    "AGENT_GROUPS": "crm-agents",
    "SUPERVISOR_GROUPS": "crm-supervisors",
    "AUDITOR_GROUPS": "crm-auditors",
    "REVEAL_GROUPS": "",
    "TIME_ZONE": "UTC",
}
for name, value in DEFAULTS.items():
    os.environ.setdefault(name, value)

from crmadmin.settings import *  # noqa: F403, E402
