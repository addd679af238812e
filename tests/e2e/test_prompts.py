"""What the model is asked, as it is asked: the shared part as the system prompt, a unit's own part as its message."""

import json

from batchproc.prompts import CLOSE, OPEN

ROWS = {"type": "list", "items": [{"name": "Ann"}, {"name": "Bob"}], "key_field": "name"}


def system_of(call):
    """The system prompt without what the CLI says of itself."""
    return call.body["system"][-1]["text"]


async def test_every_face_shows_the_prompt_as_it_is_sent(house):
    created = await house.create("Greet them, in one line.", ROWS, system_prompt="You are kind.")
    assert "Greet them, in one line." in created.shared_prompt
    assert all("Greet them" not in sample.prompt for sample in created.sample)
    await house.start(created.job_id)
    await house.ended(created.job_id)
    unit = await house.service.get_unit(created.job_id, "Bob")
    [sent] = [call for call in house.model.calls if "Bob" in call.prompt]
    assert system_of(sent) == unit.system_prompt == created.shared_prompt
    assert sent.prompt == unit.prompt == created.sample[1].prompt
    assert json.loads(unit.prompt.split(OPEN)[1].split(CLOSE)[0]) == {"name": "Bob"}


async def test_a_template_shares_only_the_users_own_system_prompt(house):
    status = await house.run("Greet {{ name }}.", ROWS, system_prompt="You are kind.")
    assert {call.prompt for call in house.model.calls} == {"Greet Ann.", "Greet Bob."}
    assert {system_of(call) for call in house.model.calls} == {"You are kind."}
    assert (await house.service.get_unit(status.job_id, "Ann")).system_prompt == "You are kind."
    assert (await house.create("Greet {{ name }}.", ROWS)).shared_prompt is None


async def test_instructions_that_will_not_do_are_warned_of_before_anything_runs(house, tmp_path):
    (tmp_path / "a.txt").write_text("x")
    folder = {"type": "file", "base_directory": str(tmp_path), "pattern": "*.txt"}
    created = await house.create("Look at it.", folder, profile="answer")
    assert [w for w in created.warnings if "cannot read their file" in w or "what the answer should contain" in w]
    fine = await house.create("Say in one line what it is about.", folder)
    assert fine.warnings == []
