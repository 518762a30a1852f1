"""Ops: functions with a hand-derived derivative."""
