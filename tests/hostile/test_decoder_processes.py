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
from spolia.sources.apart import SEPARATE, decode_apart
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
