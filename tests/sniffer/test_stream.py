"""One direction: order, overlap, wrap."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from sniffer.http1 import Reader
from sniffer.pairing import Counts, Pairing
from sniffer.stream import Stream, distance


def stream(first: int = 100) -> Stream:
    reader: Reader = Pairing(bytes(12), [], Counts(), (0, 0)).readers[0]
    made = Stream(bytes(12), reader)
    made.start(first)
    return made


def take_all(made: Stream) -> bytes:
    """What can be read now, in order."""
    data = b""
    while made.held and (made.hole() or 0) <= 0:
        piece = made.take()
        if piece is not None:
            assert piece[2] is not None
            made.advance(piece[1])
            data += piece[2]
    return data


def test_a_distance_is_signed_and_wraps() -> None:
    assert distance(5, 0xFFFFFFFB) == 10
    assert distance(0xFFFFFFFB, 5) == -10


def test_the_first_arrival_of_a_byte_wins() -> None:
    made = stream()
    made.hold(105, 5, b"BBBBB", 1, 0)
    made.hold(103, 5, b"ccccc", 2, 0)
    made.hold(100, 12, b"dddddddddddd", 3, 0)
    assert take_all(made) == b"dddccBBBBBdd"


def test_what_was_read_is_not_read_again() -> None:
    made = stream()
    made.hold(100, 4, b"abcd", 1, 0)
    assert take_all(made) == b"abcd"
    assert made.hold(98, 4, b"xxxx", 2, 0) == 0
    made.hold(102, 4, b"xxef", 3, 0)
    assert take_all(made) == b"ef"


def steps_to_hold(made: Stream, seq: int) -> int:
    """How many lines of code it takes to hold a segment of 10 bytes."""
    steps = 0

    def count(*_: object) -> object:
        nonlocal steps
        steps += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        made.hold(seq, 10, bytes(10), 1, 0)
    finally:
        sys.settrace(before)
    return steps


def test_what_is_held_already_makes_it_no_dearer_to_hold_more() -> None:
    made = stream()
    few = [steps_to_hold(made, 200 + 20 * place) for place in range(10)][-1]
    for place in range(10, 1000):
        made.hold(200 + 20 * place, 10, bytes(10), 1, 0)
    assert steps_to_hold(made, 200 + 20 * 1000) == few
    assert steps_to_hold(made, 200 + 20 * 500 + 10) < few + 100  # late: a search by halves


def test_bytes_cut_by_the_snap_length_are_known_to_be_missing() -> None:
    made = stream()
    made.hold(100, 10, b"abc", 1, 0)
    first = made.take()
    made.advance(3)
    second = made.take()
    assert first is not None
    assert second is not None
    assert (first[1:3], second[1:3]) == ((3, b"abc"), (7, None))


@given(
    first=st.sampled_from([0, 100, 0xFFFFFFF0, 0x7FFFFFF0]),
    cuts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=30),
)
def test_any_pieces_in_any_order_give_the_bytes(first: int, cuts: list[tuple[int, int]]) -> None:
    text = bytes(range(80))
    made, got = stream(first), b""
    for at, size in [*cuts, *((at, 10) for at in range(70, -1, -10))]:
        made.hold((first + at) & 0xFFFFFFFF, len(text[at : at + size]), text[at : at + size], 1, 0)
        got += take_all(made)
    assert got == text


def test_a_segment_is_held_once_whatever_is_held_before_and_behind_it() -> None:
    made = stream()
    assert made.hold(120, 5, b"ttttt", 1, 0) == 5
    assert made.hold(101, 4, b"bbbb", 1, 0) == 4
    assert made.hold(103, 5, b"xxccc", 1, 0) == 3
    assert (made.holding, made.hole()) == (12, 1)
    made.hold(100, 1, b"a", 1, 0)
    assert take_all(made) == b"abbbbccc"


def test_a_segment_between_two_held_ones_that_touches_neither_is_held_whole() -> None:
    made = stream()
    made.hold(105, 2, b"bb", 1, 0)
    made.hold(115, 2, b"dd", 1, 0)
    assert made.hold(110, 2, b"cc", 1, 0) == 2
    assert made.hold(100, 20, b"AAAAA__AAA__AAA__AAA", 1, 0) == 14
    assert take_all(made) == b"AAAAAbbAAAccAAAddAAA"


def test_of_a_copy_that_was_captured_further_what_was_cut_is_not_taken() -> None:
    made = stream()
    assert made.hold(100, 8, b"abc", 1, 0) == 8
    assert made.hold(100, 12, b"ABCDEFGH", 1, 0) == 4  # the first arrival wins, bytes or none
    pieces = []
    while made.held:
        piece = made.take()
        assert piece is not None
        made.advance(piece[1])
        pieces.append(piece[1:3])
    assert pieces == [(3, b"abc"), (5, None), (4, None)]


def test_a_hole_is_filled_as_far_as_bytes_come() -> None:
    made = stream(0xFFFFFFF6)
    made.skip(30)
    made.advance(5)
    made.skip(5)
    assert [length for _, length in made.holes] == [30, 5]
    made.fill(10, 4)  # 20 bytes on, behind the wrap
    assert made.holes == [(0xFFFFFFF6, 20), (14, 6), (25, 5)]
    made.fill(0xFFFFFFF0, 10)
    assert made.holes == [(0xFFFFFFFA, 16), (14, 6), (25, 5)]
    made.fill(0xFFFFFFFA, 100)
    assert made.holes == []
