"""How numbers and foreign text are written; every sentence of the report goes through here."""

import math
import re
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from spolia.core.rates import Bounded, Rate
from spolia.core.results import NegativeControl, Power

MISSING = "–"
"""Written where there is no number."""

_UNKNOWN = "not known"
_SPACE = "\u00a0"
"""Between a number and its unit, where no line may break."""

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&!$@])")
_SMALLEST_PERCENT = Decimal("0.001")
_LARGEST_PERCENT = Decimal("99.9")


def visible(text: str) -> str:
    r"""Return ``text`` with every character that cannot be seen written as its escape.

    Control characters, bidirectional overrides, zero-width characters and lone surrogates would
    hide, reorder or break what stands around them. The result always encodes to UTF-8.

    >>> print(visible("ann\u202egnp.exe \x1b[31m \udc80"))
    ann\u202egnp.exe \x1b[31m \udc80
    """
    return "".join(_escape(one) if unicodedata.category(one) in _INVISIBLE else one for one in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def markdown(text: str) -> str:
    r"""Return ``text`` so that Markdown shows it as it is.

    >>> print(markdown("a|b_<c>"))
    a\|b\_\<c\>
    """
    return _MARKUP.sub(r"\\\1", text)


def listed(names: Sequence[str]) -> str:
    """Return names as a list in a sentence.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def thousands(n: int) -> str:
    """Return a whole number with its thousands set apart.

    >>> thousands(1234567)
    '1,234,567'
    """
    return f"{n:,}"


def percent(share: float, *, rounding: str = ROUND_HALF_EVEN) -> str:
    r"""Return a share as a percentage: one decimal, or two digits that count under 1 %.

    ``rounding`` is one of the rounding modes of `decimal`. What is not quite 0 or 1 never looks
    like it, but an upper bound may be 100 %.

    >>> [percent(share) for share in (0.5, 0.0423, 0.00042, 1e-9, 0.9999, 1.0)]
    ['50.0\xa0%', '4.2\xa0%', '0.042\xa0%', '<\xa00.001\xa0%', '>\xa099.9\xa0%', '100\xa0%']
    """
    if not math.isfinite(share):
        return _UNKNOWN
    exact = Decimal(repr(float(share))) * 100
    if exact in (0, 100):
        return f"{exact:.0f}{_SPACE}%"
    upward = rounding == ROUND_CEILING
    if exact < _SMALLEST_PERCENT:
        return f"{'' if upward else f'<{_SPACE}'}{_SMALLEST_PERCENT}{_SPACE}%"
    if exact > _LARGEST_PERCENT:
        return f"100{_SPACE}%" if upward else f">{_SPACE}{_LARGEST_PERCENT}{_SPACE}%"
    quantum = Decimal(1).scaleb(min(-1, exact.adjusted() - 1))
    return f"{exact.quantize(quantum, rounding=rounding):f}{_SPACE}%"


def level(share: float) -> str:
    r"""Return an asked level, which is exact, without digits it does not need.

    >>> level(0.05), level(0.001)
    ('5\xa0%', '0.1\xa0%')
    """
    return f"{(Decimal(repr(float(share))) * 100).normalize():f}{_SPACE}%"


def at_most(share: float) -> str:
    r"""Return an upper bound, rounded up so that it stays one.

    >>> at_most(0.03621)
    '3.7\xa0%'
    """
    return percent(share, rounding=ROUND_CEILING)


def headline(rate: Rate) -> str:
    r"""Return the one figure that may stand for a rate; a count of zero keeps its n.

    >>> headline(Rate(0.04, 0.01, 0.1, 100, 4)), headline(Rate(0.0, 0.0, 0.0362, 100, 0))
    ('4.0\xa0%', '0 of 100')
    """
    return out_of(rate) if rate.count == 0 else percent(rate.value)


def in_full(rate: Rate) -> str:
    r"""Return a rate with its counts and its interval.

    >>> in_full(Rate(0.04, 0.0109, 0.0993, 100, 4))
    '4.0\xa0% (4 of 100, 95\xa0% interval 1.0\xa0% to 10.0\xa0%)'
    >>> in_full(Rate(0.0, 0.0, 0.0362, 100, 0))
    '0 of 100 (95\xa0% interval up to 3.7\xa0%)'
    """
    counts = "" if rate.count == 0 else f"{out_of(rate)}, "
    return f"{headline(rate)} ({counts}{interval(rate)})"


def out_of(rate: Rate) -> str:
    """Return the counts of a rate.

    >>> out_of(Rate(0.042, 0.03, 0.06, 1000, 42))
    '42 of 1,000'
    """
    return f"{thousands(rate.count)} of {thousands(rate.n)}"


def limits(rate: Rate) -> str:
    r"""Return the ends of a rate's interval, rounded outward, for a table that names its level.

    >>> limits(Rate(0.042, 0.0304, 0.0562, 1000, 42)), limits(Rate(0.0, 0.0, 0.0362, 100, 0))
    ('3.0\xa0% to 5.7\xa0%', 'up to 3.7\xa0%')
    """
    if rate.low <= 0.0:
        return f"up to {at_most(rate.high)}"
    return f"{percent(rate.low, rounding=ROUND_FLOOR)} to {at_most(rate.high)}"


def interval(rate: Rate) -> str:
    r"""Return a rate's interval, rounded outward so that it still covers.

    >>> interval(Rate(0.042, 0.0304, 0.0562, 1000, 42))
    '95\xa0% interval 3.0\xa0% to 5.7\xa0%'
    >>> interval(Rate(0.0, 0.0, 0.0362, 100, 0))
    '95\xa0% interval up to 3.7\xa0%'
    """
    return f"{level(rate.confidence)} interval {limits(rate)}"


def ends(one: Bounded) -> str:
    """Return the ends of a measure's interval, rounded outward.

    >>> ends(Bounded(0.7123, 0.60049, 0.80001))
    '0.600 to 0.801'
    """
    low, high = math.floor(one.low * 1000) / 1000, math.ceil(one.high * 1000) / 1000
    return f"{low:.3f} to {high:.3f}"


def measure_in_full(one: Bounded) -> str:
    r"""Return a measure with its interval, whose ends are rounded outward.

    >>> measure_in_full(Bounded(0.7123, 0.6, 0.8))
    '0.712 (95\xa0% interval 0.600 to 0.800)'
    """
    return f"{one.value:.3f} ({level(one.confidence)} interval {ends(one)})"


def span(one: Bounded) -> str:
    r"""Return the ends of a share's interval, rounded outward.

    >>> span(Bounded(0.1, 0.0512, 0.2))
    '5.1\xa0% to 20.0\xa0%'
    """
    return f"{percent(one.low, rounding=ROUND_FLOOR)} to {at_most(one.high)}"


def area_at_most(value: float) -> str:
    """Return the upper bound of an area, rounded up so that it stays one.

    >>> area_at_most(0.5121)
    '0.513'
    """
    return f"{math.ceil(value * 1000) / 1000:.3f}"


def similarity(value: float | None) -> str:
    r"""Return a cosine with three decimals; only a copy reads 1.000.

    >>> [similarity(value) for value in (0.98765, 0.99996, 1 - 1e-7, -0.25, None)]
    ['0.988', '>\xa00.999', '1.000', '−0.250', '–']
    """
    if value is None or not math.isfinite(value):
        return MISSING
    # Rows are float32: equal images come out within 1e-6 of 1.
    if 0.9995 <= value < 1.0 - 1e-6:
        return f">{_SPACE}0.999"
    written = f"{value:.3f}"
    return "0.000" if written == "-0.000" else written.replace("-", "−")


def score(value: float | None) -> str:
    r"""Return a standard score with two decimals.

    >>> [score(value) for value in (4.5678, -0.25, None)]
    ['4.57', '−0.25', '–']
    """
    if value is None or not math.isfinite(value):
        return MISSING
    written = f"{value:.2f}"
    return "0.00" if written == "-0.00" else written.replace("-", "−")


def decimal(value: float) -> str:
    """Return an average count with one decimal.

    >>> decimal(2.345)
    '2.3'
    """
    return f"{value:.1f}"


def leaks_seen(power: Power, chance: int) -> str:
    """Return from how many leaked identities on a leak is seen with a ``chance`` of 80 or 95 %.

    >>> leaks_seen(Power("exact copy", 200, 5, None, 0.9), 80)
    'from 5'
    >>> leaks_seen(Power("exact copy", 200, 5, None, 0.9), 95)
    'more than 200'
    """
    seen = power.seen_80 if chance == 80 else power.seen_95
    return f"more than {thousands(power.planted)}" if seen is None else f"from {thousands(seen)}"


def p_value(p: float | None) -> str:
    r"""Return a p- or q-value with two digits that count.

    Tails are computed down to 1e-10; below it stands the bound.

    >>> [p_value(p) for p in (0.0312, 3e-8, 1e-10, 0.9999, None)]
    ['0.031', '3\xa0×\xa010⁻⁸', '<\xa010⁻¹⁰', '>\xa00.99', '–']
    """
    if p is None:
        return MISSING
    if not math.isfinite(p):
        return _UNKNOWN
    if p <= 1e-10:
        return f"<{_SPACE}10⁻¹⁰"
    if p >= 0.001:
        return _plain_p(p)
    mantissa, exponent = f"{p:.1e}".split("e")
    power = str(int(exponent)).translate(_SUPERSCRIPT)
    return f"{mantissa.removesuffix('.0')}{_SPACE}×{_SPACE}10{power}"


def _plain_p(p: float) -> str:
    if p >= 1.0:
        return "1"
    return f">{_SPACE}0.99" if p >= 0.995 else f"{p:#.2g}"


def p_phrase(p: float) -> str:
    r"""Return a p-value with its sign of equation.

    >>> p_phrase(0.0312), p_phrase(0.0)
    ('p\xa0=\xa00.031', 'p\xa0<\xa010⁻¹⁰')
    """
    written = p_value(p)
    sign = "" if written[0] in "<>" else f"={_SPACE}"
    return f"p{_SPACE}{sign}{written}"


def power_of_ten(value: float) -> str:
    """Return a power of ten as such.

    >>> power_of_ten(1e-3)
    '10⁻³'
    """
    return f"10{str(round(math.log10(value))).translate(_SUPERSCRIPT)}"


def amount(value: float) -> str:
    r"""Return an expected number: two digits that count, without a fraction from 10 on.

    >>> [amount(value) for value in (0.0, 0.0123, 2.61, 97.6, 24_500_000.0)]
    ['0', '0.012', '2.6', '98', '24,500,000']
    """
    if not math.isfinite(value):
        return _UNKNOWN
    if value < 0.001:
        return "0" if value == 0.0 else f"<{_SPACE}0.001"
    return f"{value:#.2g}" if value < 9.95 else f"{value:,.0f}"


def ratio(value: float) -> str:
    """Return a ratio with two digits that count.

    >>> ratio(0.9983), ratio(0.0123), ratio(25.3)
    ('1.0', '0.012', '25')
    """
    return f"{value:#.2g}" if value < 9.95 else f"{value:,.0f}"


def tie(text: str) -> str:
    r"""Return ``text`` with its numbers tied to their per cent signs, so that no line parts them.

    >>> tie("4.2 % of 20")
    '4.2\xa0% of 20'
    """
    return text.replace(" %", f"{_SPACE}%")


def shorten(fingerprint: str) -> str:
    """Return the start of a fingerprint, enough to compare by eye.

    >>> shorten("0123456789abcdef0123")
    '0123456789ab…'
    """
    return fingerprint if len(fingerprint) <= 13 else f"{fingerprint[:12]}…"


def check_word(check: NegativeControl) -> str:
    """Return how a negative control ended.

    >>> check_word(NegativeControl(found=0, n=10, p=0.5, passed=None, fdr=0.01))
    'too small to show anything'
    """
    if check.passed is None:
        return "too small to show anything"
    return "passed" if check.passed else "FAILED"


def yes_no(answer: bool | None) -> str:
    """Return ``yes``, ``no`` or ``not known``."""
    return _UNKNOWN if answer is None else "yes" if answer else "no"
