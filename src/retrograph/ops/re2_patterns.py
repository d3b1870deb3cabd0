"""Regular expressions in RE2's syntax, which TF's operations take, by Python's `re`.

Characters are those of UTF-8, classes such as `\\w` are ASCII, `$` is the very end: a pattern is rewritten so that Python
finds the same. Bytes that are no UTF-8 are found by no pattern, and stay. Not as in RE2, `\\C` is a character, and scripts are unknown.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Ranges = list[tuple[int, int]]
_LAST = 0x10FFFF
_HALVES = (0xD800, 0xDFFF)  # stand for bytes that are no UTF-8
_MOST_REPEATS = 1000


class PatternError(ValueError):
    """What RE2 says of a pattern that it does not take."""


# ---- classes of characters


def _of(characters: str) -> Ranges:
    return [(ord(c), ord(c)) for c in characters]


_LETTERS: Ranges = [(65, 90), (97, 122)]
_DIGITS: Ranges = [(48, 57)]
_WORD: Ranges = [*_DIGITS, *_LETTERS, *_of("_")]
_PERL = {"d": _DIGITS, "s": _of("\t\n\f\r "), "w": _WORD}
_POSIX: dict[str, Ranges] = {
    "alnum": [*_DIGITS, *_LETTERS],
    "alpha": _LETTERS,
    "ascii": [(0, 0x7F)],
    "blank": _of("\t "),
    "cntrl": [(0, 0x1F), (0x7F, 0x7F)],
    "digit": _DIGITS,
    "graph": [(0x21, 0x7E)],
    "lower": [(97, 122)],
    "print": [(0x20, 0x7E)],
    "punct": _of(string.punctuation),
    "space": [(9, 13), (32, 32)],
    "upper": [(65, 90)],
    "word": _WORD,
    "xdigit": [*_DIGITS, (65, 70), (97, 102)],
}
_ESCAPES = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


def _merged(ranges: Ranges) -> Ranges:
    found: Ranges = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return found


def _complement(ranges: Ranges) -> Ranges:
    found, start = [], 0
    for low, high in _merged(ranges):
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    return [*found, (start, _LAST)] if start <= _LAST else found


@lru_cache(64)
def _category(name: str) -> tuple[tuple[int, int], ...]:
    """The characters of a general category, such as `Lu` or `L`."""
    found: Ranges = []
    for code in range(_LAST + 1):
        if unicodedata.category(chr(code)).startswith(name):
            if found and found[-1][1] == code - 1:
                found[-1] = found[-1][0], code
            else:
                found.append((code, code))
    return tuple(found)


@lru_cache(1)
def _cases() -> tuple[tuple[int, ...], ...]:
    """The characters that are one but for their case."""
    found: dict[str, list[int]] = {}
    for code in range(_LAST + 1):
        character = chr(code)
        if character.lower() != character or character.upper() != character:
            found.setdefault(character.upper().lower(), []).append(code)
    return tuple(tuple(codes) for codes in found.values())


def _folded(ranges: Ranges) -> Ranges:
    """With the same characters in other cases."""
    held = [codes for codes in _cases() if any(low <= code <= high for code in codes for low, high in ranges)]
    return [*ranges, *((code, code) for codes in held for code in codes)]


def _shown(code: int) -> str:
    return f"\\U{code:08x}"


@lru_cache(256)
def _written(ranges: tuple[tuple[int, int], ...]) -> str:
    """A class of Python's, without the halves of pairs."""
    kept = _complement([*_complement(list(ranges)), _HALVES])
    return f"[{''.join(f'{_shown(a)}-{_shown(b)}' for a, b in kept)}]" if kept else "(?!)"


# ---- patterns


class _Translation:
    """One pass over a pattern that writes Python's."""

    def __init__(self, pattern: str):
        self.pattern, self.place = pattern, 0
        self.out: list[str] = []
        self.flags = frozenset[str]()
        self.open: list[tuple[int, frozenset[str]]] = []  # where a group begins in `out`, and the flags around it
        self.last: int | None = None  # where in `out` begins what may be repeated

    def fail(self, kind: str, where: str) -> PatternError:
        return PatternError(f"{kind}: {where}")

    def rest(self) -> str:
        return self.pattern[self.place :]

    def take(self) -> str:
        self.place += 1
        return self.pattern[self.place - 1]

    def atom(self, text: str) -> None:
        self.last = len(self.out)
        self.out.append(f"(?i:{text})" if "i" in self.flags else text)

    def run(self) -> str:
        """The pattern in Python's syntax. Raises PatternError, with the words of RE2."""
        steps: dict[str, Callable[[], None]] = {
            "\\": self.escape, "[": self.bracket, "(": self.group, ")": self.close, "|": self.either, ".": self.dot,
            "^": self.begin, "$": self.end, "*": self.repeat, "+": self.repeat, "?": self.repeat, "{": self.braces,
        }  # fmt: skip
        while self.place < len(self.pattern):
            step = steps.get(self.pattern[self.place])
            if step is None:
                self.atom(re.escape(self.take()))
            else:
                step()
        if self.open:
            raise self.fail("missing )", self.pattern)
        return "".join(self.out)

    # ---- single characters

    def dot(self) -> None:
        self.place += 1
        self.atom(_written(tuple(_complement([] if "s" in self.flags else [(10, 10)]))))

    def begin(self) -> None:
        self.place += 1
        self.atom("(?m:^)" if "m" in self.flags else r"(?:\A)")

    def end(self) -> None:
        self.place += 1
        self.atom("(?m:$)" if "m" in self.flags else r"(?:\Z)")

    def escape(self) -> None:
        following = self.rest()[1:2]
        if following == "Q":
            self.quoted()
        elif following in ("A", "z", "b", "B"):
            self.place += 2
            self.atom({"A": r"(?:\A)", "z": r"(?:\Z)", "b": r"(?a:\b)", "B": r"(?a:\B)"}[following])
        elif following == "C":
            self.place += 2
            self.atom(r"[\s\S]")
        else:
            ranges = self.named_class()
            self.atom(_written(tuple(ranges)) if ranges is not None else re.escape(chr(self.escaped())))

    def quoted(self) -> None:
        text, _, _ = self.rest()[2:].partition("\\E")
        self.place += len(text) + (4 if "\\E" in self.rest() else 2)
        for character in text:
            self.atom(re.escape(character))

    def escaped(self) -> int:
        """The character that an escape stands for."""
        start = self.place
        for pattern, base in (
            (r"\\([1-7][0-7]{1,2}|0[0-7]{0,2})", 8),
            (r"\\x([0-9A-Fa-f]{2})", 16),
            (r"\\x\{([0-9A-Fa-f]+)\}", 16),
        ):
            found = re.match(pattern, self.rest())
            if found and int(found[1], base) <= _LAST:
                self.place += len(found[0])
                return int(found[1], base)
        following = self.rest()[1:2]
        if not following:
            raise PatternError("trailing \\")
        self.place += 2
        if following in _ESCAPES:
            return _ESCAPES[following]
        if ord(following) < 0x80 and not following.isalnum():
            return ord(following)
        raise self.fail("invalid escape sequence", self.pattern[start : start + 2])

    def named_class(self) -> Ranges | None:
        r"""What `\d`, `\p{Lu}` and the like stand for, else None; a negated one is the complement."""
        following = self.rest()[1:2]
        if following.lower() in _PERL:
            self.place += 2
            ranges = _PERL[following.lower()]
            return _complement(ranges) if following.isupper() else ranges
        if following not in ("p", "P"):
            return None
        found = re.match(r"\\[pP](?:\{(\^?)(\w+)\}|(\w))", self.rest())
        if found is None:
            raise self.fail("invalid character class range", self.rest())
        self.place += len(found[0])
        return self.of_unicode(found[0], found[2] or found[3], (following == "P") != bool(found[1]))

    def of_unicode(self, whole: str, name: str, negated: bool) -> Ranges:
        ranges = [(0, _LAST)] if name == "Any" else list(_category(name)) if len(name) <= 2 else []
        if not ranges:
            raise self.fail("invalid character class range", whole)
        return _complement(ranges) if negated else ranges

    # ---- classes

    def bracket(self) -> None:
        start = self.place
        self.place += 1
        negated = self.rest().startswith("^")
        self.place += negated
        ranges: Ranges = []
        first = True
        while first or not self.rest().startswith("]"):
            if not self.rest():
                raise self.fail("missing ]", self.pattern[start:])
            ranges += self.member()
            first = False
        self.place += 1
        if "i" in self.flags:
            ranges = _folded(ranges)
        self.last = len(self.out)
        self.out.append(_written(tuple(_complement(ranges) if negated else _merged(ranges))))

    def member(self) -> Ranges:
        posix = re.match(r"\[:(\^?)(\w+):\]", self.rest())
        if posix:
            if posix[2] not in _POSIX:
                raise self.fail("invalid character class range", posix[0])
            self.place += len(posix[0])
            return _complement(_POSIX[posix[2]]) if posix[1] else _POSIX[posix[2]]
        if self.rest().startswith("\\"):
            ranges = self.named_class()
            if ranges is not None:
                return ranges
        return self.span()

    def span(self) -> Ranges:
        begin = self.place
        low = high = self.one()
        if self.rest().startswith("-") and self.rest()[1:2] not in ("", "]"):
            self.place += 1
            high = self.one()
        if high < low:
            raise self.fail("invalid character class range", self.pattern[begin : self.place])
        return [(low, high)]

    def one(self) -> int:
        return self.escaped() if self.rest().startswith("\\") else ord(self.take())

    # ---- groups

    def group(self) -> None:
        if not self.rest().startswith("(?"):
            self.enter("(", self.flags, 1)
            return
        named = re.match(r"\(\?P<(\w+)>", self.rest(), re.ASCII)
        if named:
            # Groups are taken by number only, and here two may have one name.
            self.enter("(", self.flags, len(named[0]))
            return
        found = re.match(r"\(\?([imsU]*)(-[imsU]+)?([:)])", self.rest())
        if found is None or found[0] == "(?)":
            wrong = re.match(r"\(\?[imsU-]*.?", self.rest(), re.DOTALL)
            raise self.fail("invalid perl operator", wrong[0] if wrong else "")
        flags = (self.flags | set(found[1])) - set((found[2] or "").lstrip("-"))
        if found[3] == ":":
            self.enter("(?:", flags, len(found[0]))
        else:
            self.place += len(found[0])
            self.flags = flags

    def enter(self, text: str, flags: frozenset[str], length: int) -> None:
        self.place += length
        self.open.append((len(self.out), self.flags))
        self.out.append(text)
        self.flags, self.last = flags, None

    def close(self) -> None:
        if not self.open:
            raise self.fail("missing )", self.pattern)
        self.place += 1
        self.out.append(")")
        self.last, self.flags = self.open.pop()

    def either(self) -> None:
        self.place += 1
        self.out.append("|")
        self.last = None

    # ---- repetition

    def braces(self) -> None:
        found = re.match(r"\{(\d+)(,?)(\d*)\}", self.rest(), re.ASCII)
        if found is None:
            self.atom(re.escape(self.take()))
            return
        least, most = int(found[1]), int(found[3] or found[1])
        if max(least, most) > _MOST_REPEATS or most < least:
            raise self.fail("invalid repetition size", found[0])
        self.repeat(found[0])

    def repeat(self, text: str = "") -> None:
        start = self.place
        text = text or self.pattern[self.place]
        self.place += len(text)
        if self.last is None:
            raise self.fail("no argument for repetition operator", text)
        lazy = self.rest().startswith("?")
        self.place += lazy
        again = re.match(r"[*+?]|\{\d+,?\d*\}", self.rest(), re.ASCII)
        if again:
            raise self.fail("bad repetition operator", self.pattern[start : self.place + len(again[0])])
        body = "".join(self.out[self.last :])
        self.out[self.last :] = [f"(?:{body}){text}{'?' if lazy != ('U' in self.flags) else ''}"]


@lru_cache(256)
def compiled(pattern: bytes) -> re.Pattern[str]:
    """Python's pattern for one of RE2's. Raises PatternError, with the words of RE2."""
    try:
        text = pattern.decode("utf-8")
    except UnicodeDecodeError:
        raise PatternError("invalid UTF-8") from None
    return re.compile(_Translation(text).run())


# ---- what is done with them


def _text(given: bytes) -> str:
    return given.decode("utf-8", "surrogateescape")


def full_match(pattern: re.Pattern[str], given: bytes) -> bool:
    """Whether all of a text is of a pattern."""
    return pattern.fullmatch(_text(given)) is not None


@lru_cache(256)
def _parts(rewrite: bytes) -> tuple[list[str | int], bool]:
    """The pieces of a rewrite, the numbers of groups among them, and whether all of it can be read."""
    found: list[str | int] = []
    for piece in re.findall(r"\\.|\\$|[^\\]+", _text(rewrite), re.DOTALL):
        if piece[0] != "\\":
            found.append(piece)
        elif piece[1:].isdigit() and piece[1:].isascii():
            found.append(int(piece[1:]))
        elif piece == "\\\\":
            found.append("\\")
        else:
            return found, False
    return found, True


def _filled(parts: list[str | int], match: re.Match[str]) -> str:
    groups = (match[0], *match.groups())
    return "".join(p if isinstance(p, str) else (groups[p] or "") if p < len(groups) else "" for p in parts)


def replace(pattern: re.Pattern[str], given: bytes, rewrite: bytes, everywhere: bool) -> bytes:
    """A text with what a pattern finds rewritten: the first, or each that does not touch the one before and is empty."""
    parts, readable = _parts(rewrite)
    text = _text(given)
    if everywhere:
        made = _all_replaced(pattern, text, parts)
    else:
        match = pattern.search(text) if readable else None
        made = text if match is None else text[: match.start()] + _filled(parts, match) + text[match.end() :]
    return made.encode("utf-8", "surrogateescape")


def _all_replaced(pattern: re.Pattern[str], text: str, parts: list[Any]) -> str:
    made, place, before = [], 0, -1
    while place <= len(text):
        match = pattern.search(text, place)
        if match is None:
            break
        made.append(text[place : match.start()])
        if match.start() == match.end() == before:
            made.append(text[before : before + 1])
            place = before + 1
            continue
        made.append(_filled(parts, match))
        place = before = match.end()
    return "".join([*made, text[place:]])
