"""What the scripts in tests/robustness show at length, briefly: a true `kill -9`, and a soak."""

import signal

import pytest
from robustness import soak, two_processes
from test_checkpoints import assert_same_run


def test_a_folder_is_rejected_to_a_second_process_and_free_when_the_first_is_killed(tmp_path):
    """The first dies by `kill -9` in the middle of a write."""
    with two_processes.started(tmp_path, killed=True) as process:
        with pytest.raises(ValueError, match=f"another run is writing to {tmp_path}; expected"):
            two_processes.run(tmp_path)
        process.communicate("\n", timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".checkpoint-*.part"))) == 1  # half of a checkpoint
    assert_same_run(two_processes.run(tmp_path), two_processes.run())
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(("source", "steps"), [("arrays", 1_000), ("function", 1_000)])
def test_files_and_compiled_programs_do_not_become_more(source, steps, tmp_path, monkeypatch):
    monkeypatch.setattr(soak, "SAMPLES", 5)
    soak.count_programs()
    samples, epochs = soak.one_run(source, steps, tmp_path)
    assert len(samples) == 5
    assert len(list(tmp_path.iterdir())) == soak.FILES  # by the end at the latest
    grew = soak.growth(samples, epochs)
    assert not grew.keys() - {"rss"}, grew  # pytest's own memory is in that
