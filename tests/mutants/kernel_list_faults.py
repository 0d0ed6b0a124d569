"""Faults of what the kernel lists, drops and settles, and of its exact similarity."""

from tests.mutants.kernel_builds import Fault, Mutant, whole
from tests.mutants.kernel_joins import small_blocks, without_slack
from tests.spec import join_exclude_laws as exclude_laws
from tests.spec import kernel_laws as laws

# Faults of collecting and settling.

COLLECTING = {
    "ties by arrival": Mutant(
        Fault(
            "best.h",
            "one.query < other.query : one.base < other.base;",
            "one.query < other.query : false;",
            compiled=("join.cpp",),
        ),
        laws.many_unequal_rows_as_similar_go_to_the_lower_number,
    ),
    "ties of query rows by arrival": Mutant(
        Fault(
            "best.h",
            "return one.query != other.query ? one.query < other.query : one.base < other.base;",
            "return one.base < other.base;",
            compiled=("join.cpp",),
        ),
        laws.many_unequal_rows_as_similar_go_to_the_lower_number,
    ),
    "ties at the last place dropped": Mutant(
        Fault(
            "best.h",
            "if (pair.similarity < floor) continue;",
            "if (pair.similarity <= floor) continue;",
            compiled=("join.cpp",),
        ),
        laws.many_unequal_rows_as_similar_go_to_the_lower_number,
    ),
    "floor is one place too high": Mutant(
        Fault(
            "best.h",
            "reached_by(lowers.data(), held + known, keep)",
            "reached_by(lowers.data(), held + known, std::max<int64_t>(1, keep - 1))",
            compiled=("join.cpp",),
        ),
        laws.the_nearest_are_found_in_every_panel,
    ),
    "floor is half way to the best": Mutant(
        Fault(
            "best.h",
            "(reach >= keep ? low : high) = middle;",
            "low = middle;",
            compiled=("join.cpp",),
        ),
        laws.the_nearest_are_found_in_every_panel,
    ),
    "pairs not looked at when base has passed by": Mutant(
        Fault(
            "join.cpp",
            "look();\n        settle_above();\n        if (out_.nearest)",
            "settle_above();\n        if (out_.nearest)",
        ),
        laws.the_nearest_are_found_in_every_panel,
    ),
    "pairs not looked at before others are handed over": Mutant(
        Fault("join.cpp", "look();\n                    settle_above();", "settle_above();"),
        laws.all_pairs_are_listed_once,
    ),
    "best left unsorted": Mutant(
        Fault("join.cpp", "std::sort(best.best, best.best + best.held, better);", ""),
        laws.the_nearest_are_found_in_every_panel,
    ),
    "quick similarity taken for exact": Mutant(
        Fault(
            "exact.h",
            "return double(d / 64 + 8) * 0x1p-24 * 1.01 + double(d) * 0x1p-100;",
            "return 0.0 * double(d);",
            compiled=("join.cpp",),
        ),
        laws.a_similarity_is_at_or_above_itself,
    ),
    "strictly above": Mutant(
        Fault("join.cpp", "found.similarity >= out_.above", "found.similarity > out_.above"),
        laws.a_similarity_is_at_or_above_itself,
    ),
    "highest floor of all outputs": Mutant(
        Fault(
            "join.cpp",
            "floor = std::min(floor, out_.nearest[row].floor);",
            "floor = std::isinf(floor) ? out_.nearest[row].floor : floor;",
        ),
        laws.each_output_has_its_own_threshold,
    ),
    "floor of the best pairs forgotten": Mutant(
        Fault("join.cpp", "if (out_.top) floor = std::min(floor, out_.top->floor);", ""),
        laws.each_output_has_its_own_threshold,
    ),
    "excluded pairs offered": Mutant(
        Fault("join.cpp", "if (hidden(row, column) || (", "if (("),
        laws.rows_of_one_group_are_never_neighbours,
    ),
    "pairs of a set with itself listed twice": Mutant(
        Fault(
            "join.cpp",
            "return out_.once && int64_t(base_.numbers[column]) <=",
            "return false && int64_t(base_.numbers[column]) <=",
        ),
        exclude_laws.a_pair_of_a_set_with_itself_is_listed_once,
    ),
    "first row of the block forgotten": Mutant(
        Fault("join.cpp", "<= query_.first + row;", "<= row;"),
        laws.a_large_set_with_itself_lists_each_pair_once,
        small_blocks,
    ),
    "panels left out of the nearest": Mutant(
        Fault(
            "join.cpp",
            "if (!out_.once || out_.nearest) return false;",
            "if (!out_.once) return false;",
        ),
        laws.a_large_set_with_itself_lists_each_pair_once,
        small_blocks,
    ),
    "panels left out by their first row": Mutant(
        Fault(
            "join.cpp",
            "std::min(base_.columns, (panel + 1) * COLUMNS) - 1;",
            "panel * COLUMNS;",
        ),
        laws.a_large_set_with_itself_lists_each_pair_once,
        small_blocks,
    ),
    "late copies not listed": Mutant(
        Fault(
            "join.cpp", "if (pair.upper >= out_.above)", "if (!late && pair.upper >= out_.above)"
        ),
        laws.late_copies_are_listed,
    ),
    "a group left out where pairs were handed over": Mutant(
        Fault("join.cpp", "++out_.group;\n                    look", "out_.group += 2;\n look"),
        laws.all_pairs_are_listed_once,
    ),
    "a group done again where pairs were handed over": Mutant(
        Fault("join.cpp", "++out_.group;\n                    look", "look"),
        laws.all_pairs_are_listed_once,
    ),
}

# Nothing is lost where nothing is rounded, not even without the slack that covers such faults.

slackless_zeros = (laws.a_zero_row_is_as_near_to_all, without_slack(whole))
EDGES = {
    "a pair at the floor dropped before it waits": Mutant(
        Fault(
            "join.cpp",
            "if (pair.upper < best.floor) return;",
            "if (pair.upper <= best.floor) return;",
        ),
        *slackless_zeros,
    ),
    "a pair at the floor dropped while it waits": Mutant(
        Fault(
            "best.h",
            "if (waiting[i].upper >= floor) waiting[stay++]",
            "if (waiting[i].upper > floor) waiting[stay++]",
            compiled=("join.cpp",),
        ),
        *slackless_zeros,
    ),
    "a pair at the floor dropped before its rows are looked at": Mutant(
        Fault(
            "join.cpp",
            "if (pair.upper < floor_of(pair.row)) continue;",
            "if (pair.upper <= floor_of(pair.row)) continue;",
        ),
        *slackless_zeros,
    ),
    "a pair at the floor never settled exactly": Mutant(
        Fault(
            "best.h",
            "if (waiting[i].upper < floor) continue;",
            "if (waiting[i].upper <= floor) continue;",
            compiled=("join.cpp",),
        ),
        *slackless_zeros,
    ),
    "a pair whose bound is at the similarity asked for dropped": Mutant(
        Fault("join.cpp", "if (pair.upper >= out_.above)", "if (pair.upper > out_.above)"),
        *slackless_zeros,
    ),
}

# Faults of the exact similarity.

EXACT = {
    "exact sum rounds half up": Mutant(
        Fault("exact.cpp", "(rest || (mantissa & 1))", "(rest || true)"),
        laws.hard_sums_of_unit_rows_are_rounded_once,
    ),
    "exact sum forgets what is below half": Mutant(
        Fault("exact.cpp", "(rest || (mantissa & 1))", "(mantissa & 1)"),
        laws.hard_sums_of_unit_rows_are_rounded_once,
    ),
    "exact sum never asked for": Mutant(
        Fault(
            "exact.h",
            "return similarity_by_limbs(x, y, d);",
            "return hi + 0.0;",
            compiled=("plain.cpp",),
        ),
        laws.hard_sums_of_unit_rows_are_rounded_once,
    ),
    "error of the lows taken for zero": Mutant(
        Fault(
            "exact.h",
            "const double delta = double(d) * double(d) * 0x1p-102;",
            "const double delta = 0.0;",
            compiled=("plain.cpp",),
        ),
        laws.hard_sums_of_unit_rows_are_rounded_once,
    ),
}
