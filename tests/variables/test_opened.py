"""The counts of opened scopes."""

from __future__ import annotations

from retrograph.variables.opened import OpenedNames


def test_unused_names() -> None:
    opened = OpenedNames()
    for name in ("a", "a_2", "b/x"):
        opened.add(name)
    assert opened.unused("", "c") == "c"
    assert opened.unused("", "a") == "a_1"
    opened.add("a_1")
    assert opened.unused("", "a") == "a_3"
    assert opened.unused("b", "x") == "x_1"
    assert opened.unused("", "b/x") == "b/x_1"


def test_forgetting_is_for_what_lies_below() -> None:
    opened = OpenedNames()
    place = opened.add("a")
    for name in ("a/b", "a/b/c", "ab"):
        opened.add(name)
    opened.forget_below(place)
    assert [opened.unused("", n) for n in ("a", "a/b", "a/b/c", "ab")] == ["a_1", "a/b", "a/b/c", "ab_1"]


def test_a_mark_restores_counts_numbers_and_forgotten_names() -> None:
    opened = OpenedNames()
    place = opened.add("a")
    opened.add("a/d")
    mark = opened.mark()
    inner = opened.mark()
    opened.add("a/d_1")
    opened.add("a/d_2")
    assert opened.unused("a", "d") == "d_3"
    opened.restore(inner)
    assert opened.unused("a", "d") == "d_1"
    opened.forget_below(place)
    assert opened.unused("a", "d") == "d"
    opened.restore(mark)
    assert opened.unused("a", "d") == "d_1"
