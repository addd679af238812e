"""What kind of thing a unit is, told from its file's name, and how its agent should go about it."""

import os
from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """Told without a model and without opening a file."""

    RECORD = "record"  # its data is all of it
    CODE = "code"
    IMAGE = "image"
    DOCUMENT = "document"  # and every file that is nothing else


HINTS = {
    Kind.RECORD: "The unit is the record above.",
    Kind.CODE: (
        "The unit is the source file at file_path. Read it before you answer, and where you speak of a place in it, "
        "give the line numbers."
    ),
    Kind.IMAGE: "The unit is the image at file_path. Look at it with the Read tool before you answer.",
    Kind.DOCUMENT: "The unit is the file at file_path. Read all of it before you answer, in pieces if it is long.",
}
"""The last words of a unit's own part of the prompt."""

_IMAGES = ".avif .bmp .gif .heic .heif .jpeg .jpg .png .tif .tiff .webp"
_CODE = """
    .asm .awk .bash .bat .c .cc .cjs .clj .cljs .cmake .cob .coffee .cpp .cs .css .cts .cu .cxx .d .dart .el
    .elm .erl .ex .exs .f .f90 .fs .fsx .glsl .go .gradle .groovy .h .hh .hpp .hrl .hs .html .hxx .java .jl .js
    .jsx .kt .kts .less .lisp .lua .m .mjs .ml .mli .mm .mts .nim .pas .php .pl .pm .proto .ps1 .py .pyi .pyx .r
    .rb .rkt .rs .s .sass .scala .scm .scss .sh .sol .sql .svelte .swift .tcl .tf .ts .tsx .v .vb .vhd .vue .wat
    .zig .zsh
"""
_CODE_NAMES = "cmakelists.txt containerfile dockerfile gemfile jenkinsfile makefile rakefile"
IMAGES, CODE, CODE_NAMES = (frozenset(names.split()) for names in (_IMAGES, _CODE, _CODE_NAMES))


def of_file(payload: Mapping[str, Any]) -> Kind:
    """The kind of a unit that is a file, by the name of it."""
    name = os.path.basename(str(payload.get("file_path", ""))).lower()  # noqa: PTH119 - a Path costs ten times as much
    extension = os.path.splitext(name)[1]  # noqa: PTH122
    if extension in IMAGES:
        return Kind.IMAGE
    if extension in CODE or name in CODE_NAMES:
        return Kind.CODE
    return Kind.DOCUMENT
