"""The judge decides from the report, never from the stream's mere end."""

from dataclasses import replace

import pytest

from batchproc import schemas
from batchproc.judge import judge, signature
from batchproc.models import Cause, Report, Verdict

GOOD = Report(ended="result", subtype="success", text="All is well.", api_calls=1)


def error(**more):
    return replace(GOOD, is_error=True, text="API Error", **more)


def test_an_answer_is_believed():
    assert judge(GOOD).verdict is Verdict.SUCCEEDED


def test_a_structured_answer_without_text_is_believed():
    assert judge(replace(GOOD, text="", output={"a": 1})).verdict is Verdict.SUCCEEDED


@pytest.mark.parametrize("text", ["", "  \n\t ", "(no content)"])
def test_an_empty_answer_is_not_believed(text):
    outcome = judge(replace(GOOD, text=text))
    assert (outcome.verdict, outcome.cause) == (Verdict.EMPTY, Cause.EMPTY)


@pytest.mark.parametrize(
    "notice", ["You've hit your session limit · resets 3am", "Claude AI usage limit reached|1800000000"]
)
def test_a_limit_notice_is_no_answer_and_one_that_quotes_it_is(notice):
    outcome = judge(replace(GOOD, text=notice, api_calls=0))
    assert (outcome.verdict, outcome.cause) == (Verdict.UNRUN, Cause.QUOTA)
    assert judge(replace(GOOD, text=notice, is_error=True)).cause is Cause.QUOTA
    honest = f"{notice}: this is what the support letter says on page 2. " + "It goes on about refunds. " * 20
    assert judge(replace(GOOD, text=honest)).verdict is Verdict.SUCCEEDED
    assert judge(replace(GOOD, text=f"The letter says '{notice}'.")).verdict is Verdict.SUCCEEDED


@pytest.mark.parametrize("notice", ["Claude AI usage limit reached|9999999999", "Credit balance is too low"])
def test_a_notice_that_a_model_was_made_to_say_stops_nothing_but_its_own_unit(notice):
    outcome = judge(replace(GOOD, text=notice))
    assert (outcome.verdict, outcome.cause) == (Verdict.EMPTY, Cause.EMPTY)
    assert outcome.message == f"the answer is only a notice: {notice}"


def test_a_placeholder_is_no_answer_unless_the_instructions_ask_for_it():
    outcome = judge(replace(GOOD, text="N/A."))
    assert (outcome.verdict, outcome.message) == (Verdict.EMPTY, "the answer is only a placeholder: N/A.")
    assert judge(replace(GOOD, text="N/A."), instructions="Say n/a if there is no date.").verdict is Verdict.SUCCEEDED


def test_an_answer_about_a_file_that_was_never_read_is_flagged():
    assert judge(GOOD, reads_file=True).message == "it answered without having read its file"
    assert judge(replace(GOOD, tools_run=1, tools_done=1), reads_file=True).verdict is Verdict.SUCCEEDED


def test_a_notice_of_an_unpaid_account_pauses_the_job_whatever_it_claims_to_be():
    outcome = judge(replace(GOOD, text="Credit balance is too low", api_calls=0))
    assert (outcome.verdict, outcome.cause) == (Verdict.UNRUN, Cause.AUTHENTICATION)


def test_a_rejected_limit_says_until_when():
    rejected = replace(GOOD, is_error=True, text="You've hit your limit", limited=True, limit_until=1_800_000_000.0)
    assert (judge(rejected).cause, judge(rejected).until) == (Cause.QUOTA, 1_800_000_000.0)


@pytest.mark.parametrize(
    ("ended", "cause"), [("timeout", Cause.TIMEOUT), ("stalled", Cause.STALLED), ("no_server", Cause.CRASHED)]
)
def test_what_we_stopped_is_judged_by_why_whatever_the_bill_says(ended, cause):
    assert judge(replace(GOOD, ended=ended)).cause is cause


@pytest.mark.parametrize(
    ("subtype", "cause"), [("error_max_budget_usd", Cause.UNIT_BUDGET), ("error_max_turns", Cause.MAX_TURNS)]
)
def test_a_cap_that_was_reached_is_final_and_says_what_to_raise(subtype, cause):
    outcome = judge(replace(GOOD, is_error=True, subtype=subtype, denied_tools=("Read",)))
    assert (outcome.verdict, outcome.cause) == (Verdict.FAILED, cause)
    assert "larger" in outcome.message or "raise" in outcome.message


def test_denied_tools_flag_an_answer_and_are_named():
    outcome = judge(replace(GOOD, denied_tools=("Bash", "Bash", "Read")))
    assert outcome.verdict is Verdict.FLAGGED and outcome.message == "tools were denied: Bash, Read"


def test_an_answer_without_a_model_call_is_flagged():
    assert judge(replace(GOOD, api_calls=0)).verdict is Verdict.FLAGGED


@pytest.mark.parametrize(
    ("report", "verdict", "cause"),
    [
        (error(api_error_status=401), Verdict.UNRUN, Cause.AUTHENTICATION),
        (error(api_error_status=403), Verdict.UNRUN, Cause.AUTHENTICATION),
        (error(api_error_status=404), Verdict.UNRUN, Cause.MODEL),
        (error(api_error_status=429), Verdict.UNRUN, Cause.RATE_LIMIT),
        (error(api_error_status=529), Verdict.UNRUN, Cause.OVERLOADED),
        (error(api_error_status=429, tools_run=1), Verdict.FAILED, Cause.RATE_LIMIT),
        (error(api_error_status=500), Verdict.FAILED, Cause.SERVER),
        (error(api_error_status=503), Verdict.FAILED, Cause.SERVER),
        (error(api_error_status=400), Verdict.FAILED, Cause.INVALID_REQUEST),
        (
            replace(error(api_error_status=400), text="Your credit balance is too low"),
            Verdict.UNRUN,
            Cause.AUTHENTICATION,
        ),
        (error(api_error_status=413), Verdict.FAILED, Cause.CONTEXT_TOO_LONG),
        (error(api_error="billing_error"), Verdict.UNRUN, Cause.AUTHENTICATION),
        (replace(error(), text="Connection error: ECONNREFUSED"), Verdict.FAILED, Cause.NETWORK),
        (
            replace(error(api_error="server_error"), text="Connection to the API was lost"),
            Verdict.FAILED,
            Cause.NETWORK,
        ),
        (replace(error(), text="Prompt is too long"), Verdict.FAILED, Cause.CONTEXT_TOO_LONG),
        (replace(GOOD, subtype="error_max_turns"), Verdict.FAILED, Cause.MAX_TURNS),
        (replace(GOOD, stop_reason="refusal"), Verdict.FAILED, Cause.REFUSAL),
        (replace(GOOD, ended="timeout"), Verdict.FAILED, Cause.TIMEOUT),
        (replace(GOOD, ended="died", detail="exit 137"), Verdict.FAILED, Cause.CRASHED),
        (replace(GOOD, ended="died", subtype="cli_missing"), Verdict.UNRUN, Cause.CLI_MISSING),
        (replace(GOOD, ended="died", subtype="invalid_job"), Verdict.FAILED, Cause.PROMPT),
    ],
)
def test_every_way_to_fail_has_its_cause(report, verdict, cause):
    outcome = judge(report)
    assert (outcome.verdict, outcome.cause) == (verdict, cause)
    assert outcome.message.startswith(cause.value.replace("_", " ")) and outcome.signature


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("server: 500 for req_011CQabc at 12:01:07", "server: 503 for req_99ZZtop123 at 23:59:59"),
        ("cannot read /home/anna/a.txt", "cannot read /srv/data/deep/b.txt"),
        ("no field 'vendor' in row 7", "no field 'amount' in row 40,000"),
        ("session 3f2b8c1e-9f4d-4a6b-8a57-1f2e3d4c5b6a died", "session 00000000-9f4d-4a6b-8a57-1f2e3d4c5b6a died"),
    ],
)
def test_failures_that_are_alike_have_one_signature(one, other):
    assert signature(one) == signature(other)


def test_failures_that_differ_have_signatures_that_differ():
    assert signature("server: 500") != signature("timeout: 500")


# Structured answers.

SCHEMA = schemas.expand({"n": "integer", "who": "string"})
FITS = {"n": 1, "who": "Vale"}


def structured(output=None, *, mended=False, **more):
    return judge(replace(GOOD, output=output, **more), schema=SCHEMA, mended=mended)


def test_a_structured_answer_that_fits_is_believed():
    assert structured(FITS).verdict is Verdict.SUCCEEDED


@pytest.mark.parametrize("mended", [False, True])
@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({"output": {"n": "x", "who": "Vale"}}, "n: 'x' is not of type 'integer'"),
        ({"text": "It is 7."}, "StructuredOutput was not called"),
        ({"text": "N/A"}, "StructuredOutput was not called"),
        ({"text": "", "draft": '{"n": 1}'}, "'who' is a required property"),
        ({"draft": '{"n": 1, "who": "V"}', "detail": "too odd"}, "was not taken: too odd"),
        (
            {"draft": "[7]", "is_error": True, "subtype": "error_max_structured_output_retries", "text": ""},
            "[7] is not of type 'object'",
        ),
    ],
)
def test_one_that_does_not_fit_is_mended_once_and_then_flagged(report, said, mended):
    outcome = structured(mended=mended, **report)
    assert outcome.cause is Cause.SCHEMA and said in outcome.message and outcome.signature
    assert outcome.verdict is (Verdict.FLAGGED if mended else Verdict.EMPTY)


def test_what_the_model_said_when_the_cli_gave_up_stops_no_other_job():
    said = "Claude AI usage limit reached|9999999999"
    outcome = structured(text="", draft=f'{{"who": "{said}"}}', is_error=True, subtype=GAVE_UP, detail="5 attempts")
    assert outcome.cause is Cause.SCHEMA


GAVE_UP = "error_max_structured_output_retries"


def test_doubts_that_no_mending_dispels_come_first():
    assert structured({"n": "x"}, denied_tools=("Read",)).message == "tools were denied: Read"
    assert judge(replace(GOOD, output={"n": "x"}), schema=SCHEMA, reads_file=True).cause is None
    assert structured(text="", api_calls=0).cause is Cause.EMPTY
    assert structured({"n": "x"}, is_error=True, api_error_status=529).cause is Cause.OVERLOADED


def test_blanks_in_a_structured_answer_are_flagged():
    blank = schemas.expand({"who": "string"})
    outcome = judge(replace(GOOD, output={"who": "N/A"}), schema=blank, instructions="Who?")
    assert (outcome.verdict, outcome.cause) == (Verdict.FLAGGED, None)
    assert judge(replace(GOOD, output={"who": "N/A"}), schema=blank, instructions="Who? Or N/A.").cause is None


def test_an_empty_structured_answer_is_flagged():
    schema = schemas.expand({"type": "object", "properties": {"who": {"type": ["string", "null"]}}})
    for output in ({}, {"who": None}):
        outcome = judge(replace(GOOD, text="", output=output), schema=schema, instructions="Who?")
        assert outcome.verdict is Verdict.FLAGGED and "holds nothing" in outcome.message
