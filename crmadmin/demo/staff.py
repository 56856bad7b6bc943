"""Who may sign in to the demo: invented people, ready made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """One of the staff, as the local provider knows them."""

    sub: str  # what the product knows them by; says nothing about the person and never changes
    username: str
    name: str
    groups: tuple[str, ...]
    role: str  # what `groups` make them in the demo, in words

    @property
    def email(self) -> str:
        return f"{self.username}@example.com"


STAFF = (
    Person("staff-1001", "ines.moreau", "Inès Moreau", ("crm-agents",), "Agent"),
    Person("staff-1002", "owen.whitfield", "Owen Whitfield", ("crm-agents",), "Agent"),
    Person("staff-1003", "sana.elidrissi", "Sana El Idrissi", ("crm-supervisors",), "Supervisor"),
    Person("staff-1004", "mei-ling.chao", "Mei-Ling Chao", ("crm-auditors",), "Auditor"),
    Person("staff-1005", "noa.feldstein", "Noa Feldstein", (), "No role: is turned away"),
    Person("staff-1006", "thiago.brandao", "Thiago Brandão", ("crm-agents",), "Agent"),
    # Two of one name, whom the desk has to tell apart.
    Person("staff-1007", "camille.laurent", "Camille Laurent", ("crm-agents",), "Agent in Paris"),
    Person("staff-1008", "camille.laurent2", "Camille Laurent", ("crm-agents",), "Agent in Lyon"),
)
BY_SUB = {person.sub: person for person in STAFF}
BY_USERNAME = {person.username: person for person in STAFF}
