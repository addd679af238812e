"""The detached process that claims, dispatches and records. One per store, for all its jobs."""
