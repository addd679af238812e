"""What an agent comes by of its credential is in no row, no result and no log."""

import pytest

from batchproc.agents.rehearsal import Reply

SECRET = "sk-ant-api03-Zq8vXw7Yt6Us5Rr4"
OTHER = "AKIAIOSFODNN7EXAMPLQ"


def tells(call):
    if "fail" in call.prompt:
        return Reply(status=400, message=f"the key {SECRET} is not for this")
    return Reply(text=f"RESULT: the key is {SECRET}, and in the file was {OTHER}.", thinking=f"so it is {SECRET}")


@pytest.mark.script.with_args(tells, ANTHROPIC_API_KEY=SECRET)
async def test_secrets_are_taken_out_of_events_logs_results_and_reasons(house):
    source = {"type": "list", "items": [{"name": "Ann"}, {"name": "fail"}], "key_field": "name"}
    look = await house.run("Greet {{ name }}.", source, breaker=1, max_concurrency=1)
    results = {r.key: r for r in await house.results(look.job_id)}
    assert results["Ann"].text == "RESULT: the key is [redacted], and in the file was [redacted: aws key]."
    assert "the key [redacted] is not for this" in results["fail"].error
    files = [p for p in house.home.rglob("*") if p.is_file() and "agents" not in p.parts]
    assert len(files) > 3
    for path in files:
        held = path.read_bytes()
        assert SECRET.encode() not in held and OTHER.encode() not in held, path
