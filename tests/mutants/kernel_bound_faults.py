"""Faults of what the kernel adds up, of its bound, and of the first floors it learns."""

from tests.mutants.kernel_builds import Fault, Mutant
from tests.mutants.kernel_joins import (
    by,
    by_any_kernel,
    centred,
    half,
    long_prefixes,
    one_axis,
    rotated,
    stretched,
)
from tests.spec import kernel_laws as laws
from tests.spec import quantised_laws

# Faults of the sum: which rows meet, and what is added up.

SUMS = {
    "tile offset forgotten in the result": Mutant(
        Fault("join.cpp", "pass(row, panel * COLUMNS + c, ", "pass(row, c, "),
        laws.the_nearest_are_found_in_every_panel,
    ),
    "tile offset forgotten in the panels": Mutant(
        Fault(
            "join.cpp",
            "if (!kernel_.tile(query_.packed + first * base_.depth,\n"
            "                          base_.panels + panel * COLUMNS * base_.depth,",
            "if (!kernel_.tile(query_.packed + first * base_.depth,\n"
            "                          base_.panels,",
        ),
        laws.the_nearest_are_found_in_every_panel,
    ),
    "tile offset forgotten in the seed": Mutant(
        Fault(
            "join.cpp",
            "            kernel_.tile(query_.packed + first * base_.depth,\n"
            "                         base_.panels + panel * COLUMNS * base_.depth,",
            "            kernel_.tile(query_.packed + first * base_.depth,\n"
            "                         base_.panels,",
        ),
        laws.each_row_has_its_own_threshold,
    ),
    "group offset forgotten": Mutant(
        Fault(
            "join.cpp",
            "if (!kernel_.tile(query_.packed + first * base_.depth,",
            "if (!kernel_.tile(query_.packed,",
        ),
        laws.the_nearest_are_found_in_every_panel,
    ),
    "start of the first row for all": Mutant(
        Fault("plain.cpp", "depth, start + r,", "depth, start,"),
        laws.each_row_has_its_own_threshold,
    ),
    "panel scale of the first panel in the result": Mutant(
        Fault(
            "join.cpp",
            "query_.scale[row] * base_.scales[panel] +\n",
            "query_.scale[row] * base_.scales[0] +\n",
        ),
        laws.panels_of_unlike_scales_keep_their_own,
    ),
    "panel scale of the neighbour in the start": Mutant(
        Fault(
            "join.cpp",
            "const double scale = base_.scales[panel];\n        const double inverse",
            "const double scale = base_.scales[panel ? panel - 1 : 0];\n const double inverse",
        ),
        laws.panels_of_unlike_scales_keep_their_own,
    ),
    "panel scale of the first panel in the seed": Mutant(
        Fault(
            "join.cpp",
            "const double scale = query_.scale[row] * base_.scales[panel];",
            "const double scale = query_.scale[row] * base_.scales[0];",
        ),
        laws.panels_of_unlike_scales_keep_their_own,
    ),
    "int32 overflow: too deep": Mutant(
        Fault(
            "kernel.h",
            "DEEPEST = 32768;",
            "DEEPEST = 1 << 20;",
            compiled=("pack.cpp", "module.cpp"),
        ),
        laws.rows_too_wide_for_the_kernel_are_joined,
        by_any_kernel,
    ),
    "int32 overflow: sums far below the least": Mutant(
        Fault("kernel.h", "NEVER = -(1 << 30);", "NEVER = -(1 << 28);", compiled=("join.cpp",)),
        laws.the_deepest_sums_do_not_overflow,
    ),
    "int32 overflow: no room beside the least": Mutant(
        Fault("kernel.h", "NEVER = -(1 << 30);", "NEVER = -2147483647;", compiled=("join.cpp",)),
        laws.rows_about_a_centre_are_told_apart,
        centred,
    ),
    "int32 overflow: starts not limited above": Mutant(
        Fault("join.cpp", "value = value < limit ? value : limit;", ""),
        laws.a_zero_row_is_as_near_to_all,
    ),
}

# Faults of the bound.

BOUNDS = {
    "margin of the query dropped from the start": Mutant(
        Fault("join.cpp", "rows.need[lane] - rows.error[lane] * norm -", "rows.need[lane] -"),
        quantised_laws.what_only_the_query_loses_counts,
    ),
    "margin of base dropped from the start": Mutant(
        Fault("join.cpp", "rows.norm[lane] * error - ", ""),
        laws.rows_of_one_panel_lose_unlike_much,
    ),
    "tail dropped from the start": Mutant(
        Fault("join.cpp", " - rows.tail[lane] * tail)", ")"),
        laws.copies_are_found_by_a_part_of_their_coordinates,
        half,
    ),
    "margin of the query dropped from a pair's bound": Mutant(
        Fault("join.cpp", "query_.error[row] * most[0] + query_.norm", "query_.norm"),
        quantised_laws.what_only_the_query_loses_counts,
    ),
    "margin of base dropped from a pair's bound": Mutant(
        Fault("join.cpp", "+ query_.norm[row] * most[1]", ""),
        quantised_laws.what_only_base_loses_counts,
    ),
    "tail dropped from a pair's bound": Mutant(
        Fault("join.cpp", "query_.tail[row] * most[2]", "0.0"),
        laws.copies_are_found_by_a_part_of_their_coordinates,
        half,
    ),
    "tail bound dropped when packing": Mutant(
        Fault("pack.cpp", "if (!source.prefix) return 0.0;", "return 0.0;"),
        laws.copies_are_found_by_a_part_of_their_coordinates,
        half,
    ),
    "slack dropped from the start": Mutant(
        Fault("join.cpp", "- query_.shift[row] - base_.slack)", "- query_.shift[row])"),
        laws.equal_rows_are_at_or_above_their_similarity,
        centred,
    ),
    "slack dropped from a pair's bound": Mutant(
        Fault("join.cpp", "+ base_.slack;", ";"),
        laws.equal_rows_are_at_or_above_their_similarity,
        centred,
    ),
    "shift has the wrong sign in the start": Mutant(
        Fault("join.cpp", "- query_.shift[row] - base_.slack", "+ query_.shift[row] - base_.slack"),
        laws.rows_that_lean_one_way_are_told_apart,
        centred,
    ),
    "shift has the wrong sign in the result": Mutant(
        Fault("join.cpp", "+\n               query_.shift[row];", "-\n query_.shift[row];"),
        laws.rows_that_lean_one_way_are_told_apart,
        centred,
    ),
    "shift without the centre's own square": Mutant(
        Fault(
            "pack.cpp", "reader.along(i) - square + source.mean", "reader.along(i) + source.mean"
        ),
        laws.rows_that_lean_one_way_are_told_apart,
        centred,
    ),
    "base packed like the query": Mutant(
        Fault("pack.cpp", "return read(row, true);", "return read(row, false);"),
        laws.rows_that_lean_one_way_are_told_apart,
        centred,
    ),
    "errors rounded to nearest": Mutant(
        Fault("pack.cpp", "return double(near) < value ?", "return false ?"),
        laws.equal_rows_are_at_or_above_their_similarity,
        rotated(one_axis(-1, 1.0)),
    ),
    "frame error ignored in the error": Mutant(
        Fault(
            "pack.cpp",
            "source.frame_error / (1.0 - source.frame_error) * (norm + rounding)",
            "0.0",
        ),
        laws.the_nearest_are_found_in_every_panel,
        stretched,
    ),
    "frame error ignored in the tail": Mutant(
        Fault("pack.cpp", "kept * kept / (1.0 + source.frame_error)", "kept * kept"),
        quantised_laws.what_only_the_query_loses_counts,
        rotated(one_axis(1, 1.1)),
    ),
    "rounding ignored in the query's error": Mutant(
        Fault("pack.cpp", "sizes.error[i] = q.error + rounding +", "sizes.error[i] = q.error +"),
        laws.the_nearest_are_found_in_every_panel,
        long_prefixes,
    ),
    "rounding ignored in base's error": Mutant(
        Fault("pack.cpp", "{norm + rounding, q.error + rounding,", "{norm + rounding, q.error,"),
        laws.copies_are_found_by_a_part_of_their_coordinates,
        long_prefixes,
    ),
    "rounding ignored in the tail": Mutant(
        Fault("pack.cpp", "prefix_norm - rounding_of(source, row, 0.0)", "prefix_norm"),
        quantised_laws.what_only_the_query_loses_counts,
        rotated(one_axis(1, 1.0), stretch=1.01),
    ),
    "largest sizes of a panel are those of its last row": Mutant(
        Fault(
            "pack.cpp",
            "std::max(maxima[which], rounded_up(sizes[which]));",
            "rounded_up(sizes[which]);",
        ),
        laws.rows_of_one_panel_lose_unlike_much,
    ),
    "scale of a panel is that of its last row": Mutant(
        Fault("pack.cpp", "most = std::max(most, size_of(", "most = std::min(8.0, size_of("),
        laws.rows_of_one_panel_may_be_of_unlike_sizes,
    ),
}

# Faults of the first floors.

SEED = {
    "seed takes one row too few": Mutant(
        Fault(
            "join.cpp",
            "r * lanes, lanes, keep);",
            "r * lanes, lanes, std::max<int64_t>(1, keep - 1));",
        ),
        laws.the_nearest_are_found_in_every_panel,
    ),
    "seed takes upper bounds": Mutant(
        Fault("join.cpp", "query_.shift[row] - radius(", "query_.shift[row] + radius("),
        laws.the_nearest_are_found_in_every_panel,
    ),
    "seed forgets the shift": Mutant(
        Fault("join.cpp", "query_.shift[row] - radius(", "-query_.shift[row] - radius("),
        laws.rows_that_lean_one_way_are_told_apart,
        centred,
    ),
    "seed counts excluded pairs": Mutant(
        Fault("join.cpp", "if (hidden(row, panel * COLUMNS + c) || is_late", "if (is_late"),
        laws.excluded_rows_do_not_hide_negative_neighbours,
    ),
    "seed counts rows that only fill a panel": Mutant(
        Fault(
            "join.cpp", "panels = columns / COLUMNS", "panels = (columns + COLUMNS - 1) / COLUMNS"
        ),
        laws.neighbours_that_are_all_far_are_ranked,
    ),
    "pairs of the first panels forgotten": Mutant(
        Fault(
            "join.cpp",
            "pass_all(panel, group, start, hits, excess);\n            if (int64_t(pending_",
            "if (int64_t(pending_",
        ),
        laws.the_nearest_are_found_in_every_panel,
    ),
    "sums of the first panels taken for those of the first": Mutant(
        Fault(
            "join.cpp",
            "const int32_t* excess = seen_.data() + panel * size;",
            "const int32_t* excess = seen_.data();",
        ),
        laws.the_nearest_are_found_in_every_panel,
    ),
}

# Faults of what only some machines have.

SPECIAL = {
    "correction of the unsigned side forgotten, avx2": Mutant(
        Fault("pack.cpp", "kernel.offset ? kernel.offset * sum_of(numbers, source.width) : 0", "0"),
        laws.extreme_rows_keep_their_sums,
        by("avx2"),
        "avx2",
    ),
    "correction of the unsigned side forgotten, avx512": Mutant(
        Fault("pack.cpp", "kernel.offset ? kernel.offset * sum_of(numbers, source.width) : 0", "0"),
        laws.extreme_rows_keep_their_sums,
        by("avx512"),
        "avx512",
    ),
    "avx2 saturates": Mutant(
        Fault("x86.cpp", "COLUMNS, 64,           63,", "COLUMNS, 64, 127,"),
        laws.extreme_rows_keep_their_sums,
        by("avx2"),
        "avx2",
    ),
    "start of the first row for all, avx2": Mutant(
        Fault(
            "x86.cpp",
            "for (int v = 0; v < VECTORS; ++v) sums[i][v] = _mm256_set1_epi32(start[r + i]);",
            "for (int v = 0; v < VECTORS; ++v) sums[i][v] = _mm256_set1_epi32(start[r]);",
        ),
        laws.each_row_has_its_own_threshold,
        by("avx2"),
        "avx2",
    ),
    "start of the first row for all, avx2-fine": Mutant(
        Fault(
            "x86.cpp",
            "                    sums[i][v] = _mm256_set1_epi32(start[r + i]);",
            "                    sums[i][v] = _mm256_set1_epi32(start[r]);",
        ),
        laws.each_row_has_its_own_threshold,
        by("avx2-fine"),
        "avx2-fine",
    ),
    "columns of the second stripe taken for the first": Mutant(
        Fault(
            "x86.cpp", "excess + (r + i) * COLUMNS + c) << c;", "excess + (r + i) * COLUMNS + c);"
        ),
        laws.the_nearest_are_found_in_every_panel,
        by("avx2-fine"),
        "avx2-fine",
    ),
    "stripes packed as if they were one": Mutant(
        Fault("pack.cpp", "column / stripe * stripe * depth + column % stripe * 4", "column * 4"),
        laws.the_nearest_are_found_in_every_panel,
        by("avx2-fine"),
        "avx2-fine",
    ),
    "int32 overflow: numbers of two bytes too large together": Mutant(
        Fault(
            "kernel.h",
            "FINE_LEVELS = 31000;",
            "FINE_LEVELS = 47000;",
            compiled=("plain.cpp", "x86.cpp"),
        ),
        laws.the_deepest_sums_do_not_overflow,
        by("plain-fine"),
    ),
    "scale of numbers of two bytes cut off": Mutant(
        Fault("pack.cpp", "(fine ? 0x1p-6 : 0x1p-14)", "(fine ? -0.5 : 0x1p-14)"),
        laws.rows_of_one_panel_may_be_of_unlike_sizes,
        by("plain-fine"),
    ),
    "start of the first row for all, avx512": Mutant(
        Fault(
            "x86.cpp",
            "sums[r][v] = _mm512_set1_epi32(start[r]);",
            "sums[r][v] = _mm512_set1_epi32(start[0]);",
        ),
        laws.each_row_has_its_own_threshold,
        by("avx512"),
        "avx512",
    ),
    "start of the first row for all, amx": Mutant(
        Fault(
            "x86.cpp",
            "const __m512i from = _mm512_set1_epi32(start[r]);",
            "const __m512i from = _mm512_set1_epi32(start[0]);",
        ),
        laws.each_row_has_its_own_threshold,
        by("amx"),
        "amx",
    ),
    "rows packed in two bytes taken for shorter than they are": Mutant(
        Fault("pack.cpp", "MOST_NORM = 1.0002;", "MOST_NORM = 0.4;"),
        laws.rows_of_one_panel_may_be_of_unlike_sizes,
        by("plain-fine"),
    ),
}
