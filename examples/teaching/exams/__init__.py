"""Exams on paper, with a key: the numbers are drawn from a seed, and the answers computed."""
