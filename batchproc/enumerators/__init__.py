"""Finds items: one file a kind, and the table of kinds in `registry`.

    file   files below a folder            json   elements of an array, or lines of JSON Lines
    csv    rows of a table                 sql    rows of a SELECT
    list   items in the job itself        excel  rows of a worksheet
    dynamic   what Python code yields      parquet  rows of a Parquet file

`build` makes an enumerator of what the user wrote, `carry` what of it a job keeps, and `catalogue` tells what can be
written. (Nothing else may stand here: the kinds `list`, `json` and `csv` are names in this module, and hide the usual
ones once they are imported.)
"""

from batchproc.enumerators.base import Config, Enumerator
from batchproc.enumerators.registry import KINDS, build, carry, catalogue, logs

__all__ = ["KINDS", "Config", "Enumerator", "build", "carry", "catalogue", "logs"]
