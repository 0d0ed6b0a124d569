"""Laws of programs: none runs because a card or a plan names it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from spolia.core.errors import InvalidCard, MissingExtra, UsageError
from spolia.embedding import card_check, load_card, open_embedder
from spolia.embedding.self_test import pattern
from tests.cards.factories import FACTORY, Corners
from tests.cards.tiny import SIZE, write_card, write_torchscript_card


def test_a_factory_makes_an_embedder_where_it_is_trusted() -> None:
    assert open_embedder(FACTORY, trust=["0" * 64, FACTORY]) == Corners()


@pytest.mark.parametrize("trust", [[], ["python:tests.cards.factories:nothing"], ["0" * 64]])
def test_a_factory_that_is_not_trusted_is_not_even_imported(trust: list[str]) -> None:
    spec = "python:this:s"  # importing the module of the Zen prints it
    sys.modules.pop("this", None)
    with pytest.raises(UsageError, match=f"must be trusted, but is not; .* add --trust {spec}"):
        open_embedder(spec, trust=trust)
    assert "this" not in sys.modules


@pytest.mark.parametrize(
    ("spec", "error", "said"),
    [
        ("python:tests.cards.factories:nothing", UsageError, "nothing makes, object lacks name"),
        ("python:tests.cards.factories:NOT_CALLED", UsageError, "must name something to call"),
        ("python:tests.cards.factories:missing", UsageError, "must name something to call"),
        ("python:tests.no_such_module:one", MissingExtra, "that can be imported"),
        ("python:onlyamodule", UsageError, "must be python:MODULE:FACTORY"),
        ("python:a:b:c", UsageError, "must be python:MODULE:FACTORY"),
        ("python:a b:c", UsageError, "must be python:MODULE:FACTORY"),
        ("python:os:system('x')", UsageError, "must be python:MODULE:FACTORY"),
        ("python:../a:c", UsageError, "must be python:MODULE:FACTORY"),
        ("python::", UsageError, "must be python:MODULE:FACTORY"),
    ],
)
def test_a_factory_that_gives_no_embedder_is_refused(
    spec: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        open_embedder(spec, trust=[spec])
    assert said in str(caught.value)


@pytest.mark.parametrize("trust", [["all"], ["*"], [""], ["A" * 64], ["face.pt"]])
def test_trust_is_a_digest_or_a_factory_and_nothing_wider(trust: list[str]) -> None:
    with pytest.raises(UsageError, match="--trust must be a SHA-256"):
        open_embedder("dct", trust=trust)


def test_trust_is_a_list() -> None:
    with pytest.raises(UsageError, match="trust must be a list"):
        open_embedder("dct", trust=FACTORY)


def test_torchscript_is_refused_with_the_digest_that_trusts_it(tmp_path: Path) -> None:
    # Neither the file nor torch is touched: any bytes do.
    path = write_card(tmp_path, ('"tiny.onnx"', '"tiny.pt"'), model=b"not even torch")
    (tmp_path / "tiny.onnx").rename(tmp_path / "tiny.pt")
    digest = load_card(path).model.sha256
    for opening in (open_embedder, card_check):
        with pytest.raises(UsageError, match=f"add --trust {digest}, or export it to ONNX"):
            opening(path, trust=["0" * 64])


def test_torchscript_gives_the_row_of_the_same_network_in_onnx(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs torch")
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    path = write_torchscript_card(folders[0])
    digest = load_card(path).model.sha256
    program = open_embedder(path, trust=[digest])
    network = open_embedder(write_card(folders[1]))
    image = pattern(SIZE)[::-1]
    np.testing.assert_allclose(program.embed(image), network.embed(image), atol=1e-6)
    assert program.fingerprint != network.fingerprint
    assert card_check(path, trust=[digest]).ok


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("output = 0", 'output = "embedding"'), "give its number, 0 for the first"),
        (("output = 0", "output = 1"), "gives 3 of which these are numbers: 0, 2"),
        (("output = 0", "output = 9"), "gives 3 of which these are numbers: 0, 2"),
        (("output = 0", "output = 2"), 'with output = "0" it matches'),
        (('"RGB"', '"BGR"'), 'with channels = "RGB" it matches'),
        (("dim = 16", "dim = 8"), "says dim = 8, but output '0' gives 16 values"),
        (("[8, 10]", "[8, 11]"), "refuses an input of shape (1, 3, 8, 11)"),
        (('"none"', '"none"\nkeypoints = "points"'), "landmarks are only given to ONNX"),
    ],
)
def test_a_wrong_card_of_a_program_is_found_out(
    tmp_path: Path, edit: tuple[str, str], said: str
) -> None:
    pytest.importorskip("torch", reason="needs torch")
    path = write_torchscript_card(tmp_path, edit)
    with pytest.raises(InvalidCard) as caught:
        open_embedder(path, trust=[load_card(path).model.sha256])
    assert said in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x05\x06" + b"\0" * 18], ids=repr)
def test_what_is_no_torchscript_is_refused(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("torch", reason="needs torch")
    path = write_card(tmp_path, ('"tiny.onnx"', '"tiny.pt"'), ('"embedding"', "0"), model=content)
    (tmp_path / "tiny.onnx").rename(tmp_path / "tiny.pt")
    with pytest.raises(InvalidCard, match="must be TorchScript"):
        open_embedder(path, trust=[load_card(path).model.sha256])


def test_weights_in_a_pickle_are_refused_and_not_unpickled(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs torch")

    class Bomb:
        def __reduce__(self):
            return Path.write_text, (tmp_path / "ran", "code ran")

    torch.save({"weights": Bomb()}, tmp_path / "tiny.pt")
    content = (tmp_path / "tiny.pt").read_bytes()
    path = write_card(tmp_path, ('"tiny.onnx"', '"tiny.pt"'), ('"embedding"', "0"), model=content)
    with pytest.raises(InvalidCard, match="weights alone"):
        open_embedder(path, trust=[load_card(path).model.sha256])
    assert not (tmp_path / "ran").exists()
