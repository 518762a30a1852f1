"""The table of speed on the design page has every goal once."""

from sitetools import speed


def test_every_goal_is_in_the_table_once():
    measured = speed.RESULTS.read_text().split("## Goals\n\n")[1].strip().splitlines()[2:]
    written = [line.strip() for line in speed.goals().splitlines() if "×" in line]
    assert sorted(written) == sorted(measured)


def test_the_goals_shown_first_are_measured():
    first = speed.goals().split("???")[0]
    assert first.count("×") >= 2 * len(speed.SHOWN)
    assert "not reached" in first  # not only the good ones
