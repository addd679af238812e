"""The store against a pure model, over histories that nobody would think of."""

import time

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.crash.machine import StoreMachine
from tests.crash.scale import SCALE

pytestmark = [pytest.mark.crash, pytest.mark.timeout(SCALE.machine_s + 600)]
AT_A_TIME = 100


def test_no_history_brings_the_store_apart_from_its_model(totals):
    deadline = time.monotonic() + SCALE.machine_s

    class Counted(StoreMachine):
        def __init__(self) -> None:
            super().__init__()
            totals.examples += 1

    while totals.examples < SCALE.examples and time.monotonic() < deadline:
        wanted = min(AT_A_TIME, SCALE.examples - totals.examples)
        run_state_machine_as_test(
            Counted, settings=settings(max_examples=wanted, stateful_step_count=SCALE.steps, deadline=None)
        )
