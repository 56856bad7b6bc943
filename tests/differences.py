"""A log that holds every case of "Old → new", for pages and pictures."""

from customers.audit.actions import Evidence, Outcome
from customers.audit.entries import FieldOutcome
from customers.audit.models import Entry, VaultItem
from tests import log

ROOM = (
    "Guest asked for a ground-floor room near the lifts, as last year in Trancoso, and not beside "
    "%s, because the music goes on until midnight. Two cots are needed. Breakfast before seven on "
    "the day of departure; the taxi to the airport is already ordered by the family. Luggage may "
    "come one day earlier by courier, arrival after 22:00"
)
PLACES = "RIO TRN PUC GRE OPI VIT PRA TIG VAL ALP SER PAL GUI YAS BOR CEF PEI KAN MAU DJE SAI"
THREE = [{"number": f"+5511300001{n}", "type": "HOME"} for n in (70, 71, 72)]
PHONES = (
    [
        {"number": "+5511900000142", "type": "MOBILE"},
        {"number": "+551130000177", "type": "OFFICE"},
        {"number": "+551130000199", "type": "OFFICE"},
    ],
    [
        {"number": "+5511900000412", "type": "MOBILE"},
        {"number": "+551130000181", "type": "HOME"},
        {"number": "+551130000199", "type": "OFFICE"},
    ],
)
ASKED = ("EMAIL", "WECHAT", "PHONE", "MAIL", "ALL", "PROFILING", "CGU_2", "CONFORMITY")
OTHERS = [{"channel": channel, "optin": True} for channel in ASKED]
OPTINS = (
    [{"channel": "SMS", "optin": True}, *OTHERS],
    [{"channel": "SMS", "optin": False}, *OTHERS, {"channel": "WHATSAPP", "optin": True}],
)
SAME = {"city": "São Paulo", "zip_code": "01503-020", "town": "Sé"}
ADDRESS = (
    {"street": "Rua Galvão 148", "country_code": "PT", **SAME},
    {"street": "Rua Galvão Ipê 418", "add_on": "apto 92", "country_code": "BR", **SAME},
)
CPF = ({"type": "CPF", "number": "11144477735"}, {"type": "CPF", "number": "52998224725"})

# case -> (field, old, new, what Club Med made of it), in the order of the table
CASES = {
    "e-mail, the domain": ("email", "c.aubertin@mail.example", "c.aubertin@example.com"),
    "e-mail, the name": ("email", "zoe.legoff.26@example.com", "z.down@example.com"),
    "wholly different": ("email", "zoe.legoff.26@example.com", "z.down@mail.example"),
    "a word added": ("last_name", "Wang", "Wang Oliveira"),
    "a letter changed": ("first_name", "Maria Katarina Lindqvist", "Maria Katerina Lindqvist"),
    "capitals only": ("first_name", "Beatriz Wang", "BEATRIZ Wang"),
    "street, number": ("birth_city", "Rua Galvão Ipê 148", "Rua Galvão Ipê 418"),
    "date of birth": ("birthdate", "19860615", "19860201"),
    "choice": ("language_code", "DE", "FR"),
    "yes or no": ("personal_data_usage_allowed", True, False),
    "number": ("filiation_number", "01503-020", "01504-001"),
    "was empty": ("second_name", None, "Halina"),
    "was cleared": ("second_name", "Halina", None),
    "hidden": ("identity", *CPF),
    "phones": ("phones", *PHONES),
    "opt-ins": ("optins", *OPTINS),
    "one opt-in": ("optins", OPTINS[0], [{"channel": "SMS", "optin": False}, *OTHERS]),
    "address": ("address", *ADDRESS),
    "one line of an address": ("address", ADDRESS[0], ADDRESS[0] | {"street": "Rua Galvão 418"}),
    "only the order": ("phones", THREE, THREE[::-1]),
    "an invisible character": ("birth_city", "Paris", "Paris\u200b"),
    "double spaces": ("first_name", "Ana Maria", "Ana  Maria"),
    "a space behind": ("last_name", "Lima ", "Lima"),
    "a direction mark": ("last_name", "Haddad", "\u202eHaddad"),
    "a look-alike letter": ("last_name", "Wang", "W\u0430ng"),
    "right to left": ("unicode_last_name", "حداد", "حداد الخوري"),
    "Chinese": ("unicode_first_name", "王美琳", "汪美琳"),
    "Japanese": ("unicode_last_name", "森崎 明", "高橋 翔太"),
    "Korean": ("unicode_last_name", "강남대로 112", "강남대로 118"),
    "long JSON": ("birth_city", PLACES.split(), PLACES.replace("PUC ", "").split()),
    "long text": ("birth_city", ROOM % "the pool", ROOM % "the garden"),
    "stored as": ("first_name", "Bea", "Béatriz", "BEATRIZ"),
}


def record():
    """One change a case, the last one of the table first: a list shows the newest first."""
    numbers = {name: _append(*CASES[name]) for name in reversed(CASES)}
    erased, unreadable = (
        _append("email", "a@example.com", "b@example.com"),
        _append("email", "", ""),
    )
    VaultItem.objects.filter(pk=erased).delete()
    VaultItem.objects.filter(pk=unreadable).update(key_id="00000000")
    return numbers | {"erased": erased, "unreadable": unreadable}


def _append(field, old, new, stored=None):
    locale = "ja-JP" if old == "森崎 明" else "en-US"
    [entry] = log.append(FieldOutcome(field, old, new, Outcome.APPLIED), locale=locale)
    if stored:
        found = FieldOutcome(field, old, new, Outcome.STORED_AS, Evidence.READ, stored)
        log.append(found, change_id=entry.change_id)
    return entry.seq


def row(seq, page):
    """The row of a change in a list."""
    change = Entry.objects.get(pk=seq).change_id.hex
    [link] = [
        a for a in page.select("tbody.change .when a") if change in a["href"].replace("-", "")
    ]
    return link.find_parent("tr")
