"""``spolia card check``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spolia.cli.console import print_json, show
from spolia.cli.options import JsonOutput

if TYPE_CHECKING:
    from spolia.embedding.self_test import Verdict

card = typer.Typer(no_args_is_help=True, help="Model cards.")


@card.callback()
def _cards() -> None:
    """Model cards: what a network expects, where it comes from, under which licence."""


@card.command()
def check(
    path: Annotated[Path, typer.Argument(metavar="CARD", help="A model card (.toml).")],
    json_output: JsonOutput = False,
) -> int:
    """Hold a model card against its model: digest, self-test, licence; exit 2 if it is wrong.

    The self-test feeds the network a fixed picture and compares its first outputs with the card's.
    Where they differ, it names what to change. A card without a self-test gets one to paste.

    Example: `spolia card check mobilefacenet.toml`
    """
    from spolia.embedding.check import card_check
    from spolia.report.format import yes_no

    report = card_check(path)
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
                "first": None if test is None else test.first,
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
    show(f"  commercial  {yes_no(model.commercial)}")
    show(f"  trained on  {', '.join(model.trained_on) or 'not known'}")
    if test is not None:
        show(f"  self-test   {_self_test(test)}")
    return 0 if report.ok else 2


def _self_test(test: "Verdict") -> str:
    values = ", ".join(f"{value:.6g}" for value in test.first)
    if test.status == "ok":
        return "passed"
    if test.status == "absent":
        return f"none; add to the card:\n\n[self_test]\nfirst = [{values}]"
    advice = f"the card would match with {test.variant}" if test.variant else "no variant matches"
    return f"FAILED: {advice}; the model gives first = [{values}]"
