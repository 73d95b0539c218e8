"""The bytes of a segment: a torn tail is told from a flipped bit."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenure.adapters.decision_log.segment import (
    HEADER_SIZE,
    Header,
    decode_header,
    encode_frame,
    encode_header,
    framed_size,
    scan,
)

HEADER = Header(7, 100, 6, 4000, 100, 1_790_000_000_000_000, "gateway-1")
GROUPS = st.lists(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5), min_size=1, max_size=12)


def segment_of(groups: list[list[bytes]], size: int = 65_536) -> tuple[bytes, list[tuple[int, int]]]:
    """Return a segment whose groups were each synced, and where each group begins and ends."""
    content, places, sequence = encode_header(HEADER), [], HEADER.first_sequence
    for group in groups:
        durable = len(content)
        for record in group:
            content += encode_frame(record, sequence, durable)
            sequence += 1
        places.append((durable, len(content)))
    return content.ljust(size, b"\0"), places


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(GROUPS)
def test_what_was_written_is_read_back_in_order(groups: list[list[bytes]]) -> None:
    content, places = segment_of(groups)
    found = scan(content, HEADER.first_sequence)
    assert [frame.record for frame in found.frames] == [record for group in groups for record in group]
    assert [frame.sequence for frame in found.frames] == list(range(100, 100 + len(found.frames)))
    assert (found.end, found.damage, found.torn) == (places[-1][1], (), 0)


@given(GROUPS, st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_a_cut_loses_nothing_that_was_acknowledged_and_is_no_damage(
    groups: list[list[bytes]], dice: random.Random
) -> None:
    content, places = segment_of(groups)
    start, end = places[-1]
    torn = bytearray(content)
    for sector in range(start // 512, end // 512 + 1):
        if dice.random() < 0.5:
            low = max(start, sector * 512)
            high = min(end, sector * 512 + 512)
            torn[low:high] = bytes(high - low)
    found = scan(bytes(torn), HEADER.first_sequence)
    acknowledged = [record for group in groups[:-1] for record in group]
    assert [frame.record for frame in found.frames][: len(acknowledged)] == acknowledged
    assert found.damage == ()


@given(GROUPS.filter(lambda groups: len(groups) > 1), st.data())
@settings(max_examples=300)
def test_a_flipped_bit_in_acknowledged_bytes_is_damage_at_its_frame(groups: list[list[bytes]], data) -> None:
    content, places = segment_of(groups)
    # The last group says that all before it was durable: no bit of those may change unseen.
    bit = data.draw(st.integers(HEADER_SIZE * 8, places[-2][1] * 8 - 1))
    spoilt = flipped(content, bit)
    found = scan(spoilt, HEADER.first_sequence)
    intact = scan(content, HEADER.first_sequence)
    frame = next(frame for frame in intact.frames if frame.offset <= bit // 8 < frame.end)
    assert found.damage == (frame.offset,)
    assert [kept.record for kept in found.frames] == [kept.record for kept in intact.frames if kept != frame]


def test_a_mark_makes_damage_of_a_flip_in_the_last_group() -> None:
    content, places = segment_of([[b"first"], [b"last"]])
    start, end = places[-1]
    assert scan(flipped(content, (start + 26) * 8), 100).torn, "nobody says yet that it was durable"
    marked = content[:end] + encode_frame(b"", 102, end) + content[end + 24 :]
    assert scan(flipped(marked, (start + 26) * 8), 100).damage == (start,)


def test_the_next_segment_is_a_witness_of_the_end() -> None:
    content, places = segment_of([[b"first"], [b"last"]])
    start, end = places[-1]
    found = scan(flipped(content[:end], (start + 26) * 8), 100, known_durable=end)
    assert found.damage == (start,)


def test_a_header_says_what_it_said() -> None:
    assert decode_header(encode_header(HEADER)) == HEADER


@pytest.mark.parametrize("byte", range(HEADER_SIZE))
def test_no_byte_of_a_header_may_change(byte: int) -> None:
    assert decode_header(flipped(encode_header(HEADER), byte * 8 + 3)) is None


@given(st.binary(max_size=4096))
def test_noise_is_never_a_record(noise: bytes) -> None:
    assert scan(encode_header(HEADER) + noise, 100).frames == ()


@given(st.integers(0, 10_000))
def test_frames_begin_at_multiples_of_eight(length: int) -> None:
    assert framed_size(length) % 8 == 0
    assert len(encode_frame(bytes(length), 0, 0)) == framed_size(length)
