// Rows made small: whole numbers, a scale, and how much was lost.
#pragma once

#include <cstdint>

#include "kernel.h"

namespace spolia {

// What is known of each query row. The slack that is added to every bound covers all float64
// roundings here.
struct Sizes {
    double* scale;
    double* norm;   // of the quantised row, scaled back
    double* error;  // of what rounding and quantising lost
    double* tail;   // of what the prefix leaves out
    double* shift;  // added to every similarity; written only where there is a centre
};

// Where the coordinates come from. Either from the rows themselves; or from rows less a centre c,
// with one coordinate added, so that with a weight w and a mean t
//     x . y = (x - c, w) . (y - c, (y . c - t) / w) + x . c - c . c + t;
// or from the leading coordinates of such rows after a rotation.
struct Source {
    const float* const* rows;  // (n,) addresses of d coordinates
    const float* prefix;       // (n, width) rotated, or null
    const double* whole;       // (n,) norms of the rows before the rotation, at least; or null
    const float* centre;       // (d,) to subtract here, or null
    int64_t width;             // coordinates used: d, or d + 1 with a centre, or of the prefix
    double rounding;           // error of the computed coordinates, over the whole norm
    double frame_error;        // how far the rotation's rows are from orthonormal
    double weight;
    double mean;
};

void pack_query(const Kernel& kernel, const Source& source, int64_t n, int64_t depth,
                int8_t* packed, int32_t* correction, const Sizes& sizes);

struct PackedPanels {
    uint8_t* panels;
    double* scales;  // (panels,)
    float* maxima;   // (panels, 3): the largest norm, error and tail, rounded up
};

void pack_base(const Kernel& kernel, const Source& source, int64_t n, int64_t depth,
               const PackedPanels& out);

}  // namespace spolia
