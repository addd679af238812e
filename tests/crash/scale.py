"""How much of each harness is run: a few, the numbers of `make crash`, or those of `make torture`."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Scale:
    """`machine_s` ends the state machine before its examples do; what ran is in the totals."""

    name: str
    examples: int
    steps: int
    machine_s: float
    kills: int
    pilot_kills: int
    cli_kills: int
    face_kills: int
    races: int
    faults: int
    full_disks: int
    overspends: int
    cheap_overspends: int
    readers: int
    output_kills: int
    soak_units: int = 0
    is_few: bool = False
    call_usd: float = 0.02  # of one call of the overspending model


CRASH = Scale(
    name="crash",
    examples=300,
    steps=50,
    machine_s=300,
    kills=40,
    pilot_kills=8,
    cli_kills=6,
    face_kills=10,
    races=20,
    faults=1,
    full_disks=1,
    overspends=3,
    cheap_overspends=6,
    readers=5,
    output_kills=10,
)
TORTURE = Scale(
    name="torture",
    examples=20_000,
    steps=60,
    machine_s=6 * 3600,
    kills=1000,
    pilot_kills=200,
    cli_kills=100,
    face_kills=100,
    races=200,
    faults=30,
    full_disks=20,
    overspends=100,
    cheap_overspends=200,
    readers=50,
    output_kills=200,
    soak_units=100_000,
)


def few(n: int) -> Scale:
    """A look at everything, for whoever changes these harnesses: `n` kills, and one or two of all else."""
    return Scale(
        name=f"few ({n})",
        is_few=True,
        examples=4 * n,
        steps=30,
        machine_s=8,
        kills=n,
        pilot_kills=2,
        cli_kills=1,
        face_kills=1,
        races=2,
        faults=1,
        full_disks=1,
        overspends=1,
        cheap_overspends=1,
        readers=1,
        output_kills=n,
        call_usd=0.06,
    )


def chosen(text: str | None = None) -> Scale:
    """By BATCHPROC_CRASH: `crash` (the default), `torture`, or the number of kills."""
    text = text or os.environ.get("BATCHPROC_CRASH") or "crash"
    named = {"crash": CRASH, "torture": TORTURE}.get(text)
    return named or few(int(text))


SCALE = chosen()
