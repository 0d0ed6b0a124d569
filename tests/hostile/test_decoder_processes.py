"""No image can hang, kill or starve the process that asks for it."""

import io
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spolia.core.errors import SpoliaError, UnreadableImage
from spolia.sources.apart import SEPARATE, TOGETHER, decode_apart, decode_each
from spolia.sources.decode import decode
from spolia.sources.limits import Limits

pytestmark = pytest.mark.skipif(not SEPARATE, reason="images are decoded in this process here")


def encoded(height, width, kind="PNG"):
    pixels = np.arange(height * width * 3, dtype=np.uint32).reshape(height, width, 3) * 7 % 251
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(
        file, kind, **({"quality": 90} if kind == "JPEG" else {})
    )
    return file.getvalue()


SMALL = encoded(9, 7)
LARGE = encoded(3000, 3000)


def decoders():
    """The processes that decode for this one, by number."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == os.getpid() and b"decoder_process" in command:
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_a_picture_decoded_apart_is_the_picture_decoded_here(kind):
    content = encoded(31, 44, kind)
    assert np.array_equal(decode_apart(content, Limits()), decode(content))


def test_reasons_come_back_as_they_are():
    with pytest.raises(UnreadableImage, match=r"^empty file$"):
        decode_apart(b"", Limits())
    with pytest.raises(UnreadableImage, match=r"^truncated$"):
        decode_apart(b"P5 2 1 255 " + bytes([0]), Limits())


def test_an_image_that_takes_too_long_is_unreadable_and_the_next_one_is_not():
    decode_apart(SMALL, Limits())
    with pytest.raises(UnreadableImage, match=r"^decoding took longer than 0.001 s$"):
        decode_apart(LARGE, Limits(decode_seconds=0.001))
    assert np.array_equal(decode_apart(SMALL, Limits()), decode(SMALL))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces a limit on memory")
def test_an_image_that_takes_too_much_memory_is_unreadable_and_the_next_one_is_not():
    tight = Limits(decode_memory=400 << 20)
    assert np.array_equal(decode_apart(SMALL, tight), decode(SMALL))
    file = io.BytesIO()
    Image.new("L", (9400, 9400)).save(file, "PNG")
    with pytest.raises(UnreadableImage, match=r"^not enough memory$"):
        decode_apart(file.getvalue(), tight)
    assert np.array_equal(decode_apart(SMALL, tight), decode(SMALL))


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_decoder_that_died_while_it_waited_costs_no_image():
    decode_apart(SMALL, Limits())
    for number in decoders():
        os.kill(number, signal.SIGKILL)
    assert np.array_equal(decode_apart(SMALL, Limits()), decode(SMALL))


def outcomes(several, limits=Limits()):
    """What comes back for several images: pictures, or reasons."""
    return [
        str(one) if isinstance(one, UnreadableImage) else one
        for one in decode_each(several, limits)
    ]


def as_alone(several, found):
    """Whether each is what it would be, had it been asked for alone."""
    return len(several) == len(found) and all(
        np.array_equal(one, decode(content)) for content, one in zip(several, found, strict=True)
    )


def test_images_asked_for_together_are_those_asked_for_alone():
    several = [encoded(5 + i % 7, 4 + i % 5, "PNG") for i in range(30)]
    several.insert(11, encoded(300, 400, "BMP"))
    assert len(several[11]) > TOGETHER
    assert as_alone(several, outcomes(several))


def test_more_than_every_pipe_holds_is_neither_lost_nor_waited_for():
    several = [encoded(400, 500, "PNG"), *(encoded(300, 301 + i, "JPEG") for i in range(12))]
    assert sum(map(len, several)) > 2 * TOGETHER
    assert as_alone(several, outcomes(several))


def test_reasons_among_several_are_those_of_each():
    found = outcomes([SMALL, b"", b"P5 2 1 255 " + bytes([0]), SMALL])
    assert found[1:3] == ["empty file", "truncated"]
    assert as_alone([SMALL, SMALL], [found[0], found[3]])


def test_one_image_of_several_that_takes_too_long_costs_no_other():
    file = io.BytesIO()
    Image.new("L", (9400, 9400)).save(file, "PNG")  # small, and about a second's work
    found = outcomes([SMALL, SMALL, file.getvalue(), SMALL], Limits(decode_seconds=0.1))
    assert found[2] == "decoding took longer than 0.1 s"
    assert as_alone([SMALL] * 3, [found[0], found[1], found[3]])


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_decoder_that_dies_among_several_images_costs_none():
    several = [SMALL, encoded(900, 800), SMALL, encoded(31, 44), SMALL]
    coming = decode_each(several, Limits())
    found = [next(coming), next(coming)]
    for number in decoders():
        os.kill(number, signal.SIGKILL)
    assert as_alone(several, found + list(coming))


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_images_that_nobody_takes_leave_no_answers_behind():
    several = [encoded(20 + i, 30, "PNG") for i in range(20)]
    for taken in (0, 1, 5):
        coming = decode_each(several, Limits())
        assert as_alone(several[:taken], [next(coming) for _ in range(taken)])
        coming.close()
        assert np.array_equal(decode_apart(SMALL, Limits()), decode(SMALL))


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_an_image_that_kills_every_decoder_is_unreadable_and_the_next_one_is_not():
    done = threading.Event()

    def kill():
        while not done.wait(0.005):
            for number in decoders():
                os.kill(number, signal.SIGKILL)

    killing = threading.Thread(target=kill)
    killing.start()
    try:
        with pytest.raises(UnreadableImage, match=r"^broke the decoder \(signal 9\)$"):
            decode_apart(LARGE, Limits())
    finally:
        done.set()
        killing.join()
    assert np.array_equal(decode_apart(SMALL, Limits()), decode(SMALL))


def test_a_decoder_that_cannot_start_is_no_fault_of_the_image():
    with pytest.raises(SpoliaError, match="is decode_memory too small") as error:
        decode_apart(SMALL, Limits(decode_memory=1 << 20))
    assert not isinstance(error.value, UnreadableImage)


def test_threads_do_not_mix_up_their_pictures():
    contents = [encoded(5 + i % 7, 4 + i % 5, "PNG") for i in range(60)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda content: decode_apart(content, Limits()), contents))
    assert all(np.array_equal(one, decode(two)) for one, two in zip(found, contents, strict=True))


def test_a_module_in_the_current_folder_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    fresh = Limits(decode_memory=(4 << 30) + 4096)  # its own process, started here
    assert np.array_equal(decode_apart(SMALL, fresh), decode(SMALL))
