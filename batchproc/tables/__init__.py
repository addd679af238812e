"""Opens tables that need a library, workbooks and Parquet files, in a program of its own.

A broken or hostile file can make such a library ask for memory without end, or end the process that it runs in. So it
runs in one that may hold `memory_bytes` and think for `cpu_s`, and that knows nothing of the rest of batchproc.

    __main__   the program: one order in, rows out
    excel      worksheets, by python-calamine
    faults     what calamine leaves out: cells with errors, formulas without results
    biff       the same for the old binary workbooks
    parquet    rows of a Parquet file, by pyarrow
    to_parquet the other program: makes such a file of rows that come in
"""
