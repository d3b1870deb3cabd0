"""Choosing names by scope: one syntax wherever a scope can be named."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable

Rule = str | Callable[[str], bool]


class Select:
    """A choice of names.

    A text is a scope (`"encoder/layer_3"`: that name and all below it), a glob if it has `*`, `?` or `[`
    (`"*/kernel"`), or a regular expression for the whole name after `re:` (`"re:layer_[0-3]/.*"`). A function says
    for each name whether it is chosen. Several rules choose what any of them does.

    >>> select = Select("encoder", "*/bias")
    >>> [name for name in ("encoder/w", "encoders/w", "decoder/bias") if select(name)]
    ['encoder/w', 'decoder/bias']

    Raises ValueError: a regular expression that is none.
    """

    def __init__(self, *rules: Rule):
        self._matchers = [_matcher(rule) for rule in rules]

    def __call__(self, name: str) -> bool:
        return any(matches(name) for matches in self._matchers)

    def of(self, names: Iterable[str]) -> list[str]:
        """The chosen ones of `names`, in their order."""
        return [name for name in names if self(name)]


def _matcher(rule: Rule) -> Callable[[str], bool]:
    if not isinstance(rule, str):
        return rule
    if rule.startswith("re:"):
        return _regular(rule[3:])
    if any(sign in rule for sign in "*?["):
        return lambda name: fnmatch.fnmatchcase(name, rule)
    scope = rule.rstrip("/")
    return lambda name: not scope or name == scope or name.startswith(scope + "/")


def _regular(pattern: str) -> Callable[[str], bool]:
    compiled = _compiled(pattern)
    return lambda name: compiled.fullmatch(name) is not None


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"re:{pattern}: {error}") from None


class Rename:
    """New names by rules `OLD=NEW`: scopes at the start of a name, or `re:PATTERN=REPLACEMENT` for a part of it.

    They are applied one after the other. An empty OLD puts NEW in front, an empty NEW takes the scope away.

    >>> rename = Rename(["net=body", "re:/gamma$=/scale"])
    >>> rename("net/conv1/kernel"), rename("net/bn/gamma"), rename("other")
    ('body/conv1/kernel', 'body/bn/scale', 'other')

    Raises ValueError: a rule without `=`, or a regular expression that is none.
    """

    def __init__(self, rules: Iterable[str]):
        self._rules = [_renaming(rule) for rule in rules]

    def __call__(self, name: str) -> str:
        for renamed in self._rules:
            name = renamed(name)
        return name


def _renaming(rule: str) -> Callable[[str], str]:
    old, equals, new = rule.rpartition("=") if rule.startswith("re:") else rule.partition("=")
    if not equals:
        raise ValueError(f"{rule!r} is no renaming: write OLD=NEW")
    if old.startswith("re:"):
        pattern = _compiled(old[3:])
        return lambda name: pattern.sub(new, name)
    return lambda name: _moved(name, old.rstrip("/"), new.rstrip("/"))


def _moved(name: str, old: str, new: str) -> str:
    if old and name != old and not name.startswith(old + "/"):
        return name
    rest = name[len(old) :].lstrip("/")
    return "/".join(part for part in (new, rest) if part)
