"""Every sentence for people that stands in no template, page by page.

Order of the words: what happened; what was or was not stored; what to do now. A sentence with
arguments is filled in with `%` where it is shown.
"""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

# What came of a verb
REFUSED = _("Club Med refused this.")
NOTHING_CHANGED = _("Nothing was changed.")
FORBIDDEN = _("You may not read or change this profile at Club Med.")
ASK_SUPERVISOR = _("Nothing was changed. Club Med decides who may: ask your supervisor.")
MAY_NOT_CREATE = _("You may not create customers at Club Med.")
ASK_WHO_MAY = _("Nothing was created. Club Med decides who may: ask your supervisor.")
MAY_NOT_SEARCH = _("You may not search for customers at Club Med.")
TYPE_A_NUMBER = _("Type a customer number: that opens the customer without a search.")
NOT_FOUND = _("Club Med has no customer with this number.")
CHECK_NUMBER = _("Check the number.")
GONE = _(
    "The log knows this customer: if it was created just now, refresh this page in a moment. "
    "Otherwise Club Med has deleted it."
)
TOO_LONG_PROFILE = _("This profile is too long to be shown.")
TOO_LONG_PROFILE_TEXT = _(
    "Club Med sent more than 512 kB. Nothing was changed: what can be edited is never cut short. "
    "Tell operations."
)
BUSY = _("Club Med gets too many requests right now.")
BUSY_TEXT = _("Nothing was changed. What you typed is kept: try again in a moment.")
ODD_ANSWER = _("Club Med refused this request.")
ODD_ANSWER_TEXT = _("Nothing was changed. Try again; if it happens again, tell operations.")
NO_ANSWER = _("Club Med does not answer.")
NO_ANSWER_TEXT = _("This could not be read. Nothing is lost: try again in a moment.")
NOT_SENT = _("Nothing was sent. What you typed is kept: save again in a moment.")
NEEDS_RENEWAL = _("Club Med no longer accepts the key of this desk.")
NEEDS_RENEWAL_TEXT = _("Nothing was changed. Tell operations.")
UNKNOWN = _("We do not know yet whether Club Med stored this.")
UNKNOWN_TEXT = _("Club Med did not answer. It will not be sent again; we keep checking.")
PENDING = _("Saved at Club Med. The log entry follows.")
PENDING_TEXT = _("You need not do anything.")
NOT_RECORDED = _("The audit log cannot be written right now.")
NOT_ERASED = _("Nothing was erased. Try again in a moment.")
NOT_REVEALED = _("Nothing was revealed: it could not be recorded.")
NOT_REVEALED_TEXT = _("A value is shown only once that is recorded. Try again in a moment.")
NO_TOMBSTONE = _("The list of forgotten customers cannot be written.")
NO_TOMBSTONE_TEXT = _("Nothing was erased. Tell operations: AUDIT_TOMBSTONES.")
CONFLICT = _("Changed while you were typing.")
CONFLICT_TEXT = _("Your change was not sent.")
CREATED_BEFORE = _("You sent this form before with other values, and that created a customer.")
CREATED_BEFORE_TEXT = _("What you typed now was not sent. Send again to create another customer.")
NOT_YOURS = _("Nothing was recorded: this change is settled already, or is your own.")
NUMBER_MISSING = _("Type the number of the customer that was created.")

NOTHING_LOST = _("Nothing was changed, and nothing you saved is lost.")
LIMITS = {
    "views": (
        ngettext_lazy(
            "You opened %(count)d customer in %(time)s",
            "You opened %(count)d customers in %(time)s",
            "count",
        ),
        _("This is the limit for one person. You can open other customers from %(until)s."),
    ),
    "histories": (
        ngettext_lazy(
            "You read %(count)d history in %(time)s",
            "You read %(count)d histories in %(time)s",
            "count",
        ),
        _("This is the limit for one person. You can read histories again from %(until)s."),
    ),
    "searches": (
        ngettext_lazy(
            "You searched %(count)d time in %(time)s",
            "You searched %(count)d times in %(time)s",
            "count",
        ),
        _("This is the limit for one person. You can search again from %(until)s."),
    ),
    "reveals": (
        ngettext_lazy(
            "You revealed %(count)d value in %(time)s",
            "You revealed %(count)d values in %(time)s",
            "count",
        ),
        _("This is the limit for one person. You can reveal other values from %(until)s."),
    ),
}

# Error pages
BAD_REQUEST = _("This form is too long, or could not be read.")
NOTHING_SENT = _("Nothing was sent to Club Med.")
FORGED = _("This form has expired.")
FORGED_TEXT = _("Nothing was sent to Club Med. Open the page again and send the form from there.")
NOT_ALLOWED = _("Your role has no access to this page.")
ASK_MANAGER = _("Ask your manager if you need it for your work.")
NO_PAGE = _("There is no such page.")
CHECK_ADDRESS = _("Check the address, or find the customer again.")
NO_CUSTOMER_NUMBER = _("This is not a customer number.")
NUMBER_RULE = _("A customer number has digits only and does not start with 0.")
NOT_EDITABLE = _("This field cannot be edited here.")
NOT_EDITABLE_TEXT = _("Nothing was sent to Club Med. The profile shows which fields can be edited.")
WRONG_METHOD = _("This address cannot be used that way.")
FAILED = _("Something went wrong here.")
FAILED_TEXT = _("If you were saving, check the customer’s history before you save again.")
NO_DATABASE = _("The database of this desk does not answer.")
NO_DATABASE_TEXT = _("Nothing was sent to Club Med. Try again in a moment.")
SESSION_ENDED = _("Your session has ended.")
SESSION_ENDED_BY_HAND = _("Somebody here ended your session.")
ENDED_SESSION = _("The session of %(name)s has ended. The next click asks for a new sign-in.")
ENDED_BEFORE = _("That session had ended already.")
NOT_ENDED = _("The session was not ended: it could not be recorded. Try again in a moment.")
WHY_END = _("Why?")
WHY_END_HINT = _("Recorded under “Who looked”, with your name.")
CONFIRM_SIGN_IN = _("The company has to confirm your sign-in.")
NEEDS_SIGN_IN = _("Club Med no longer accepts your sign-in.")
TEXT_KEPT = _(
    "Nothing was changed at Club Med. "
    "What you typed is there again once you sign in within 15 minutes."
)
TEXT_NOT_KEPT = _("Nothing was changed at Club Med. Copy what you typed before you sign in again.")
NOT_SHOWN = _("This could not be shown. If you were typing, save first: that keeps your text.")
NOT_SHOWN_NOR_KEPT = _("This could not be shown. If you were typing, copy it before you sign in.")
TELL_OPERATIONS = _("If it happens again, tell operations.")

# Forms: what is wrong with what was typed
REQUIRED = _("Required.")
REQUIRED_IN = _("Required in %(country)s")
CONTROL = _("This holds a character that cannot be typed: remove it.")
TOO_LONG = _("At most %(limit_value)d characters; this has %(show_value)d.")
NOT_AN_EMAIL = _("Not a valid e-mail address, like tom@example.com.")
NOT_A_PHONE = _("Not a phone number: digits, with + first.")
NO_COUNTRY = _(
    "No country is known for this number: begin with + and its country code, or save it anyway."
)
SAME_PHONE = _("Phone %(n)d is the same number, %(number)s: remove one of the two.")
WRONG_DIGITS = _("Not a valid number of this type (%(kind)s): compare it with the document.")
NOT_A_DATE = _("Write the day, month and year, like 14/06/1986 or 14 June 1986.")
NO_SUCH_MONTH = _("There is no month %(month)d: write day, month, year.")
NO_SUCH_YEAR = _("%(year)d cannot be a year of birth: check it.")
NO_SUCH_DAY = _("%(day)d %(month)s does not exist.")
FUTURE_DAY = _("This day is in the future: check the year.")
CHOOSE_ONE = _("Choose one from the list.")
PARTNERS_ALONE = _("If you answer for partners, answer here too.")
USE_THE_BIN = _("To remove a phone, use its bin.")
TOO_MANY_PHONES = _("At most %(num)d phones: remove one.")
OF_PHONE = _("Phone %(n)d: %(problem)s")
EMPTY_ALREADY = _("Nothing to save: this field is empty already.")
CANNOT_BE_EMPTY = _("%(field)s cannot be empty.")
USE_CLEAR = _("Nothing to save. To empty this field, use “%(clear)s…”.")
TICK_CLEAR = _("Nothing to save. To empty this field, tick “%(clear)s”.")
BOTH = _("Type a value or clear the field, not both.")
WHOSE = _("Choose one: theirs or yours.")
FORM_EXPIRED = _("This form has expired. Nothing was sent. Check it and send it again.")
SAY_WHY = _("Give a reason: it is recorded.")
MARKET_RULES = {
    "required": _("Required in %(country)s."),
    "maxLength": TOO_LONG,
    "minLength": _("At least %(limit_value)d characters; this has %(show_value)d."),
    "choice": _("Not a choice in %(country)s: pick one from the list."),
    "example": _("%(country)s: write it like %(hint)s."),
    "explained": _("%(country)s: %(hint)s."),
    "other": _("Does not fit the rule of %(country)s: check it, or save it anyway."),
    "pattern other": _("%(country)s: %(pattern)s."),
    "pattern example": _("%(country)s: %(pattern)s, like %(hint)s."),
    "pattern explained": _("%(country)s: %(pattern)s. %(hint)s."),
}
NOT_A_POSTCODE = _(
    "%(country)s: not a postal code of this country, like %(hint)s. Check it, or save it anyway."
)
CLUB_MED_SAYS = _("Club Med: %(message)s")
NO_REASON = _("No reason was given.")
CUT_SHORT = _("%(text)s… (cut short: Club Med wrote more)")
LEFT_OUT = ngettext_lazy("%(count)d more is not shown", "%(count)d more are not shown", "count")
WITHHELD = _("the details are not shown, as they may repeat a hidden value.")

# Forms: labels and hints
CHOOSE = _("Choose…")
NEW_VALUE = _("%(code)s, a new value from Club Med")
NO_TYPE = _("No type")
NOT_ASKED = _("Not asked")
OPTIN = _("Opt-in: %(channel)s")
OPTIN_PARTNERS = _("Opt-in: %(channel)s, partners")
FORCE_ADDRESS = _("Save without address check")
REASON = _("Reason")
WHY = _("Why these changes?")
WHY_IN_WORDS = _("Details of the reason")
WHY_EXAMPLE = _("A few words, e.g. call 48133")
NO_REASON_YET = _("No reason yet")
OTHER_REASON = _("Other…")
USUAL_REASONS = {  # of the setting REASONS, as the log holds them
    "Customer called": _("Customer called"),
    "Customer wrote": _("Customer wrote"),
    "Correction": _("Correction"),
    "Document seen": _("Document seen"),
}
ANOTHER_PERSON = _("Why it is another person")
WHO_CALLS = _("Who is calling")
HOW_TO_REACH = _("How to reach them")
WHAT_THEY_WANT = _("What they want")
ABOUT_THIS_CALL = _("About this call")
OTHER_EMPTY = _("Names, birth and number")
NATIVE_NAME = _("Name in its own script")

# Find
CRITERIA = {
    "number": _("Number"),
    "email": _("E-mail"),
    "phone": _("Phone"),
    "name": _("Name"),
    "last_name": _("Last name"),
    "first_name": _("First name"),
    "zip_code": _("Postal code"),
    "birthdate": _("Date of birth"),
}
TYPE_SOMETHING = _("Type a number, an e-mail, a phone or a name.")
NOT_A_WHOLE_EMAIL = _("Type the whole e-mail: Club Med cannot search by part of it.")
NO_WILDCARD = _("Type the whole name, without * or %: Club Med cannot search by part of it.")
TRY_INSTEAD = {
    "email": _("Try the phone, or last name and date of birth."),
    "phone": _("Try the e-mail, or last name and date of birth."),
    "number": _("Try the e-mail, or last name and date of birth."),
    "name": _("Try another spelling, the e-mail or the phone."),
}
SEARCH_EXPIRED = _("This search has expired. Type it again.")

# Settle, reveal, forget
DID_IT_LAND = _("Did Club Med store it?")
LANDED = _("Yes, Club Med stored it")
NOT_LANDED = _("No, it was not stored")
CREATED_NUMBER = _("Number of the customer that was created")
IF_LANDED = _("Only if it was stored")
NUMBER_OF_NOTHING = _("Nothing was recorded. Leave this empty, or choose “Yes”.")
HOW_KNOWN = _("How do you know?")
HOW_KNOWN_HINT = _("Recorded with your name, like “Customer confirmed by phone”")
WHY_REVEAL = _("Why do you need to see it?")
WHY_FORGET = _("Why is this customer to be forgotten?")
WHY_FORGET_HINT = _("Recorded with your name. No personal data of the customer")
NUMBER_AGAIN = _("The customer’s number, once more")
NUMBER_AGAIN_HINT = _("So that nobody is forgotten by mistake")
OTHER_NUMBER = _("This is not the number of this customer: check it.")

# Edit and create
SAVED = _("saved.")
CLEARED = _("cleared.")
NOT_SHOWN_YET = _("Saved. Club Med does not show it yet: refresh this page in a moment.")
TO_BE_CLEARED = _("to be cleared")
HELD_ALREADY = _("Club Med holds this already. Nothing was sent.")
UNTOUCHED = _("Nothing was changed, so nothing was sent.")
TYPED_BEFORE = _("Here is what you typed before you signed in again. Nothing was sent yet.")
SENT_BEFORE = _(
    "You sent this form before, and Club Med stored %(sent)s. What you typed now was not sent: "
    "save again to store it instead."
)
SAVING = _(
    "%(who)s is saving %(fields)s right now. Nothing was sent: save again once that is settled."
)
CREATED = _("The customer is created.")
UNNAMED = _("Unnamed customer")
CUSTOMER = _("Customer %(number)s")

# Undo and revert
UNDONE = _("undone: the old value is back.")
PUT_BACK = _("%(fields)s: the old value is back.")
WHY_REVERT = _("Put back: why?")
WHY_REVERT_HINT = _("Recorded with your name: putting back is a change of its own")
WHAT_TO_PUT_BACK = _("What is put back")
CHOOSE_A_FIELD = _("Tick at least one field.")
MOVED = _("Changed since then.")
MOVED_TEXT = _("Nothing was put back. Tick what to put back anyway.")
NOT_PUT_BACK = _("Nothing was put back.")
KEPT_THEIRS = _("their value stays. Yours, “%(mine)s”, was not sent.")
ABOUT = _("%(field)s: %(message)s")
COLON = _("%(label)s:")
KEPT_BY_CLUB_MED = _("Club Med keeps this field: it is not changed from here.")
CREATED_SO = _("The customer was created with it: there was no value before.")
WAS_NOT_APPLIED = _("This was not applied: there is nothing to put back.")
OLD_IS_GONE = _("The old value is %(missing)s.")
WAS_EMPTY = _("It was empty before, and cannot be emptied from here.")
OLD_IS_THERE = _("Club Med holds the old value already.")
NO_WAY_BACK = _("Club Med has no way back to the old value.")

# Settle and forget
RECORDED = _("Your decision is recorded.")
CHANGING = _(
    "%(who)s is changing this customer right now. Nothing was erased: try again once that is "
    "settled."
)
FORGOTTEN = ngettext_lazy(
    "Forgotten: the values of %(count)s entry are erased.",
    "Forgotten: the values of %(count)s entries are erased.",
    "entries",
)
UNCHANGED = ngettext_lazy("%(count)d unchanged", "%(count)d unchanged", "count")
MORE_CHANGED = ngettext_lazy("%(count)d more changed", "%(count)d more changed", "count")


# The log
PARTS_OF_THE_LOG = {"values": _("Values"), "entries": _("Entries"), "access": _("Access events")}
DONE_TO_THE_LOG = {  # action -> part -> what was done
    "forgotten": {"values": _("This customer’s values erased, up to entry %(number)d")},
    "expired": {
        "values": _("All values erased, up to entry %(number)d"),
        "access": _("Old access events erased, up to number %(number)d"),
    },
    "anchor": {"entries": _("All entries removed, up to entry %(number)d")},
}
NOBODY_HERE = {"Outside this desk": _("Outside this desk")}  # as the log names them
ELSEWHERE = _("Changed elsewhere, noticed when opened.")
BASIS = {  # (evidence, outcome), "" for any other outcome
    ("answer", "refused"): _("Club Med refused it:"),
    ("answer", "not_applied"): _("Club Med redirected the request: nothing was stored."),
    ("answer", ""): _("Answered by Club Med."),
    ("no_call", ""): _("Nothing reached Club Med."),
    ("read", "stored_as"): _("Club Med stored %(found)s."),
    ("read", "applied"): _("No answer, but the profile holds it."),
    ("read", "not_seen"): _("No answer; the profile still held the old value."),
    ("read", ""): _("No answer; the profile then held %(found)s."),
    ("person", ""): _("%(who)s: %(reason)s"),
}
NOT_FOUND_OUT = _("No answer: a person has to find out.")
MISSING_REASON = _("a reason that is %(missing)s")
MISSING_VALUE = _("a value that is %(missing)s")
MISSING_NAME = _("name %(missing)s")
QUOTED = _("“%(text)s”")
NOTHING = _("nothing")
EMPTY = _("empty")
MASKED = _("hidden")

# A field in its row
EDIT = _("Edit")
CUSTOMER_CREATED = _("Customer created")
CHANGED_RECENTLY = _("changed")
HISTORY_OF_FIELD = _("history of this field")
NOT_GIVEN = _("Not given")
NONE_ASKED = _("None asked yet")
NEW_CODE = _("new value from Club Med")
NEW_TYPE = _("a new type")
YEARS_OLD = ngettext_lazy("(%(years)s)", "(%(years)s)", "years")
WAS = _("was %(was)s")
CHANNEL = _("Channel")
NO_CHANNEL = _("No channel")
NOT_ASKED_REST = _("Not asked:")
CLUB_MED = _("Club Med")
PARTNERS = _("Partners")
ALSO_EMPTY = _("Also empty")
ADD_FIELD = _("Add a field…")
FIELDS_TO_ADD = ngettext_lazy("%(n)s field", "%(n)s fields", "n")
ADD = _("Add")
YES = _("Yes")
NO = _("No")
KEY_MISSING = _("Key missing")
OF_FIELD = _("%(field)s, %(member)s")
SHOW_ALL = _("Show all %(count)s characters")
SHOW_LESS = _("Show less")
STORED_AS = _("stored as")
OTHER_CREATE = _("a create that was not settled")
FLAG_ABOUT = _("%(flag)s: %(others)s")
NO_CUSTOMER_YET = _("no customer yet")
WAITING_CHANGE = _("A change that waits for an answer")
CHANGE_TO = _("Change to %(name)s")
AND = _("%(first)s and %(last)s")
FROM_TO = _("%(first)s to %(last)s")
MORE_FIELDS = ngettext_lazy("%(count)d more", "%(count)d more", "count")
TOO_FAR = _(
    "No signature is near enough to this change for a short proof. Export the log instead: the "
    "export reaches its signed head."
)
TYPED = CRITERIA | {
    **dict.fromkeys(("reason", "reason_usual", "reason_words", "despite_reason"), REASON),
    "customer_id": _("Customer number"),
    "type": _("Type"),
}
YOU_TYPED = _("You typed")

# Exports
COLUMNS = (
    _("Time"),
    _("Time, UTC"),
    _("Person"),
    _("Role"),
    _("Customer number"),
    _("Customer"),
    _("Field"),
    _("Action"),
    _("Old value"),
    _("New value"),
    _("Outcome"),
    _("What is known"),
    _("Reason"),
    _("How"),
    _("Market"),
    _("Request"),
    _("Change"),
    _("Entry"),
)
NOT_EXPORTED = _("Nothing was exported. Try again in a moment.")
END_OF_EXPORT = _("End of the export: %(rows)d rows. A file without this line is not whole.")

# The access report
STAFF = _("Or a member of staff")
NOBODY = _("Nobody")
FORMAT = _("Format")
TO_PRINT = _("A page to read and print")
AS_JSON = _("JSON, for a machine")
ONE_OF_BOTH = _("Type a customer number, or choose a member of staff: one of the two.")
NOTHING_KNOWN = _("Nothing is recorded about this person.")
NO_REPORT = _("No report was made. Try again in a moment.")

# The filters of the log
PERSON = _("Person")
CUSTOMER_NUMBER = _("Customer number")
FIELD = _("Field")
GROUP = _("Part of the profile")
ACTION = _("Action")
OUTCOME = _("Outcome")
WAITING = _("Waiting")
HOW = _("How")
REQUEST = _("Request")
FROM = _("From")
TO = _("To")
MINE = _("My changes")
FORCED = _("Saved without address check")
REVERTS = _("Reverts")
REVERTS_EARLIER = _("Reverts an earlier change")
NEW = _("new")
NO_REASON_GIVEN = _("No reason given")
DECIDE = _("Decide")
SEARCH_CLUB_MED = _("Search Club Med")
CHOSEN = _("%(count)d chosen")
ANYONE = _("Anyone")
ANY_FIELD = _("Any field")
PURPOSE = _("Purpose")
ANY = _("Any")
PERIODS = {
    "today": _("Today"),
    "yesterday": _("Yesterday"),
    "week": _("Last 7 days"),
    "month": _("This month"),
    "last_month": _("Last month"),
}
NO_DATE = _("“%(text)s” is not a date: write it like 2026-11-30.")
NOT_A_NUMBER = _("“%(text)s” is not a customer number: digits only, not starting with 0.")
NOT_KNOWN = _("“%(value)s” is not known here: choose from the list.")
NO_SUCH_FILTER = _("There is no filter “%(name)s”. Remove it, or choose one of these.")
NO_SUCH_PAGE = _("This page of the log does not exist. Start from the newest.")
TOO_MANY_VALUES = _("Too many values: at most %(most)d.")
LAST_DAYS = _("Last %(count)d days")
LONG_PERIOD = _("At most %(most)d days can be shown: choose a shorter period.")
OTHER_FIELDS = _("Other fields")
OTHER_PEOPLE = ngettext_lazy("%(count)d other", "%(count)d others", "count")
REVERSED = _("This day is before the first one.")
VIEWS = {
    "all": _("Everything"),
    "newest": _("Last 2 days"),
    "refused": _("Refused this week"),
    "unclear": _("Unclear"),
    "names": _("Name changes"),
}
WHAT = _("What")
ANYTHING = _("Anything")
LOOKS = {
    "all": _("Everything"),
    "newest": _("Last 2 days"),
    "revealed": _("Revealed this month"),
    "out": _("Exported and reported"),
    "refused": _("Refused"),
}
FOR_PURPOSE = _("Purpose:")
FROM_ADDRESS = _("From %(address)s.")
THE_CHANGE = _("The change")
LIMIT_NAMES = {
    "views": _("Customers opened"),
    "histories": _("Histories read"),
    "searches": _("Searches"),
    "reveals": _("Values revealed"),
}
NAME = _("Name of the view")
FOR_EVERYBODY = _("For everybody who reads the log")
NAME_THE_VIEW = _("Give this view a name.")
VIEW_SAVED = _("The view “%(name)s” is saved.")
VIEW_DELETED = _("The view “%(name)s” is deleted. No change of the log is touched by that.")
NOT_OF_THE_GROUP = _("No chosen field is in this part of the profile: choose another part.")

# Activity: (what was found, why it is listed) of each rule
_AT = _("Between %(begun)s and %(ended)s on %(day)s.")
FINDINGS = {
    "hour": (
        ngettext_lazy(
            "%(count)s change of %(field)s by %(who)s in an hour",
            "%(count)s changes of %(field)s by %(who)s in an hour",
            "number",
        ),
        _AT,
    ),
    "refusals": (
        ngettext_lazy(
            "%(count)s refusal on %(day)s, usually %(usual)s",
            "%(count)s refusals on %(day)s, usually %(usual)s",
            "number",
        ),
        _("“Usually” means the median of the four weeks before that day."),
    ),
    "quiet": (
        ngettext_lazy(
            "%(count)s change between %(begun)s and %(ended)s on %(day)s",
            "%(count)s changes between %(begun)s and %(ended)s on %(day)s",
            "number",
        ),
        _("Nobody changed anything at that hour in the four weeks before. By %(who)s."),
    ),
    "views": (
        ngettext_lazy(
            "%(count)s profile opened by %(who)s on %(day)s without a change",
            "%(count)s profiles opened by %(who)s on %(day)s without a change",
            "number",
        ),
        _("This person changed none of these customers in the whole period."),
    ),
    "reveals": (
        ngettext_lazy(
            "%(count)s sensitive value revealed by %(who)s on %(day)s",
            "%(count)s sensitive values revealed by %(who)s on %(day)s",
            "number",
        ),
        _("The log gives the purpose of each reveal."),
    ),
    "limits": (
        ngettext_lazy(
            "%(count)s limit reached by %(who)s on %(day)s",
            "%(count)s limits reached by %(who)s on %(day)s",
            "number",
        ),
        _("Nothing more was shown. A limit is recorded once, when a person reaches it."),
    ),
    "optins": (
        ngettext_lazy(
            "Opt-ins of %(count)s customer switched on by %(who)s on %(day)s",
            "Opt-ins of %(count)s customers switched on by %(who)s on %(day)s",
            "number",
        ),
        _("From no, or no answer, to yes. Creates are not counted."),
    ),
    "email": (
        ngettext_lazy(
            "One e-mail address was set on %(count)s customer",
            "One e-mail address was set on %(count)s customers",
            "number",
        ),
        _("Between %(first)s and %(last)s. By %(who)s."),
    ),
    "phones": (
        ngettext_lazy(
            "One phone was set on %(count)s customer",
            "One phone was set on %(count)s customers",
            "number",
        ),
        _("Between %(first)s and %(last)s. By %(who)s."),
    ),
}
OTHER_TIMES = ngettext_lazy(
    "%(others)d other time in this period.", "%(others)d other times in this period.", "others"
)
LISTED_FROM = _("Listed from %(least)s on.")
AND_OTHERS = ngettext_lazy("%(who)s and %(more)d other", "%(who)s and %(more)d others", "more")

# Times
DAY_AND_TIME = _("%(day)s, %(time)s")
TIMES_OF = _("Times: %(zone)s.")
JUST_NOW = _("just now")
AT = _("at %(time)s")
AGO = _("%(time)s ago")
YESTERDAY = _("yesterday")
ON = _("on %(day)s")
TODAY = _("Today, %(day)s")
