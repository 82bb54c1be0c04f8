"""Waiting for a condition, with a deadline."""
import time


def until(look, seconds, what):
    """What `look` returns once it is true; a RuntimeError when that takes too long."""
    give_up = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > give_up:
            raise RuntimeError(f"{what} did not happen within {seconds} s")
        time.sleep(0.1)
