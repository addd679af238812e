"""batchproc: the same thoughtful job, thousands of times, one Claude agent per work unit.

The house, from the door inwards:

    interfaces   mcp, cli, http: parse, call the service, present; dashboard: the page that http serves
    app          the composition root: who is introduced to whom; dashboards: one process for a store, found or started
    service      the verbs that every face calls
    supervisor   the detached process that claims, dispatches and records; limits, pauses, rescue
    present      what the store says, as answers that every face gives
    jobs         a job's life below the faces; options: its defaults filled in
    workers      carry attempts, one per slot
    agents       run one prompt: the Claude Agent SDK, the guard, the rehearsal model
    store        the only place with our SQL
    export       results as files, streamed; queries: questions in SQL, in a sealed process
    enumerators  find items: file, csv, excel, json, parquet, sql, list
    tables       the program that opens workbooks and Parquet files
    prompts, judge, retry, budget, approvals, forecast, staleness, gold, sampling    pure decisions
    platform     the only place that knows the operating system
"""

__version__ = "0.1.0"
