"""The shell writes the results of a job to a file."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batchproc import answers
from batchproc.interfaces import cli_show
from batchproc.interfaces.cli_words import coloured, console, plain

if TYPE_CHECKING:
    from batchproc.service import BatchService


def add(commands: Any) -> argparse.ArgumentParser:
    export: argparse.ArgumentParser = commands.add_parser("export", help="write the answers of a job to a file")
    export.add_argument("job_id")
    export.add_argument("path", help="the file; its ending says the format")
    export.add_argument("--format", choices=["csv", "jsonl", "parquet", "sqlite", "html"])
    export.add_argument("--status", help="only succeeded, flagged, failed, skipped or cancelled ones")
    export.add_argument("--overwrite", action="store_true", help="replace a file that no export made")
    return export


async def export(service: "BatchService", args: argparse.Namespace) -> int:
    path = _absolute(args.path)
    answer = await service.export_results(args.job_id, args.format, path, args.status, overwrite=args.overwrite)
    return cli_show.answer(args, answer, exported)


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) + ("/" if path.endswith("/") else "")


def exported(answer: answers.ExportAnswer) -> None:
    out = console()
    out.print(coloured(answer.ledger))
    out.print(f"  {answer.rows:,} results  {answer.bytes:,} bytes  {plain(answer.path)}")
    if answer.ledger_path:
        out.print(f"  [dim]the ledger: {plain(answer.ledger_path)}[/]")
    for warning in answer.warnings:
        out.print(f"  [yellow]![/] {plain(warning)}")
