"""What a scenario expects of the worker, judged over the log of its exchanges. The kinds are listed in README.md."""

from __future__ import annotations

from typing import Any

from fake_server import Exchange

OUTCOMES = ("complete", "fail", "release")


def matching(log: list[Exchange], of: dict[str, Any]) -> list[Exchange]:
    """`call` may be `outcome`: any call that settles a task."""
    calls = OUTCOMES if of["call"] == "outcome" else (of["call"],)
    return [one for one in log if one.call in calls and ("token" not in of or one.token == of["token"])]


def faults_of(expectation: dict[str, Any], log: list[Exchange]) -> list[str]:
    """Sentences; none when the worker did as expected."""
    [kind] = [name for name in expectation if name in KINDS]
    of = expectation.get("of")
    found = matching(log, of) if of else log
    about = f"{of['call']}{' of ' + of['token'] if 'token' in of else ''}: " if of else ""
    return [about + fault for fault in KINDS[kind](expectation, found, log)]


def _count(expectation: dict[str, Any], found: list[Exchange], log: list[Exchange]) -> list[str]:
    wanted = expectation["count"]
    low, high = (wanted, wanted) if isinstance(wanted, int) else (wanted.get("at_least", 0), wanted.get("at_most", 10**9))
    if low <= len(found) <= high:
        return []
    return [f"sent {len(found)} times, expected {low}" + (f" to {high}" if high != low else "")]


def _body(expectation: dict[str, Any], found: list[Exchange], log: list[Exchange]) -> list[str]:
    return [fault for one in found for fault in _differences(expectation["body"], one.body, "body")]


def _differences(wanted: Any, got: Any, where: str) -> list[str]:
    """`wanted` may hold {"$any_of": [...]}, {"$from": a, "$to": b} and {"$text": true} (or
    "or nothing") in the place of a value; objects
    may have more members than wanted, unless they hold {"$exactly": true}."""
    if isinstance(wanted, dict) and "$any_of" in wanted:
        return [] if got in wanted["$any_of"] else [f"{where} is {got!r}, expected one of {wanted['$any_of']}"]
    if isinstance(wanted, dict) and "$from" in wanted:
        inside = isinstance(got, (int, float)) and not isinstance(got, bool) and wanted["$from"] <= got <= wanted["$to"]
        return [] if inside else [f"{where} is {got!r}, expected {wanted['$from']} to {wanted['$to']}"]
    if isinstance(wanted, dict) and "$text" in wanted:
        return [] if isinstance(got, str) and got or (got is None and wanted["$text"] == "or nothing") else [f"{where} is {got!r}, expected a text"]
    if isinstance(wanted, dict) and isinstance(got, dict):
        faults = [f"{where}.{name} is not expected" for name in got if "$exactly" in wanted and name not in wanted]
        for name, value in wanted.items():
            if name != "$exactly":
                faults += _differences(value, got.get(name), f"{where}.{name}")
        return faults
    return [] if wanted == got else [f"{where} is {got!r}, expected {wanted!r}"]


def _same(expectation: dict[str, Any], found: list[Exchange], log: list[Exchange]) -> list[str]:
    """All of these calls carry the same value of a member (`""`: the whole body)."""
    member = expectation["same"]
    values = [one.body if member == "" else (one.body or {}).get(member) for one in found]
    return [f"{member or 'the body'} changed between calls" for value in values[1:2] if any(v != values[0] for v in values)]


def _gap(expectation: dict[str, Any], found: list[Exchange], log: list[Exchange]) -> list[str]:
    """From the hand-out to the first of these calls, between two, and from the last to the outcome."""
    token = expectation["of"]["token"]
    handed_out = [one.at for one in log if token in one.handed_out]
    settled = [one.at for one in matching(log, {"call": "outcome", "token": token})]
    moments = handed_out[:1] + [one.at for one in found] + settled[:1]
    longest = max((b - a for a, b in zip(moments, moments[1:])), default=0.0)
    limit = expectation["gap_at_most_seconds"]
    return [f"{longest:.2f} s without one, at most {limit} s are allowed"] if longest > limit else []


def _pause(expectation: dict[str, Any], found: list[Exchange], log: list[Exchange]) -> list[str]:
    """Between the first of these calls and the second."""
    if len(found) < 2:
        return ["was not sent again"]
    pause = found[1].at - found[0].at
    low, high = expectation["pause_seconds"]
    return [] if low <= pause <= high else [f"sent again after {pause:.2f} s, expected {low} to {high} s"]


def _soon(expectation: dict[str, Any], found: list[Exchange], log: list[Exchange]) -> list[str]:
    """The first of these calls comes within so many seconds of the first one of another kind."""
    after = matching(log, expectation["after"])
    if not after or not found:
        return ["was not sent"]
    took = found[0].at - after[0].at
    limit = expectation["within_seconds"]
    return [] if 0 <= took <= limit else [f"came {took:.2f} s after it, expected within {limit} s"]


def _rate(expectation: dict[str, Any], found: list[Exchange], log: list[Exchange]) -> list[str]:
    """Never more than so many of these calls within any second."""
    limit = expectation["at_most_per_second"]
    busiest = max((sum(1 for b in found if 0 <= b.at - a.at < 1) for a in found), default=0)
    return [f"{busiest} within a second, at most {limit} are allowed"] if busiest > limit else []


def _in_hand(expectation: dict[str, Any], found: list[Exchange], log: list[Exchange]) -> list[str]:
    """Tasks that were handed out and not settled, at any moment."""
    in_hand: set[str] = set()
    most = 0
    for one in log:
        if one.call in OUTCOMES and one.answer == "200" and one.token:
            in_hand.discard(one.token)
        in_hand.update(one.handed_out)
        most = max(most, len(in_hand))
    limit = expectation["most_in_hand"]
    return [f"{most} tasks in hand at once, at most {limit} are allowed"] if most > limit else []


def _settled(expectation: dict[str, Any], found: list[Exchange], log: list[Exchange]) -> list[str]:
    """Every task that was handed out has an outcome."""
    settled = {one.token for one in matching(log, {"call": "outcome"})}
    return [f"{token} was left to its lease" for one in log for token in one.handed_out if token not in settled]


KINDS = {
    "settled": _settled,
    "count": _count,
    "body": _body,
    "same": _same,
    "gap_at_most_seconds": _gap,
    "pause_seconds": _pause,
    "within_seconds": _soon,
    "at_most_per_second": _rate,
    "most_in_hand": _in_hand,
}


def faults_of_any_worker(log: list[Exchange]) -> list[str]:
    """What holds in every scenario: one outcome for a token, nothing for it afterwards, nothing about unknown ones."""
    faults: list[str] = []
    known = {token for one in log for token in one.handed_out}
    for token in sorted({one.token for one in log if one.token}):
        calls = [one for one in log if one.token == token]
        if token not in known:
            faults.append(f"{token} was never handed out")
        # An outcome whose content the server refused is none.
        sent = [one for one in calls if one.call in OUTCOMES and one.answer not in ("413", "422")]
        outcomes = {(one.call, repr(one.body)) for one in sent}
        if len(outcomes) > 1:
            faults.append(f"two different outcomes for {token}: {sorted(outcomes)}")
        # A heartbeat on its way may cross the outcome; half a second is a long way on one machine.
        ended = next((one.at for one in calls if one.answer == "200" and one.call in OUTCOMES or one.answer == "409"), None)
        late = [one for one in calls if ended is not None and one.at > ended + 0.5]
        if late:
            faults.append(f"{late[0].call} of {token} after its end")
    return faults
