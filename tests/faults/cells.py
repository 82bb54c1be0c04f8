"""The list of cells, in the order in which they are declared."""

CELLS = {}


class Skipped(Exception):
    """This machine cannot inject the fault; the text says why."""


def cell(quick=False):
    """Declares a cell: a function of a World. `quick`: part of every run of CI."""
    def declare(play):
        CELLS[play.__name__.replace("_", "-")] = (play, quick)
        return play
    return declare
