"""The CSV file that `enumerate` and `status` read: id, name, amount, note; about 60 bytes a row."""

from pathlib import Path

INSTRUCTIONS = "Write one line about {{ name }}."


def write(path: Path, rows: int) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("id,name,amount,note\n")
        file.writelines(
            f"c-{n:07d},Customer number {n},{n % 9973}.{n % 100:02d},seen in ward {n % 31} of town {n % 701}\n"
            for n in range(1, rows + 1)
        )
    return path


def enumerator(path: Path) -> dict[str, str]:
    return {"type": "csv", "file_path": str(path), "id_column": "id"}
