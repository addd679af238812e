"""Workbooks for the tests: made by openpyxl and xlwt, or part by part where no program would write such a thing."""

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import xlwt

SHEET = "xl/worksheets/sheet1.xml"


def xlsx(path: Path, rows: Sequence[Sequence[Any]], name: str = "S") -> str:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(name)
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return str(path)


def xls(path: Path, rows: Sequence[Sequence[Any]], name: str = "S") -> str:
    book = xlwt.Workbook()
    sheet = book.add_sheet(name)
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(at, column, value)
    book.save(str(path))
    return str(path)


def edited(path: Path, *changes: tuple[str, str]) -> str:
    """The workbook with other text in its first sheet."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts[SHEET].decode()
    for old, new in changes:
        assert old in text, text
        text = text.replace(old, new)
    parts[SHEET] = text.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return str(path)


SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text", "manifest")
)
CALCEXT = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'


def ods(path: Path, table: str, manifest: str = "") -> str:
    """The least that is an OpenDocument spreadsheet, around the rows of a table."""
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    entry = '<manifest:file-entry manifest:full-path="{}" manifest:media-type="{}">{}</manifest:file-entry>'
    files = entry.format("/", kind, "") + entry.format("content.xml", "text/xml", manifest)
    table = f'<table:table table:name="S">{table}</table:table>'
    body = f"<office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", kind, zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", f"<manifest:manifest {SPACES}>{files}</manifest:manifest>")
        archive.writestr("content.xml", f"<office:document-content {SPACES} {CALCEXT}>{body}</office:document-content>")
    return str(path)


def ods_row(*cells: str, times: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{times}">{"".join(cells)}</table:table-row>'


def ods_cell(text: str, kind: str = "string", extra: str = "") -> str:
    return f'<table:table-cell office:value-type="{kind}" {extra}><text:p>{text}</text:p></table:table-cell>'


def encrypted(path: Path) -> str:
    """What Excel writes for a workbook with a password: an OLE file with the stream "EncryptedPackage"."""
    xls(path, [["id"]])
    data = bytearray(path.read_bytes())
    at, name = data.find("Workbook".encode("utf-16-le") + b"\0\0"), "EncryptedPackage".encode("utf-16-le")
    data[at : at + len(name)] = name
    data[at + 64 : at + 66] = struct.pack("<H", len(name) + 2)
    path.write_bytes(data)
    return str(path)


def protected_xls(path: Path) -> str:
    """An .xls with a password: the record after the first is FILEPASS."""
    xls(path, [["id"]])
    data = bytearray(path.read_bytes())
    (length,) = struct.unpack_from("<H", data, 514)
    struct.pack_into("<H", data, 516 + length, 0x2F)
    path.write_bytes(data)
    return str(path)
