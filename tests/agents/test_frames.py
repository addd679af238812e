"""Frames as the real CLI 2.1.330 wrote them (shortened), and what becomes of them."""

import json
from typing import Any

import pytest

from batchproc.agents import sayings
from batchproc.agents.frames import Tally
from batchproc.models import Message, Tokens

SESSION = "58829c4e-053e-48e4-ad95-668bf6308c1d"
USAGE = {"input_tokens": 100, "output_tokens": 1, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 7}
RUNNING = {
    "type": "system",
    "subtype": "session_state_changed",
    "state": "running",
    "sdk_host_only": True,
    "uuid": "9",
    "session_id": SESSION,
}
INIT = {
    "type": "system",
    "subtype": "init",
    "cwd": "/w",
    "session_id": SESSION,
    "tools": ["Read"],
    "mcp_servers": [],
    "model": "m",
    "permissionMode": "dontAsk",
    "slash_commands": ["clear"],
    "apiKeySource": "ANTHROPIC_API_KEY",
    "claude_code_version": "2.1.330",
    "agents": ["claude"],
}
THINKING_TOKENS = {
    "type": "system",
    "subtype": "thinking_tokens",
    "estimated_tokens": 1,
    "session_id": SESSION,
    "uuid": "2",
}
DENIED = {
    "type": "system",
    "subtype": "permission_denied",
    "tool_name": "Read",
    "tool_use_id": "toolu_1",
    "decision_reason_type": "mode",
    "message": "Permission to use Read has been denied because Claude Code is running in don't ask mode.",
    "uuid": "d",
    "session_id": SESSION,
}
RETRY = {
    "type": "system",
    "subtype": "api_retry",
    "attempt": 1,
    "max_retries": 2,
    "retry_delay_ms": 530,
    "error_status": 401,
    "error": "authentication_failed",
    "session_id": SESSION,
    "uuid": "0",
}
API_ERROR = {
    "type": "assistant",
    "message": {
        "id": "10b7",
        "model": "<synthetic>",
        "role": "assistant",
        "stop_reason": "stop_sequence",
        "type": "message",
        "usage": {"input_tokens": 0, "output_tokens": 0},
        "content": [{"type": "text", "text": "API Error: 529 stub 529."}],
    },
    "parent_tool_use_id": None,
    "session_id": SESSION,
    "error": "server_error",
    "is_api_error_message": True,
    "api_error_status": 529,
    "api_error_type": "overloaded_error",
}
MODELS = {
    "m": {
        "inputTokens": 110,
        "outputTokens": 25,
        "cacheReadInputTokens": 7,
        "cacheCreationInputTokens": 3,
        "costUSD": 0.0009,
    },
    "small": {
        "inputTokens": 5,
        "outputTokens": 1,
        "cacheReadInputTokens": 0,
        "cacheCreationInputTokens": 0,
        "costUSD": 0.0001,
    },
}
RESULT = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "num_turns": 4,
    "duration_ms": 174,
    "total_cost_usd": 0.001,
    "usage": USAGE,
    "modelUsage": MODELS,
    "permission_denials": [{"tool_name": "Read", "tool_use_id": "toolu_1", "tool_input": {"file_path": "/etc/shadow"}}],
    "terminal_reason": "completed",
    "stop_reason": "end_turn",
    "api_error_status": None,
    "result": "done",
    "session_id": SESSION,
}
INTERRUPTED = {
    "type": "result",
    "subtype": "error_during_execution",
    "is_error": True,
    "num_turns": 3,
    "total_cost_usd": 0.014,
    "usage": {"input_tokens": 1000, "output_tokens": 500},
    "modelUsage": {},
    "permission_denials": [],
    "terminal_reason": "aborted_streaming",
    "stop_reason": "tool_use",
    "errors": ["[ede_diagnostic] result_type=user"],
    "session_id": SESSION,
}
IMAGE = {
    "type": "image",
    "source": {
        "type": "base64",
        "data": "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEklEQVR4nGP4z8CAFWEXHbQSACj",
        "media_type": "image/png",
    },
}


def answer(*blocks: dict[str, Any], number: int = 1) -> dict[str, Any]:
    """The CLI sends one frame for each block, all with the answer's id."""
    message = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "usage": USAGE,
        "content": list(blocks),
    }
    return {"type": "assistant", "message": message, "parent_tool_use_id": None, "session_id": SESSION, "uuid": "u"}


def use(number: int, name: str = "Read", **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}


def result(number: int, content: Any, *, is_error: bool = False) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": content, "is_error": is_error}
    return {
        "type": "user",
        "message": {"role": "user", "content": [block]},
        "parent_tool_use_id": None,
        "session_id": SESSION,
        "tool_use_result": "not ours",
    }


def tell(*sequence: dict[str, Any]) -> tuple[Tally, list[Message]]:
    tally = Tally()
    return tally, [message for frame in sequence for message in tally.add(frame)]


def test_a_run_is_told_in_order_and_its_report_is_the_bill() -> None:
    text = {"type": "text", "text": "let me"}
    tally, said = tell(
        RUNNING, INIT, THINKING_TOKENS, answer({"type": "thinking", "thinking": "hm", "signature": "c2ln"}),
        answer(text), answer(use(0, file_path="/f")), answer(use(1, file_path="/etc/shadow")), DENIED,
        result(1, "Permission to use Read has been denied", is_error=True),
        answer(use(2, "Bash", command="ls")),
        result(2, "<tool_use_error>Error: No such tool available: Bash.</tool_use_error>", is_error=True),
        result(0, "1\thello"), answer({"type": "text", "text": "done"}, number=2), RESULT,
    )  # fmt: skip
    kinds = [message.kind for message in said]
    assert kinds == [
        *("init", "thinking", "text", "tool_use", "tool_use", "permission_denied"),
        *("tool_result", "tool_use", "tool_result", "tool_result", "text", "result"),
    ]
    assert said[0].data["claude_code_version"] == "2.1.330"
    assert "slash_commands" not in said[0].data
    assert said[3].data == {"id": "toolu_0", "name": "Read", "input": {"file_path": "/f"}}
    assert said[-3].data == {"id": "toolu_0", "content": "1\thello"}
    end = tally.report("result", duration_s=1.5)
    assert (end.text, end.turns, end.api_calls, end.cost_usd, end.duration_s) == ("done", 4, 2, 0.001, 1.5)
    assert end.tokens == Tokens(input=115, output=26, cache_read=7, cache_write=3)
    assert end.denied_tools == ("Read",)
    assert end.tools_run == 1
    assert end.session_id == SESSION


def test_the_first_thing_of_each_model_answer_says_what_that_answer_read() -> None:
    nothing_to_say = answer({"type": "thinking", "thinking": "", "signature": "c2ln"}, number=2)
    _, said = tell(
        answer({"type": "text", "text": "let me"}), answer(use(0, file_path="/f")), result(0, "1\thello"),
        nothing_to_say, answer({"type": "text", "text": "done"}, number=2), RESULT,
    )  # fmt: skip
    read = {"tokens": 100, "cache_read": 7, "cache_write": 3}
    assert [message.data.get("read") for message in said] == [read, None, None, read, None]


@pytest.mark.parametrize(
    ("model", "usd"), [("claude-haiku-5-5", 1.0445e-05), ("claude-opus-4-5-20251101", 0.00052225), ("rehearsal", None)]
)
def test_what_an_answer_read_has_its_price_where_the_model_has_one(model: str, usd: float | None) -> None:
    said = answer({"type": "text", "text": "let me"})
    said["message"]["model"] = model
    assert tell(said)[1][0].data["read"].get("usd") == usd


def test_a_model_answer_that_read_nothing_says_nothing_of_it() -> None:
    free = answer({"type": "text", "text": "let me"})
    free["message"]["usage"] = dict.fromkeys(USAGE, 0)
    _, said = tell(free)
    assert said[0].data == {"text": "let me"}


def test_a_tool_that_was_asked_for_and_never_answered_may_have_run() -> None:
    tally, _ = tell(answer(use(0, "Write")))
    end = tally.report("died", duration_s=1)
    assert end.tools_run == 1
    assert end.tokens == Tokens(input=100, output=1, cache_read=7, cache_write=3)
    assert end.cost_usd == 0


def test_an_answer_by_schema_is_no_tool_that_ran() -> None:
    tally, _ = tell(
        answer(use(0, "StructuredOutput", a=1)), {**RESULT, "structured_output": {"a": 1, "half": "\ud83d"}}
    )
    end = tally.report("result", duration_s=1)
    assert end.output == {"a": 1, "half": "?"}
    assert end.tools_run == 0


def test_a_structured_answer_that_was_not_taken_is_kept_as_a_draft() -> None:
    tried = (answer(use(n, "StructuredOutput", a=n, half="\ud83d")) for n in range(2))
    bill = {**RESULT, "is_error": True, "subtype": "error_max_structured_output_retries", "result": None}
    tally, _ = tell(*tried, bill)
    end = tally.report("result", duration_s=1)
    assert (end.output, end.text, end.draft) == (None, "", '{"a": 1, "half": "?"}')


def test_errors_of_the_api_are_no_answers_of_the_model() -> None:
    bill = {**RESULT, "is_error": True, "api_error_status": 529, "terminal_reason": "api_error", "result": "API Error"}
    tally, said = tell({**RETRY, "error_status": 529, "error": "overloaded"}, API_ERROR, bill)
    end = tally.report("result", duration_s=1)
    assert (end.api_calls, end.is_error, end.api_error_status, end.api_error) == (0, True, 529, "server_error")
    assert end.api_retries == ((529, "overloaded"),)
    assert said[0].data["retry_delay_ms"] == 530
    assert said[1].data["api_error"] == "server_error"
    assert not tally.refused


def test_a_refused_credential_is_known_at_its_first_frame() -> None:
    tally, _ = tell(INIT, RETRY)
    assert tally.refused
    end = tally.report("result", duration_s=1)
    assert (end.is_error, end.api_error_status, end.api_error) == (True, 401, "authentication_failed")
    assert (end.terminal_reason, end.api_calls) == ("api_error", 0)


def test_an_interrupted_run_bills_what_it_used() -> None:
    tally, _ = tell(INTERRUPTED)
    end = tally.report("timeout", duration_s=1)
    assert (end.ended, end.cost_usd, end.tokens) == ("timeout", 0.014, Tokens(input=1000, output=500))
    assert "ede_diagnostic" in end.detail


def test_a_result_for_a_task_in_the_background_is_not_the_end() -> None:
    tally, _ = tell({**RESULT, "origin": {"kind": "task-notification"}})
    assert tally.bill is None


def test_pictures_become_a_note() -> None:
    _, (message,) = tell(result(0, [IMAGE, {"type": "text", "text": "a red square"}]))
    content = message.data["content"]
    assert content[0]["source"] == "[image/png, 56 bytes, not kept]"
    assert content[1]["text"] == "a red square"


def test_no_message_is_larger_than_it_may_be_and_a_cut_says_so() -> None:
    for content in ("é" * 900_000, [{"type": "text", "text": "x" * 90_000}] * 40, ["x" * 300] * 5000, [[1]] * 400_000):
        _, (message,) = tell(result(0, content))
        assert len(json.dumps(message.data, ensure_ascii=False).encode()) <= sayings.LARGEST
        assert "cut" in json.dumps(message.data)
    _, (whole,) = tell(result(0, "x" * 90_000))
    assert whole.data["content"] == "x" * 90_000


def test_half_a_character_breaks_nothing() -> None:
    _, (message,) = tell(answer({"type": "text", "text": "half \ud83d of it"}))
    message.data["text"].encode()


def test_frames_that_nobody_knows_are_passed_on_or_left_out() -> None:
    _, said = tell({"type": "novelty"}, {"type": "system", "subtype": "novelty", "x": 1}, {}, {"type": "assistant"})
    assert [(m.kind, m.data) for m in said] == [("system", {"subtype": "novelty", "x": 1})]


def test_a_quota_is_told() -> None:
    _, (message,) = tell({"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 5}})
    assert (message.kind, message.data) == ("rate_limit", {"status": "rejected", "resetsAt": 5})


def bill(**more):
    given = {"type": "result", "subtype": "success", "is_error": False, "result": "fine", "total_cost_usd": 0.3}
    return {**given, **more}


def tally_of(*given):
    tally = Tally()
    for frame in given:
        tally.add(frame)
    return tally


def said(text, **more):
    return {
        "type": "assistant",
        "message": {"id": text, "model": "m", "content": [{"type": "text", "text": text}]},
        **more,
    }


def test_a_conversation_that_goes_on_is_billed_for_itself_alone() -> None:
    own = {"m": {"inputTokens": 10, "outputTokens": 2, "costUSD": 0.05}}
    tally = tally_of(bill(modelUsage={"m": {"inputTokens": 99, "costUSD": 0.3}}, model_usage_since_last_result=own))
    report = tally.report("result", duration_s=1)
    assert (report.cost_usd, report.tokens.total, report.billed) == (0.05, 12, True)


def test_without_a_bill_the_cost_is_unknown_unless_the_api_refused() -> None:
    assert not tally_of(said("x")).report("died", duration_s=1).billed
    refused = tally_of(
        {"type": "system", "subtype": "api_retry", "error_status": 401, "error": "authentication_failed"}
    )
    assert refused.refused and refused.report("result", duration_s=1).billed


def test_an_answer_in_pieces_is_joined() -> None:
    more = {
        "type": "user",
        "isSynthetic": True,
        "message": {"content": [{"type": "text", "text": "Output token limit hit. Resume directly — no apology"}]},
    }
    report = tally_of(said("one, "), more, said("two, "), more, said("three"), bill(result="three")).report(
        "result", duration_s=1
    )
    assert report.text == "one, two, three"


def test_a_whole_answer_that_crossed_its_cap_counts_and_an_unfinished_one_does_not() -> None:
    crossed = {
        "subtype": "error_max_budget_usd",
        "is_error": True,
        "result": None,
        "errors": ["Reached maximum budget"],
    }
    whole = tally_of(said("the answer"), bill(**crossed, stop_reason="end_turn")).report("result", duration_s=1)
    assert (whole.subtype, whole.is_error, whole.text) == ("success", False, "the answer")
    unfinished = tally_of(said("let me see"), bill(**crossed, stop_reason="tool_use")).report("result", duration_s=1)
    assert (unfinished.subtype, unfinished.is_error, unfinished.text) == ("error_max_budget_usd", True, "")


def test_a_rejected_limit_is_told_with_its_end_and_an_allowed_one_is_none() -> None:
    rejected = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1795658402}}
    report = tally_of(rejected, bill(is_error=True)).report("result", duration_s=1)
    assert (report.limited, report.limit_until) == (True, 1795658402.0)
    overage = tally_of(rejected, bill()).report("result", duration_s=1)
    assert not overage.limited, "it went on, paid otherwise"
    allowed = {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed_warning", "resetsAt": 1795658402}}
    assert not tally_of(allowed, bill(is_error=True)).report("result", duration_s=1).limited


def test_a_long_wait_for_a_limit_gives_the_slot_back_unless_something_was_done() -> None:
    wait = {
        "type": "system",
        "subtype": "api_retry",
        "error_status": 429,
        "error": "rate_limit",
        "retry_delay_ms": 37_000,
    }
    tally = tally_of(wait)
    report = tally.report("result", duration_s=1)
    assert tally.refused and (report.is_error, report.api_error_status) == (True, 429)
    assert report.limit_until is not None
    assert not tally_of(said("I have read half"), wait).refused
    assert not tally_of({**wait, "retry_delay_ms": 900}).refused


def test_tools_that_gave_something_back_are_told_from_those_that_did_not() -> None:
    asks = [{"type": "tool_use", "id": str(n), "name": "Read", "input": {}} for n in range(3)]
    back = [
        {"type": "tool_result", "tool_use_id": "0", "content": "the text"},
        {"type": "tool_result", "tool_use_id": "1", "content": "File does not exist.", "is_error": True},
    ]
    tally = tally_of(
        {"type": "assistant", "message": {"id": "a", "model": "m", "content": asks}},
        {"type": "user", "message": {"content": back}},
    )
    assert tally.waits_for_tool
    report = tally.report("died", duration_s=1)
    assert (report.tools_run, report.tools_done) == (3, 1)


def test_a_server_that_did_not_start_is_named() -> None:
    init = {
        "type": "system",
        "subtype": "init",
        "mcp_servers": [{"name": "a", "status": "connected"}, {"name": "b", "status": "failed"}],
    }
    tally = tally_of(init)
    assert tally.lacks == "b" and "did not start: b" in tally.report("no_server", duration_s=1).detail
