"""Frames: what was written once is read for ever, and no bytes do harm."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenure.worker import frames
from tenure.worker.columns import Codec, FrameError, read_columns, write_columns
from tenure.worker.frames import Frame, Parser, Span
from tests.worker import golden

U32, U64 = 2**32 - 1, 2**64 - 1
FRAMES = st.builds(
    Frame,
    st.integers(1, 11),
    st.integers(0, U64),
    st.integers(0, 1),
    st.integers(0, frames.MOST_ROWS),
    st.integers(0, U64),
    st.binary(max_size=50),
    st.binary(max_size=500),
)


def written(frame: Frame) -> bytes:
    return frames.encode(
        frame.kind, frame.correlation, frame.rows, frame.deadline_us, frame.flags, frame.meta, frame.body
    )


def test_the_golden_frames_are_read_and_written_as_ever() -> None:
    content = (golden.FOLDER / "frame-v1.bin").read_bytes()
    assert Parser().feed(content) == golden.FRAMES
    assert b"".join(map(written, golden.FRAMES)) == content


def test_the_golden_columns_file_is_read_and_written_as_ever() -> None:
    content = (golden.FOLDER / "columns-v1.columns").read_bytes()
    schema, count, body = read_columns(content)
    assert (schema, Codec(schema).unpack(count, body)) == (golden.FIELDS, golden.TABLE)
    assert write_columns(golden.FIELDS, count, Codec(schema).pack(golden.TABLE)) == content


@given(st.lists(FRAMES, max_size=5), st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_frames_come_back_however_the_bytes_are_cut(sent: list[Frame], cuts: list[int]) -> None:
    content, parser, received, at = b"".join(map(written, sent)), Parser(), [], 0
    for nth in range(len(content)):
        step = cuts[nth % len(cuts)]
        received += parser.feed(content[at : at + step])
        at += step
        if at >= len(content):
            break
    assert received == sent


@given(st.binary(max_size=300), st.lists(FRAMES, max_size=2), st.integers(0, 100))
def test_no_bytes_do_more_than_be_refused(damage: bytes, sent: list[Frame], at: int) -> None:
    content = b"".join(map(written, sent))
    for damaged in (damage, content[:at] + damage + content[at + len(damage) :]):
        with contextlib.suppress(FrameError):
            for frame in Parser().feed(damaged):
                assert written(frame)
                for read in (frames.read_json, frames.read_spans):
                    with contextlib.suppress(FrameError):
                        read(frame.meta)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"GET / HTTP/1.1\r\nHost: nobody at all\r\n\r\n", "these bytes are no frame"),
        (b"TN\x02" + b"\x01" * 29, "wire version 2, this side speaks 1"),
        (b"TN\x01\x63" + b"\x00" * 28, "unknown type 99"),
        (b"TN\x01\x01\x08\x00" + b"\x00" * 26, "unknown flags 8"),
        (b"TN\x01\x01" + b"\x00" * 20 + b"\xff" * 8, "claims 4294967295 bytes"),
    ],
)
def test_a_damaged_stream_is_refused_in_words(content: bytes, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        Parser().feed(content)


def test_a_frame_over_its_limit_is_never_made() -> None:
    for part in (
        {"rows": frames.MOST_ROWS + 1},
        {"meta": b"x" * (frames.MOST_META + 1)},
        {"body": b"x" * (frames.MOST_BODY + 1)},
    ):
        with pytest.raises(FrameError, match="a frame holds at most"):
            frames.encode(frames.INFER, **part)


def test_a_large_frame_in_small_pieces_is_put_together_once() -> None:
    content = frames.encode(frames.INFER, 7, 1, body=bytes(8 << 20))
    parser, received = Parser(), []
    for at in range(0, len(content), 1 << 12):
        received += parser.feed(content[at : at + (1 << 12)])
    assert [len(frame.body) for frame in received] == [8 << 20]


def test_spans_come_back() -> None:
    spans = [Span(1, 2, 3, 4, 5), Span(6, 7, 8, 9, 2**32 - 1)]
    assert frames.read_spans(frames.encode_spans(spans)) == spans


def test_an_error_text_is_cut() -> None:
    (frame,) = Parser().feed(frames.encode_error(1, "raised", "x" * 10_000, 3))
    assert frames.read_json(frame.meta) == {"code": "raised", "error": "x" * frames.MOST_ERROR, "row": 3}
