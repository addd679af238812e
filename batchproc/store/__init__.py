"""The only place with our SQL. `db` opens, writes and reads; the other modules are the verbs, by noun."""
