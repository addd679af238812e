"""The rows that `enumerate`, `sources` and `status` read: id, name, amount, note; about 60 bytes each as CSV."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

INSTRUCTIONS = "Write one line about {{ name }}."


def write(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("id,name,amount,note\n")
        file.writelines(
            f"c-{n:07d},Customer number {n},{n % 9973}.{n % 100:02d},seen in ward {n % 31} of town {n % 701}\n"
            for n in range(1, rows + 1)
        )
    return path


def rows(count: int) -> Iterator[dict[str, Any]]:
    """The same with the amount as a number, for what has numbers."""
    for n in range(1, count + 1):
        yield {
            "id": f"c-{n:07d}",
            "name": f"Customer number {n}",
            "amount": n % 9973 + n % 100 / 100,
            "note": f"seen in ward {n % 31} of town {n % 701}",
        }


def enumerator(path: Path) -> dict[str, str]:
    return {"type": "csv", "file_path": str(path), "id_column": "id"}
