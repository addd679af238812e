"""Judge of the files that agents make: what lies in the output folder, against the rows."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchproc.store import engine
from tests.crash import child
from tests.crash.totals import Findings
from tests.crash.watch import Watch

UNITS = "SELECT number, key, status, text, error FROM units WHERE job = :job"
FILES = "SELECT unit, attempt, path, sha256 FROM publications WHERE job = :job AND sha256 IS NOT NULL"
LEFT = {
    "claims of units that do not run": "SELECT COUNT(*) FROM publications p JOIN units u ON u.number = p.unit "
    "WHERE p.sha256 IS NULL AND u.status <> 'running'",
    "promises of units that do not run": "SELECT COUNT(*) FROM promises p JOIN units u ON u.number = p.unit "
    "WHERE u.status <> 'running' OR u.attempt <> p.attempt",
}
TOLD = "SELECT unit, COUNT(*) AS n FROM events WHERE job = :job AND kind = 'unit.published' GROUP BY unit"
STAGINGS = "SELECT COUNT(*) FROM stagings"


@dataclass(kw_only=True)
class Published:
    """What the rows say at one moment."""

    units: list[dict[str, Any]]
    files: dict[int, list[dict[str, Any]]]
    told: dict[int, int]
    wrong: list[str] = field(default_factory=list)


def of_job(tx: engine.Tx, job: int) -> Published:
    files: dict[int, list[dict[str, Any]]] = {}
    for row in tx.execute(FILES, {"job": job}):
        files.setdefault(row["unit"], []).append(dict(row))
    told = {row["unit"]: row["n"] for row in tx.execute(TOLD, {"job": job})}
    found = {what: tx.execute(statement).fetchone()[0] for what, statement in LEFT.items()}
    wrong = [f"{n} {what}" for what, n in found.items() if n]
    units = [dict(row) for row in tx.execute(UNITS, {"job": job})]
    return Published(units=units, files=files, told=told, wrong=wrong)


def names(out: Path, key: str) -> list[Path]:
    return [out / f"{key}.md", out / "sub" / f"{key}.json"]


def mid_run(found: Published) -> Findings:
    """At any moment: a unit that has succeeded has its files in their places."""
    verdict = Findings(wrong=list(found.wrong))
    for unit in found.units:
        if unit["status"] == "succeeded":
            verdict.wrong += _of_unit(unit, found.files.get(unit["number"], []))
    return verdict


def ended(found: Published, out: Path, foreign: Mapping[Path, str], watch: Watch | None) -> Findings:
    """Of a job that has ended: each output once, of the attempt that was accepted; no staging; nothing of others."""
    verdict = mid_run(found)
    expected: set[Path] = set(foreign)
    for unit in found.units:
        places = names(out, unit["key"])
        hindered = any(place in foreign for place in places)
        if (unit["status"] == "succeeded") is hindered:
            verdict.wrong.append(f"unit {unit['key']} is {unit['status']}: {unit['error']}")
        if found.told.get(unit["number"], 0) != (not hindered):
            verdict.wrong.append(f"unit {unit['key']} was published {found.told.get(unit['number'], 0)} times")
        expected |= set() if hindered else set(places)
        if watch is not None and not hindered:
            verdict.wrong += _seen(watch, places)
    there = {path for path in out.rglob("*") if not path.is_dir()}
    verdict.wrong += [f"{path} is there" for path in sorted(there - expected)]
    verdict.wrong += [f"{path} is missing" for path in sorted(expected - there)]
    verdict.wrong += [f"{path} is left" for path in out.glob(".batchproc-*")]
    changed = [path for path, text in foreign.items() if path in there and path.read_text() != text]
    verdict.wrong += [f"{path} was somebody else's, and is changed" for path in changed]
    return verdict


def _of_unit(unit: Mapping[str, Any], files: Collection[Mapping[str, Any]]) -> list[str]:
    wrong = [] if len(files) == 2 else [f"unit {unit['key']} has {len(files)} files"]
    for file in files:
        path = Path(file["path"])
        name = path.name if path.suffix == ".md" else f"sub/{path.name}"
        text = child.content(unit["key"], file["attempt"], name)
        if unit["text"] != f"{unit['key']}#{file['attempt']}":
            wrong.append(f"{path} is not of the attempt that said {unit['text']!r}")
        if not path.is_file() or path.read_text() != text or path.stat().st_nlink > 2:
            wrong.append(f"{path} does not hold what attempt {file['attempt']} wrote")
        elif hashlib.sha256(text.encode()).hexdigest() != file["sha256"]:
            wrong.append(f"{path} has another hash")
    return wrong


def _seen(watch: Watch, places: Collection[Path]) -> list[str]:
    came = [f"{path} came {watch.came[path]} times" for path in places if watch.came[path] != 1]
    return came + [f"{path} went {watch.went[path]} times" for path in places if watch.went[path]]
