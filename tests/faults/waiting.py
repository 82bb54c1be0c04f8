"""Waiting for conditions, with a deadline."""
import time


class TooLate(Exception):
    """A condition did not come true in time."""


def until(condition, seconds, what):
    """Asks until `condition()` is true; answers what it said."""
    deadline = time.monotonic() + seconds
    while True:
        said = condition()
        if said:
            return said
        if time.monotonic() >= deadline:
            raise TooLate(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def pass_time(seconds):
    """For faults that last: how long, not whether, is the point."""
    time.sleep(seconds)
