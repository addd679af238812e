"""Carry attempts: inline, in the supervisor's loop."""
