"""spolia: what does a synthetic image set give away of its training images?

>>> import spolia
>>> spolia.normalise([[3.0, 4.0]]).shape
(1, 2)

Names are loaded when they are first used: importing spolia loads neither Pillow nor pyarrow nor
onnxruntime.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spolia.auditing.identity import IdentityResult, identity
    from spolia.auditing.membership import MembershipResult, membership
    from spolia.auditing.options import Options
    from spolia.auditing.result import AuditResult
    from spolia.auditing.run import audit
    from spolia.auditing.search import SearchResult, search_for
    from spolia.auditing.study import study
    from spolia.auditing.study_result import StudyResult
    from spolia.core.errors import SpoliaError
    from spolia.core.rates import Rate
    from spolia.core.results import Summary
    from spolia.core.types import Embeddings, normalise
    from spolia.embedding import Embedder, open_embedder
    from spolia.search.join import join
    from spolia.search.result import JoinResult
    from spolia.sources import Source, open_source

    __version__: str

_HOMES = {
    "AuditResult": "spolia.auditing.result",
    "Embedder": "spolia.embedding",
    "Embeddings": "spolia.core.types",
    "IdentityResult": "spolia.auditing.identity",
    "JoinResult": "spolia.search.result",
    "MembershipResult": "spolia.auditing.membership",
    "Options": "spolia.auditing.options",
    "Rate": "spolia.core.rates",
    "SearchResult": "spolia.auditing.search",
    "Source": "spolia.sources",
    "SpoliaError": "spolia.core.errors",
    "StudyResult": "spolia.auditing.study_result",
    "Summary": "spolia.core.results",
    "audit": "spolia.auditing.run",
    "identity": "spolia.auditing.identity",
    "join": "spolia.search.join",
    "membership": "spolia.auditing.membership",
    "normalise": "spolia.core.types",
    "open_embedder": "spolia.embedding",
    "open_source": "spolia.sources",
    "search_for": "spolia.auditing.search",
    "study": "spolia.auditing.study",
}

__all__ = [
    "AuditResult",
    "Embedder",
    "Embeddings",
    "IdentityResult",
    "JoinResult",
    "MembershipResult",
    "Options",
    "Rate",
    "SearchResult",
    "Source",
    "SpoliaError",
    "StudyResult",
    "Summary",
    "__version__",
    "audit",
    "identity",
    "join",
    "membership",
    "normalise",
    "open_embedder",
    "open_source",
    "search_for",
    "study",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("spolia.core.version").VERSION
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'spolia' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
