"""Figures of the pages, one module a page: functions that draw, and return a Matplotlib figure."""
