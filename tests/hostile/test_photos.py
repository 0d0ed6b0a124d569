"""Photos of one person, as people name them on a command line."""

import os

import pytest
from PIL import Image

from spolia.core.errors import UnreadableImage, UsageError
from spolia.sources.limits import Limits
from spolia.sources.photos import WHO, open_photos


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt", ".hidden.png"):
        Image.new("RGB", (3, 2), (9, 9, 9)).save(tmp_path / name, format="PNG")
    return tmp_path


def refusal(*paths, **more):
    with pytest.raises(UsageError) as error:
        open_photos(paths, **more)
    return str(error.value)


def test_a_folder_is_its_images_and_files_are_themselves(folder):
    assert open_photos([folder]).ids == ("a.JPG", "b.png")
    found = open_photos([folder / "b.png", str(folder / "a.JPG")])
    assert found.ids == ("b.png", "a.JPG")
    assert found.identities == (WHO, WHO)
    assert found.image(0).shape == (2, 3, 3)


def test_a_photo_given_twice_is_one_and_two_of_one_name_are_two(folder):
    assert len(open_photos([folder / "b.png", folder / "b.png", folder])) == 2
    (folder / "more").mkdir()
    Image.new("RGB", (5, 2)).save(folder / "more" / "b.png")
    found = open_photos([folder / "b.png", folder / "more" / "b.png"])
    assert found.ids == (str(folder / "b.png"), str(folder / "more" / "b.png"))
    assert [found.image(i).shape[1] for i in (0, 1)] == [3, 5]


def test_a_folder_of_several_people_is_no_person(folder):
    (folder / "ann").mkdir()
    said = refusal(folder)
    assert "has folders in it (first: 'ann')" in said
    assert "--list" in said


def test_what_is_no_photo_is_refused(folder):
    assert "it takes a photo of them" in refusal()
    (folder / "empty").mkdir()
    assert "it takes a photo of them" in refusal(folder / "empty")
    assert "did you mean 'b.png'" in refusal(folder / "bb.png")
    assert "check the path" in refusal(folder / "no" / "where.png")
    said = refusal(folder / "notes.txt")
    assert "has no name of one, such as .jpg" in said
    assert "--list" in said
    two = (folder / "a.JPG", folder / "b.png")
    assert "may have 1 entries" in refusal(*two, limits=Limits(entries=1))


def test_a_file_that_cannot_be_read_is_unreadable_and_a_link_is_followed(folder):
    (folder / "far").mkdir()
    (folder / "far" / "link.png").symlink_to(folder / "b.png")
    assert open_photos([folder / "far"]).image(0).shape == (2, 3, 3)
    os.mkfifo(folder / "pipe.png")
    (folder / "large.png").write_bytes(b"0" * 100)
    found = open_photos(
        [folder / "pipe.png", folder / "large.png"], limits=Limits(encoded_bytes=99)
    )
    for index, reason in enumerate(("not a regular file", "file larger than 99 bytes")):
        with pytest.raises(UnreadableImage, match=reason):
            found.image(index)


def test_a_name_that_is_no_text_is_written_as_escapes(folder):
    named = folder / os.fsdecode(b"\xff.png")
    (folder / "b.png").rename(named)
    found = open_photos([named])
    assert found.ids == ("\\udcff.png",)
    assert found.image(0).shape == (2, 3, 3)
