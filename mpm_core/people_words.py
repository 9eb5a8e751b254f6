"""Owns how people are told apart in words: what their file calls them, where in the picture they mostly are, and when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from mpm_core.people import Person

# Places that are closer than this, in heights of the smaller person, are no left and right.
_BESIDE_HEIGHTS = 0.25
_MOST_IN_SENTENCE = 4


def places_in_words(people: Sequence[Person]) -> tuple[str, ...]:
    """For each where they mostly are beside the others, such as 'left' or '2nd of 3 from the left'; empty where nobody can
    tell, as of two who are at the same place or of motion that no picture shows."""
    order = sorted(range(len(people)), key=lambda n: people[n].across)
    if len(people) < 2 or any(math.isnan(person.across) for person in people):
        return ("",) * len(people)
    for before, after in pairwise(order):
        apart = people[after].across - people[before].across
        if apart < _BESIDE_HEIGHTS * min(people[before].height, people[after].height):
            return tuple(f"mostly {person.across:.0f} px from the left" for person in people)
    if len(people) == 2:
        return tuple("left" if n == order[0] else "right" for n in range(2))
    return tuple(f"{_ordinal(order.index(n) + 1)} of {len(people)} from the left" for n in range(len(people)))


def people_in_words(people: Sequence[Person]) -> tuple[tuple[str, ...], ...]:
    """For each what tells them from the others: name, place, frames in which they are seen (numbered as in the file), and how
    tall they are."""
    described = []
    for person, place in zip(people, places_in_words(people), strict=True):
        where = f"frames {person.first} to {person.last}" if person.last > person.first else f"frame {person.first}"
        is_whole = person.frames == person.last - person.first + 1
        words = [person.name and f"'{person.name}'", place, where if is_whole else f"{person.frames} of {where}"]
        if math.isfinite(person.height):
            words.append(f"about {person.height:.0f} px tall")
        described.append(tuple(word for word in words if word))
    return tuple(described)


def taken_note(people: Sequence[Person]) -> str:
    """That the first of several people was taken, and who the others are."""
    listed = [f"{person.number} ({', '.join(words)})" for person, words in zip(people, people_in_words(people), strict=True)]
    more = [f"and {len(listed) - _MOST_IN_SENTENCE} more"] if len(listed) > _MOST_IN_SENTENCE else []
    return (
        f"{len(people)} people in the file: the one seen longest and largest was taken, person {listed[0]}; --person names"
        f" another: {', '.join([*listed[1:_MOST_IN_SENTENCE], *more])}"
    )


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
