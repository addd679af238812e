"""Instructions that will probably not do what was meant are said so; those that will are let pass."""

import time
from dataclasses import replace

import pytest

from batchproc import lint
from batchproc.models import Profile
from tests.conftest import OPTIONS

READS = replace(OPTIONS, profile=Profile.READ_ONLY)
CONTRACT = {"type": "object", "properties": {"party": {"type": "string"}, "amount": {"type": "number"}}}
SUMMARY = {"type": "object", "properties": {"summary": {"type": "string"}, "risk": {"enum": ["low", "high"]}}}
FILE = {"file_path": "/a/x.txt", "relative_path": "x.txt", "file_name": "x.txt", "file_size": 3}
ROW = {"id": "7", "name": "Ann", "review": "Fine."}


def warned(instructions, *, source="csv", options=READS, schema=None, total=500, row=None):
    payload = row or (FILE if source == "file" else ROW)
    key = str(next(iter(payload.values())))
    return lint.warnings(
        instructions, options=options, source=source, sample=[(key, payload)], total=total, output_schema=schema
    )


GOOD = [
    "Summarise each contract in two sentences.",
    "Summarise.",
    "Greet {{ name }}, who wrote: {{ review }}",
    "Review the contract for termination clauses and list each with its page.",
    "Look at the photo and say what breed the dog is.",
    "Classify the sentiment as positive, negative or neutral.",
    "Extract the party, the amount and the due date.",
    "Translate it to German.",
    "Is this email spam? Answer yes or no.",
    "Fasse jeden Vertrag in zwei Sätzen zusammen.",
    "请用两句话总结每份合同。",
    "Check each function for missing error handling; name the line.",
    "Fix the failing test and explain the cause.",
    "Add type hints to every function in the file.",
    "Rate the review from 1 to 5.",
    "What is the capital of the country?",
    "For each contract, list the parties and the governing law.",
    "Count the rows in the table and give the total of the amount column.",
    "Read the file. Then write a one-paragraph abstract.",
    "List all 12 clauses of the contract with their headings.",
    "Compare the two versions of the clause and say which is stricter.",
    "Write one summary covering all sections of the report.",
    "Rewrite the text so that a ten-year-old understands it.",
    "Analyze the sentiment of each review.",
    "Find all broken links.",
    "Check whether the invoice number is valid.",
    "Describe the image in one sentence for a blind reader.",
    "Give the most likely cause of the error and one way to mend it.",
]


@pytest.mark.parametrize("instructions", GOOD)
def test_good_instructions_are_let_pass(instructions):
    for source in ("csv", "file"):
        if "{{" not in instructions or source == "csv":
            assert warned(instructions, source=source) == []


GOOD_WITH_SCHEMA = [
    ("Summarise each contract in two sentences and rate the risk.", SUMMARY),
    ("Write the summary as markdown.", SUMMARY),
    ("Extract party and amount.", CONTRACT),
    ('Return JSON: {"party": ..., "amount": ...}', CONTRACT),
    ("Return an object with the fields party and amount.", CONTRACT),
    ("Use the fields name and review. Give party and amount.", CONTRACT),
    ("Read the amounts in the table of each CSV file.", CONTRACT),
    ("Process each file.", CONTRACT),
    ("Give the party and the amount in the table on page 2.", CONTRACT),
    ("Describe the risk.", {"properties": {"findings": {"items": {"properties": {"risk": {"type": "string"}}}}}}),
    ("Answer in one paragraph.", {"properties": {"answer": {"type": "string"}}}),
    ("Explain the flaw in one sentence.", {"properties": {"flaw": {"type": "string"}, "line": {"type": "integer"}}}),
]


@pytest.mark.parametrize(("instructions", "schema"), GOOD_WITH_SCHEMA)
def test_instructions_that_go_with_their_schema_are_let_pass(instructions, schema):
    assert warned(instructions, schema=schema) == []


VAGUE, BATCH, FORM, KEY, UNUSED, SAME, PATH, UNREADABLE = (
    "do not say what the answer should contain",
    "speak of the whole batch",
    "output_schema is set",
    "as a key of the answer",
    "never uses",
    "names no field",
    "never uses file_path",
    "cannot read their file",
)
BAD = [
    ("look at this", VAGUE, {}),
    ("Review each contract.", VAGUE, {}),
    ("Process the files", VAGUE, {}),
    ("Please analyze every sales call carefully.", VAGUE, {}),
    ("Handle it. Be thorough.", VAGUE, {}),
    ("Read the document and improve it", VAGUE, {}),
    ("Make the text better.", VAGUE, {}),
    ("TODO", VAGUE, {}),
    ("Do something useful with it", VAGUE, {}),
    ("Analyze {{ review }}", VAGUE, {"row": {"review": "Fine."}}),
    ("Have a look at the image and tell me what you think.", VAGUE, {"source": "file"}),
    ("For each of the 500 files find the risks and produce one report.", BATCH, {}),
    ("Review these 500 contracts and list the risks.", BATCH, {}),
    ("Write a single overview of all contracts.", BATCH, {}),
    ("Rank the resumes from best to worst.", BATCH, {}),
    ("Compare every contract with the others and note what differs.", BATCH, {}),
    ("Find duplicates among the records.", BATCH, {}),
    ("Summarise all files in the folder in two sentences each.", BATCH, {"source": "file"}),
    ("Name the topics that recur across all documents.", BATCH, {"source": "file"}),
    ("Translate the 500 strings to French.", BATCH, {}),
    ("Loop over all rows and extract the price.", BATCH, {}),
    ("Which of the contracts has the highest amount?", BATCH, {}),
    ("Extract party and amount as a markdown table.", FORM, {"schema": CONTRACT}),
    ("Give party and amount. Output CSV.", FORM, {"schema": CONTRACT}),
    ("Summarise each contract in two sentences.", FORM, {"schema": CONTRACT}),
    ("Answer in plain text: who pays how much?", FORM, {"schema": CONTRACT}),
    ("List the amounts as bullet points.", FORM, {"schema": CONTRACT}),
    ("Name the party. Do not return JSON.", FORM, {"schema": CONTRACT}),
    ('Return JSON like {"party": "x", "currency": "EUR"}.', KEY, {"schema": CONTRACT}),
    ("Return JSON with the keys party, amount and due_date.", KEY, {"schema": CONTRACT}),
    ("Answer with an object that has the fields `party` and `iban`.", KEY, {"schema": CONTRACT}),
    ("Greet {{ name }} in one line.", UNUSED, {}),
    ("Answer {{ 1 + 1 }} in words.", SAME, {}),
    ("Give the topic of {{ file_name }}", PATH, {"source": "file"}),
    ("Summarise the file in two sentences.", UNREADABLE, {"source": "file", "options": OPTIONS}),
    ("Summarise {{ file_path }} in one line.", UNREADABLE, {"source": "file", "options": OPTIONS}),
]


@pytest.mark.parametrize(("instructions", "why", "more"), BAD)
def test_each_way_of_going_wrong_gets_its_own_warning_and_no_other(instructions, why, more):
    [warning] = warned(instructions, **more)
    assert why in warning


def test_a_warning_names_what_it_speaks_of():
    [unused] = warned("Greet {{ name }} in one line.")
    assert unused.startswith("the template never uses review:"), "the field that is only the key is not missed"
    [key] = warned("Return JSON with the keys party and iban.", schema=CONTRACT)
    assert "'iban'" in key and "party, amount" in key
    [batch] = warned("Review these 500 contracts and list the risks.")
    assert "these 500 contracts" in batch


def test_many_unused_fields_are_counted_and_not_all_named():
    row = {"name": "Ann", **{f"column_{n}": n for n in range(20)}}
    [unused] = warned("Write a haiku about {{ name }}.", row=row)
    assert "column_7 and 12 more" in unused and "column_8" not in unused


def test_a_system_prompt_or_a_schema_may_say_what_the_answer_is():
    assert warned("Review it.", options=replace(READS, system_prompt="You list risks.")) == []
    assert warned("Review it.", schema=SUMMARY) == []


def test_a_server_or_a_tool_may_read_for_an_agent_that_has_none():
    for more in ({"allowed_tools": ["Read"]}, {"mcp_servers": {"files": {"command": "x"}}}):
        assert warned("Summarise it.", source="file", options=replace(OPTIONS, **more)) == []


@pytest.mark.parametrize(
    "text", ["review the contract and ", "all the files of the ", 'return "a', "in a , and , and "]
)
def test_the_longest_instructions_are_looked_at_in_a_moment(text):
    began = time.monotonic()
    warned(text * (200_000 // len(text)), schema=CONTRACT)
    assert time.monotonic() - began < 10
