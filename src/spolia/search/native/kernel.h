// What an instruction set has to offer: an integer tile, and the exact similarity of two rows.
#pragma once

#include <cstdint>

namespace spolia {

// Base rows packed together, and compared with a few query rows at a time.
constexpr int COLUMNS = 48;

// Sums stay under 2^30 in size up to this depth: 255 * 127 * 32,768 < 2^30.
constexpr int DEEPEST = 32768;
constexpr int32_t NEVER = -(1 << 30);

// A panel is [COLUMNS / stripe][depth / 4][stripe][4] bytes: coordinates of base rows, quantised to
// whole numbers, plus `offset`. A group of query rows is [depth / unit][rows][unit] bytes. Numbers have one byte,
// and are at most `levels` in size; or two, and those of a row have a norm of at most `levels`, by
// one in a hundred more: its square is below 2^30.
struct Kernel {
    const char* name;
    int rows;
    int unit;
    int stripe;          // columns that lie together, to fit the nearest cache
    int offset;
    int levels;
    int bytes;           // of a coordinate
    const Kernel* fine;  // of two bytes, for the same machines; or null

    // Is start[r] + <query row r, panel column c> >= 0 for any pair? If so, bit c of hits[r] tells
    // which, and excess[r * COLUMNS + c] holds that number for every row with a hit.
    bool (*tile)(const int8_t* query, const uint8_t* panel, int depth, const int32_t* start,
                 uint64_t* hits, int32_t* excess);

    // The dot product of two rows of norm 1.0001 at most, rounded once; never -0.0.
    double (*similarity)(const float* x, const float* y, int64_t d);

    // The same in float32 arithmetic, quicker; off by `about_error` at most.
    double (*about)(const float* x, const float* y, int64_t d);

    // Once in every thread, before the first tile.
    void (*begin)();
};

constexpr int FINE_LEVELS = 31000;

extern const Kernel plain_kernel;
extern const Kernel plain_fine_kernel;
#if defined(__x86_64__)
extern const Kernel avx2_kernel;
extern const Kernel avx2_fine_kernel;
extern const Kernel avx512_kernel;
extern const Kernel avx512_fine_kernel;
extern const Kernel amx_kernel;
bool amx_allowed();
#elif defined(__aarch64__)
extern const Kernel neon_kernel;
bool neon_dot_available();
#endif

}  // namespace spolia
