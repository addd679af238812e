"""Notices and placeholders: what is no answer is found, and no honest answer is taken for one."""

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchproc.notices import FARTHEST_S, LATE_S, limit_notice, resets_at, unpaid_notice
from batchproc.placeholders import is_placeholder

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 11, 13, 12, tzinfo=UTC)

LIMITS = [
    "You've hit your limit · resets 3am (America/New_York)",
    "You\u2019ve hit your limit · resets 3am (America/New_York)\n",
    "You've hit your session limit · resets 10:30pm (Europe/London)",
    "You've hit your 5-hour limit · resets 3pm (Europe/London) · progress saved",
    "You've hit your weekly limit · resets Nov 14, 4am (UTC)",
    "You've hit your weekly limit · resets Nov 14 at 4am (UTC) · out of usage credits",
    "You've hit your Opus limit · resets Jan 2, 2027, 4am (UTC)",
    "You've hit your Mythos 6.1 limit · resets 4am (UTC)",
    "You've hit your usage limit · contact your admin to increase it",
    "You've hit your limit",
    "You've reached your usage limit",
    "You've reached your Fable limit for this week. Switch models?",
    "You've hit your monthly spend limit. Switch to another model, or manage usage credits at"
    " https://claude.ai/a to continue.",
    "You've hit your org's monthly spend limit · run /usage-credits to ask your admin for a higher limit · your weekly"
    " limit resets Nov 14, 4am (UTC)",
    "You've hit your org's monthly spend limit · run /usage-credits to raise it, or visit https://claude.ai/settings to"
    " raise it",
    "You've hit your individual spend limit · ask your admin for a higher limit",
    "You've hit your channel's monthly spend limit · an org owner or channel manager can raise it in the channel's"
    " Claude settings · your weekly limit resets Nov 14, 4am (America/New_York)",
    "You've hit your team's pooled group budget. It resets Dec 1, 12am (UTC). Run /usage-credits to raise it and keep"
    " using Opus 4.5 or switch models to continue this chat.",
    "You've hit your limit · resets 3am (UTC) · a hint that nobody knows yet",
    "You've hit your limit for Claude messages. Limits will reset at 9:30 AM. View your usage details.",
    "You're out of extra usage · resets 3pm",
    "You're out of extra usage · resets May 2, 2pm (Asia/Jerusalem)",
    "You're out of usage credits. /model to switch models.",
    "Claude AI usage limit reached|1760000000",
    "Claude AI usage limit reached|1760000000000",
    "Claude usage limit reached. Your limit will reset at 9pm (America/New_York).\n\n"
    " • /upgrade to increase your usage limit",
    "5-hour limit reached ∙ resets 3pm",
    "5-hour limit reached \u2014 resets at 5:00 PM",
    "Session limit reached ∙ resets 9:30pm\n/upgrade to increase your usage limit.",
    "Weekly limit reached ∙ resets Oct 6, 1pm",
    "Opus weekly limit reached ∙ resets Oct 6, 1pm",
    "Limit reached · resets 3am (Europe/Berlin) · /upgrade to Max or turn on /extra-usage",
    "Spending cap reached resets 11:20pm",
    "spend limit reached · resets Aug 8 · request an increase at https://go.corp.example.com/claude-limits",
    "API Error: Rate limit reached",
    "API Error: Request rejected (429) · this may be a temporary capacity issue. If it persists, check https://a.example.",
    "API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited",
    'API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your'
    " account's rate limit."
    '  Please try again later."},"request_id":"req_011CXL8s7Q7RktxAHLJeH2TD"}',
    "Your account has hit a rate limit",
    "This request would exceed your account's rate limit. Please try again later.",
    "Claude Code returned an error result: You're out of extra usage · resets 7pm",
]
UNPAID = [
    "Credit balance is too low",
    "Your credit balance is too low to access the Anthropic API. Please visit"
    " https://console.anthropic.com to buy more.",
    "Your org is out of usage · add funds to continue",
    "Your org is out of usage · contact your admin",
    "Your seat type doesn't include usage credits",
    "Your usage allocation has been disabled by your admin · ask your admin for a higher limit",
    "Your group's usage limit is set to $0 · run /usage-credits to ask your admin for a higher limit",
    "Fable 5 requires usage credits. /model to switch models.",
    "Usage is paused for your organization. For help, please contact support.",
    "API Error: Usage credits ran out before the response was finished.",
]


@pytest.mark.parametrize("notice", LIMITS)
def test_a_notice_of_a_limit_is_no_answer(notice):
    assert limit_notice(notice) and not unpaid_notice(notice)


@pytest.mark.parametrize("notice", UNPAID)
def test_what_only_a_person_can_mend_is_a_notice_of_its_own(notice):
    assert unpaid_notice(notice) and not limit_notice(notice)


HONEST_ABOUT_LIMITS = [
    "The document says: 'You've hit your limit'. It then tells the user to wait until 3am and to try again.",
    "The user is told that they've hit your limit when the quota is used up.",
    '"You\'ve hit your limit · resets 3am (America/New_York)"',
    "You've hit your limit, the letter says.",
    "You've hit your limit. The letter goes on about refunds.",
    "You've hit your limit \u2014 that is what a user reads when the quota is used up",
    "You've hit your session limit · resets 3am: this is what the support letter says on page 2.",
    "You've hit your target, and are close to your limit · well done",
    "You've reached your credit limit.",
    "You've used 80% of your weekly limit · resets Nov 14, 4am (UTC)",
    "Approaching usage limit · resets at 3pm",
    "Rate limit reached",
    "Usage limit reached",
    "Speed limit reached",
    "Context limit reached · /compact to continue",
    "API Error: Connection error.",
    "API Error: Rate limit reached. This line is in the log fourteen times.",
    "API Error: 529 Overloaded",
    "The counter resets at 3am.",
    "| You've hit your limit | a message |",
    "Claude AI usage limit reached|tomorrow, says the manual",
    "",
    "limit",
    "42",
    "Credit balance is too low for the loan, so the bank declines it.",
    "The account is closed because the credit balance is too low.",
]


@pytest.mark.parametrize("text", HONEST_ABOUT_LIMITS)
def test_honest_text_about_limits_is_no_notice(text):
    assert not limit_notice(text) and not unpaid_notice(text)


def at(text, now=NOON):
    found = resets_at(text, now)
    return found if found is None else datetime.fromtimestamp(found, UTC)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("Claude AI usage limit reached|1760000000", datetime.fromtimestamp(1760000000, UTC)),
        ("Claude AI usage limit reached|1760000000123", datetime.fromtimestamp(1760000000, UTC)),
        ("resets 3am (America/New_York)", datetime(2026, 11, 14, 8, tzinfo=UTC)),
        ("resets 10:30pm (Europe/London)", datetime(2026, 11, 13, 22, 30, tzinfo=UTC)),
        ("resets 10:30pm", datetime(2026, 11, 13, 22, 30, tzinfo=UTC)),
        ("resets at 9:30 AM.", datetime(2026, 11, 14, 9, 30, tzinfo=UTC)),
        ("Your limit will reset at 9pm (America/New_York).", datetime(2026, 11, 14, 2, tzinfo=UTC)),
        ("resets 12am", datetime(2026, 11, 14, tzinfo=UTC)),
        ("resets 12pm", datetime(2026, 11, 13, 12, tzinfo=UTC)),
        ("resets 15:45", datetime(2026, 11, 13, 15, 45, tzinfo=UTC)),
        ("resets Nov 14, 4am (UTC)", datetime(2026, 11, 14, 4, tzinfo=UTC)),
        ("resets Nov 14 at 4am (UTC)", datetime(2026, 11, 14, 4, tzinfo=UTC)),
        ("resets on November 14, 4:05pm", datetime(2026, 11, 14, 16, 5, tzinfo=UTC)),
        ("resets Nov 20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("resets Dec 20, 2026, 4am", datetime(2026, 12, 20, 4, tzinfo=UTC)),
        ("resets in 2h 5m", datetime(2026, 11, 13, 14, 5, tzinfo=UTC)),
        ("resets in 3 days", datetime(2026, 11, 16, 12, tzinfo=UTC)),
        ("spent · your weekly limit resets Nov 14, 4am (UTC)", datetime(2026, 11, 14, 4, tzinfo=UTC)),
    ],
)
def test_a_notice_says_when_its_limit_ends(text, when):
    assert at(text) == when


@pytest.mark.parametrize(
    "text",
    [
        "You've hit your limit",
        "resets soon",
        "resets next month",
        "resets 13pm",
        "resets 0am",
        "resets 25:00",
        "resets 3:75am",
        "resets Feb 30, 3am",
        "resets 3am (Mars/Olympus)",
        "resets 3am (America)",
        "resets 3am (A/../../B)",
        "resets Oct 6, 1pm",
        "resets Nov 20, 2024, 1pm",
        "resets at the end",
        "the door resets 3 alarms",
    ],
)
def test_what_a_notice_does_not_say_or_cannot_mean_is_unknown(text):
    assert at(text) is None


def test_a_date_without_a_year_may_lie_in_the_next_one():
    assert at("resets Jan 2, 4am", datetime(2026, 12, 30, tzinfo=UTC)) == datetime(2027, 1, 2, 4, tzinfo=UTC)


def test_a_time_without_a_zone_is_that_of_now():
    berlin = datetime(2026, 11, 13, 12, tzinfo=BERLIN)
    assert at("resets 3pm", berlin) == datetime(2026, 11, 13, 14, tzinfo=UTC)
    tokyo = datetime(2026, 11, 13, 12, tzinfo=timezone(timedelta(hours=9)))
    assert at("resets 3pm", tokyo) == datetime(2026, 11, 13, 6, tzinfo=UTC)
    assert resets_at("resets in 5m", datetime(2026, 11, 13, 12)) is not None


def test_a_moment_that_has_just_passed_is_meant_and_not_its_like_of_tomorrow():
    three = datetime(2026, 11, 13, 3, tzinfo=UTC)
    assert at("resets 3am", three) == three
    assert at("resets 3am", three + timedelta(seconds=LATE_S)) == three
    assert at("resets 3am", three + timedelta(seconds=LATE_S + 1)) == three + timedelta(days=1)
    assert at("resets 11:59pm", datetime(2026, 11, 13, 0, 1, tzinfo=UTC)) == datetime(2026, 11, 12, 23, 59, tzinfo=UTC)


def test_days_on_which_the_clocks_change_have_23_or_25_hours():
    assert at("resets 3am (America/New_York)", datetime(2026, 3, 7, 22, tzinfo=NEW_YORK)).hour == 7
    assert at("resets 3am (America/New_York)", datetime(2026, 3, 6, 22, tzinfo=NEW_YORK)).hour == 8
    skipped = at("resets 2:30am (America/New_York)", datetime(2026, 3, 7, 22, tzinfo=NEW_YORK))
    assert skipped == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    first = at("resets 1:30am (America/New_York)", datetime(2026, 10, 31, 22, tzinfo=NEW_YORK))
    assert first == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    second = at("resets 1:30am (America/New_York)", first + timedelta(minutes=30))
    assert second == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Calcutta", "Australia/Lord_Howe"])
NOWS = st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(now=NOWS, zone=ZONES, minutes=st.integers(0, 24 * 60 - 20), dated=st.booleans())
def test_a_notice_that_the_cli_would_write_is_read_back(now, zone, minutes, dated):
    ends = (now + timedelta(minutes=minutes + 1, days=6 * dated)).replace(second=0, microsecond=0)
    local = ends.astimezone(ZoneInfo(zone))
    clock = f"{local.hour % 12 or 12}{f':{local.minute:02}' if local.minute else ''}{'ap'[local.hour >= 12]}m"
    day = f"{local:%b} {local.day}, " if dated else ""
    notice = f"You've hit your weekly limit · resets {day}{clock} ({zone})"
    found = at(notice, now)
    assert limit_notice(notice)
    assert found.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) == local.replace(tzinfo=None, fold=0)
    assert -LATE_S <= (found - now).total_seconds() <= FARTHEST_S


@given(st.text(), NOWS)
def test_no_text_is_too_odd(text, now):
    for odd in (text, f"You've hit your limit · resets {text}", f"resets {text}am", f"[{text}]"):
        resets_at(odd, now), limit_notice(odd), unpaid_notice(odd), is_placeholder(odd)


PLACEHOLDERS = [
    "N/A",
    "n/a.",
    "TODO",
    "TODO:",
    "TBD",
    "null",
    "-",
    "\u2014",
    "---",
    "...",
    "…",
    "[insert summary here]",
    "[Your name]",
    "[...]",
    "<answer>",
    "<insert the answer>",
    "<your answer here>",
    "{{ result }}",
    "{{result}}",
    "${result}",
    "{your answer}",
    "Lorem ipsum…",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore.",
    "(no content)",
    "(empty)",
    "[empty]",
    "No response requested.",
    "[Request interrupted by user]",
    "[Request interrupted by user for tool use]",
    "placeholder",
    "Placeholder text",
    "Your answer here",
    "Your final answer goes here.",
    "The summary goes here",
    "To be determined",
    "**N/A**",
    "*TBD*",
    "`null`",
    '"N/A"',
    "'TODO'",
    "“n/a”",
    "\u2018n/a\u2019",
    "# TODO",
    "> N/A",
    "- N/A",
    "1. TBD",
    "```\nN/A\n```",
    "```json\nnull\n```",
    "## **`TODO`**",
    "  \n N/A \n",
    "<answer>N/A</answer>",
    "## Summary\n\n[insert summary here]",
    "## Summary\n...",
]


@pytest.mark.parametrize("text", ["None", "None.", "_none_", "Nil"])
def test_none_is_what_there_is_of_what_was_asked_for(text):
    assert not is_placeholder(text)


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_placeholder_is_no_answer(text):
    assert is_placeholder(text)


ANSWERS = [
    "0",
    "No",
    "Yes",
    "ok",
    "42",
    "-5",
    "?",
    "X",
    "na",
    "Na",
    "none of the clauses is unusual",
    "None of them.",
    "N/A: the contract has no end date",
    "N/A (the contract has no end date)",
    "Party: Acme\nRisk: N/A",
    "RESULT: ok",
    "RESULT: n/a",
    "**Risk:** N/A",
    '{"risk": null}',
    "[]",
    "{}",
    "[null]",
    '["TODO"]',
    "[1, 2, 3]",
    "[Enter]",
    "<br>",
    "<title>",
    '<add key="a" value="b" />',
    "## Risks\n\nNone",
    "| a | b |\n|---|---|\n| N/A | - |",
    "TODO: call Ann",
    "TODO list",
    "Lorem ipsum is used as filler on page 3; nothing is said of the price.",
    "Insert the card here.",
    "Write the date here",
    "(a + b)",
    "(see page 3)",
    "The answer is here: page 3",
    "Placeholder values remain in section 2.",
    "undefined behaviour",
    "Null Island",
    "",
    "  ",
]


@pytest.mark.parametrize("text", ANSWERS)
def test_a_short_answer_is_an_answer(text):
    assert not is_placeholder(text)


@given(
    st.sampled_from([text for text in PLACEHOLDERS if "\n" not in text]), st.sampled_from(["{} {}", "{}: {}", "{}\n{}"])
)
def test_a_placeholder_beside_an_answer_is_none(text, form):
    assert not is_placeholder(form.format("The price is 5 EUR and the term", text))


WORDS = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=12)
SAYINGS = st.sampled_from([*LIMITS, *UNPAID, *PLACEHOLDERS])


@given(st.lists(WORDS, min_size=40, max_size=60), SAYINGS, st.integers(0, 60))
def test_an_honest_text_of_forty_words_is_never_a_notice_or_a_placeholder(words, saying, place):
    for text in (" ".join(words), " ".join([*words[:place], saying, *words[place:]])):
        assert len(text.split()) >= 40
        if not re.match("lorem ipsum", text, re.I):
            assert not limit_notice(text) and not unpaid_notice(text) and not is_placeholder(text)


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece",
    ["a", " ", "-", "`", "[", "resets ", "resets in 1", "limit reached ", "· ", "lorem ipsum ", "*_", "**a", "{{"],
)
def test_a_megabyte_made_to_be_slow_is_not(piece):
    for text in (piece * (1_000_000 // len(piece)), piece * (590 // len(piece))):
        resets_at(text, NOON), limit_notice(text), unpaid_notice(text), is_placeholder(text)
