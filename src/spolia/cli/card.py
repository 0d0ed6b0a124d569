"""``spolia card check``, ``list`` and ``new``."""

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spolia.cli.console import print_json, show
from spolia.cli.options import JsonOutput, Trust

if TYPE_CHECKING:
    from spolia.embedding.self_test import Verdict

card = typer.Typer(no_args_is_help=True, help="Model cards.")


@card.callback()
def _cards() -> None:
    """Model cards: what a network expects, where it comes from, under which licence."""


@card.command()
def check(
    path: Annotated[Path, typer.Argument(metavar="CARD", help="A model card (.toml).")],
    trust: Trust = None,
    json_output: JsonOutput = False,
) -> int:
    """Hold a model card against its model: digest, self-test, licence; exit 2 if it is wrong.

    The self-test feeds the network a fixed picture and compares its first outputs with the card's.
    Where they differ, it names what to change. A card without a self-test gets one to paste.

    Example: `spolia card check mobilefacenet.toml`
    """
    from spolia.embedding.check import card_check
    from spolia.report.format import yes_no

    report = card_check(path, trust=trust or ())
    model, test = report.card, report.self_test
    if json_output:
        print_json(
            {
                "name": model.name,
                "ok": report.ok,
                "model": str(report.model_path),
                "sha256": report.sha256,
                "sha256_ok": report.sha_ok,
                "self_test": None if test is None else test.status,
                "variant": None if test is None else test.variant,
                # JSON has no NaN.
                "first": None
                if test is None
                else [value if isfinite(value) else None for value in test.first],
                "licence": model.licence,
                "commercial": model.commercial,
            }
        )
        return 0 if report.ok else 2
    show(f"{model.name} ({model.kind}, {model.model.dim} columns)")
    show(f"  model       {report.model_path}")
    digest = "as the card says" if report.sha_ok else f"WRONG: the card says {model.model.sha256}"
    show(f"  sha256      {report.sha256} ({digest})")
    show(f"  licence     {model.licence}")
    show(f"  commercial: {yes_no(model.commercial)}")
    show(f"  trained on  {', '.join(model.trained_on) or 'not known'}")
    if test is not None:
        show(f"  self-test   {_self_test(test)}")
    return 0 if report.ok else 2


@card.command("list")
def list_templates(json_output: JsonOutput = False) -> None:
    """List the networks whose cards can be written with `spolia card new`, with their licences.

    No weights come with spolia. `commercial: not known` means that nothing we read says so clearly.

    Example: `spolia card list`
    """
    from spolia.embedding.templates import templates
    from spolia.report.format import yes_no

    if json_output:
        print_json(
            {
                "templates": [
                    {
                        "name": one.name,
                        "kind": one.card.kind,
                        "dim": one.card.model.dim,
                        "sha256": one.sha256,
                        "alignment": one.card.input.alignment,
                        "licence": one.card.licence,
                        "commercial": one.card.commercial,
                        "trained_on": one.card.trained_on,
                        "source": one.card.source,
                    }
                    for one in templates()
                ]
            }
        )
        return
    for one in templates():
        show(f"{one.name} ({one.card.kind}, {one.card.model.dim} columns)")
        show(f"  licence     {one.card.licence}")
        show(f"  commercial: {yes_no(one.card.commercial)}")
        show(f"  source      {one.card.source}")
        show(f"  sha256      {one.sha256 or 'not published, as far as we know'}")


@card.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="One of those that `spolia card list` lists.")
    ],
    model: Annotated[Path, typer.Option(help="The network's file, which you have got.")],
    out: Annotated[Path, typer.Option(help="The card to write (.toml).")],
    trust: Trust = None,
    json_output: JsonOutput = False,
) -> None:
    """Write a card for a known network, with the digest and the first outputs of your file.

    The outputs are measured on your file: they show when it changes later, not that it is right.
    The published check, where there is one, is named and left to you.

    Example: `spolia card new sface --model face_recognition_sface_2021dec.onnx --out sface.toml`
    """
    from spolia.embedding.templates import new_card
    from spolia.report.format import yes_no

    made = new_card(name, model=model, out=out, trust=trust or ())
    one = made.card
    if json_output:
        print_json(
            {
                "card": str(out),
                "sha256": one.model.sha256,
                "published": made.published,
                "check": made.check,
                "licence": one.licence,
                "commercial": one.commercial,
            }
        )
        return
    show(f"{out} is the card of {one.name}.")
    show(f"  licence     {one.licence}")
    show(f"  commercial: {yes_no(one.commercial)}")
    show(f"  sha256      {one.model.sha256} ({_PUBLISHED[made.published]})")
    show("  self-test   measured on your file: it shows later changes, not that the file is right")
    show(f"  check       {made.check}")
    if not made.found:
        show(
            f"  Note: put {one.model.file} beside the card, or set SPOLIA_MODELS to its folder; "
            "until then the card does not find it."
        )


_PUBLISHED = {
    True: "the published file",
    False: "NOT the published file: another version, an export of your own, or another network",
    None: "no published digest is known",
}


def _self_test(test: "Verdict") -> str:
    values = ", ".join(f"{value:.6g}" for value in test.first)
    if test.status == "ok":
        return "passed"
    if test.status == "absent":
        return f"none; add to the card:\n\n[self_test]\nfirst = [{values}]"
    advice = f"the card would match with {test.variant}" if test.variant else "no variant matches"
    return f"FAILED: {advice}; the model gives first = [{values}]"
