"""One direction: order, overlap, wrap."""

from hypothesis import given
from hypothesis import strategies as st

from sniffer.http1 import Reader
from sniffer.pairing import Counts, Pairing
from sniffer.stream import Stream, distance


def stream(first: int = 100) -> Stream:
    reader: Reader = Pairing(bytes(12), [], Counts(), (True, True)).readers[0]
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
