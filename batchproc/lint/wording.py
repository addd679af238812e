"""Instructions that do not say what the answer should be, or that speak to the whole batch. English only."""

import re
from collections.abc import Iterator

from batchproc.lint.templates import DATA, TASK
from batchproc.placeholders import is_placeholder

_FILES = (
    r"(?:files?|documents?|docs?|contracts?|images?|pictures?|photos?|pdfs?|papers?|articles?|e-?mails?|letters?|invoices?"
    r"|reports?|resumes?|cvs?|transcripts?|essays?|scripts?|modules?)"
)
_ROWS = (
    r"(?:rows?|records?|items?|units?|entries|entry|tickets?|customers?|products?|orders?|companies|reviews?|posts?)"
)
_THINGS = rf"(?:{_FILES}|{_ROWS}|page|text|data|code|input|content|message|note|form|case|example|sample)s?"
_PLACES = r"(?:folder|directory|csv|spreadsheet|table|database|list|batch|data ?set|collection|sheet|zip|archive)"


def vague(said: str) -> list[str]:
    """For instructions that only name a generic deed and a generic thing: "look at each file"."""
    clauses = list(_clauses(said))
    deeds = [clause for clause in clauses if not _PHRASE.fullmatch(clause)]
    if not is_placeholder(said) and not (clauses and all(map(_is_vague, deeds))):
        return []
    return [
        "the instructions do not say what the answer should contain, or when it is good: add what to look for and what "
        'to write, as in "list every risk with its clause" or "in two sentences"'
    ]


_LEAD = re.compile(
    r"(?:please|kindly|just|now|first|then|next|also|finally|carefully|thoroughly|closely"
    r"|you (?:should|must|will|are to)|(?:can|could|would) you|i want you to|(?:your|the) task is to|we need to) "
)
_TAIL = (
    r"(?: (?:carefully|thoroughly|closely|well|properly|correctly|quickly|in detail|in depth|please|now|for me|for us"
    r"|accordingly|individually|separately|one by one|as (?:needed|appropriate|usual|well)|if needed|again))*"
)
_DETERMINER = (
    r"(?:the|this|that|these|those|each|every|all|of|my|our|your|an?|given|following|attached|provided|\d[\d,.]*)"
)
_DETERMINED = rf"(?:{_DETERMINER} )*"
_SOME = rf"(?:it|this|that|them|these|those|everything|all of (?:it|them)|{DATA}|{_DETERMINED}{_THINGS}(?: {DATA})?)"
_EACH = r"(?:(?:each|every|these|those)(?: of the| of these)?(?: \d[\d,.]*)?(?: \w+)? \w+)"
_REGARD = (
    r"(?:(?:have a|take a) (?:close |quick )?look at|look (?:at|into|over|through)|process|review|analy[sz]e|examine"
    r"|read(?: through)?|go (?:over|through)|consider|study|assess|evaluate|inspect|investigate|audit|scan)"
)
_TREAT = (
    r"(?:check|verify|validate|fix|improve|enhance|optimi[sz]e|clean up|parse|open|handle|deal with|work (?:on|with)"
    r"|use|treat|try|do|run|help with)"
)
_VAGUE = re.compile(
    rf"(?:{_REGARD}(?: (?:{_SOME}|{_EACH}))?|{_TREAT} {_SOME}){_TAIL}"
    rf"|make {_SOME} (?:better|good|nice|nicer|perfect|great)"
)
_PHRASE = re.compile(
    r"be (?:careful|thorough|precise|accurate|concise|nice)|thanks?(?: you)?|do (?:your best|a good job)|good luck"
    r"|(?:let me know|tell me|say) what you (?:think|find|see)"
    r"|do what(?:ever)? (?:you think )?is (?:right|best|needed|necessary)"
    r"|do (?:something|anything)(?: useful| good)?(?: with .{1,20})?|test|todo|tbd|asdf|x|hello|hi"
)


def _clauses(said: str) -> Iterator[str]:
    for part in re.split(r"[.;:!\n,]+|\band\b|\bthen\b", said.lower()):
        clause = " ".join(part.split()).strip("-*• \"'")
        while (lead := _LEAD.match(clause)) is not None:
            clause = clause[lead.end() :]
        if clause:
            yield clause


def _is_vague(clause: str) -> bool:
    return TASK not in clause and _VAGUE.fullmatch(clause) is not None


def batch(said: str, source: str, total: int) -> list[str]:
    """For instructions that ask one agent for what all of them together would have to do."""
    text = " ".join(said.lower().split())
    hit = next((found[0] for rule in _RULES[source == "file"] if (found := rule.search(text))), None)
    counted = hit or next((found[0] for found in _COUNTED.finditer(text) if _is_total(found[1], total)), None)
    if counted is None:
        return []
    return [
        f"the instructions speak of the whole batch ({counted.strip()!r}), but each agent sees one unit only: say what "
        "to do with one, and what its own answer should be"
    ]


_COUNTED = re.compile(r"\b(?:the|these|those|all|my|our) (\d[\d,.]*) [a-z]+")


def _is_total(number: str, total: int) -> bool:
    return total > 4 and number.replace(",", "").replace(".", "") == str(total)


def _rules(units: str) -> list[re.Pattern[str]]:
    """For units that are called so. Rows are no units where every unit is a file: a file may hold some."""
    many = (
        rf"(?:all (?:of )?(?:the |these |those |my |our )?(?:\d[\d,.]* )?{units}"
        rf"|across (?:all )?(?:of )?(?:the |these |those |my |our )?(?:\w+ )?{units}"
        rf"|the (?:whole|entire) (?:{_PLACES}|corpus|set)|(?:each|all) of (?:the|these|those) \d+)"
    )
    one = (
        r"(?:one|a single|an? (?:overall|combined|consolidated|aggregated?|joint|final|master)) (?:\w+ ){0,2}"
        r"(?:report|summary|table|list|document|file|csv|spreadsheet|overview|ranking|answer|result|page|json)\b"
    )
    others = rf"(?:each other|one another|the others|the rest|(?:all )?the other {units})"
    place = rf"(?:the|this|that|my|our) (?:\w+ )?{_PLACES}"
    return [
        re.compile(pattern)
        for pattern in (
            r"\b(?:each|every one|all|any) (?:one )?of (?:the |these |those |my |our |all the )?\d[\d,.]*",
            rf"\b(?:the|these|those|all|my|our) \d[\d,]+ (?:\w+ )?{units}\b",
            rf"\b{many}\b.{{0,200}}?\b{one}|\b{one}.{{0,200}}?\b{many}\b",
            rf"\bcompare .{{1,60}}?\b(?:to|with|against) {others}",
            rf"\brank (?:all )?(?:of )?(?:the |these |those |my |our )?{units}\b",
            rf"\bduplicates? (?:among|across|between|in|of) (?:all )?(?:the |these |those )?(?:{units}|{_PLACES})\b",
            rf"\bacross (?:all |(?:all of )?(?:the |these |those ))(?:\w+ )?{units}\b",
            rf"\bwhich (?:one )?(?:of (?:the|these) )?{units} (?:is|are|has|have) the (?:\w+est|most|least)\b",
            rf"\b(?:all|every|each) (?:of )?(?:the )?{units} (?:in|of|from|under) {place}\b",
            rf"\b(?:loop|iterate|go) (?:over|through) (?:all|every|each|the)(?: of)?(?: the)? {units}\b",
        )
    ]


_RULES = {True: _rules(_FILES), False: _rules(rf"(?:{_FILES}|{_ROWS})")}
