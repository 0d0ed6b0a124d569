// The kernel that asks for nothing but what every CPU of its kind has: vectors of four sums.
#include <cstring>

#include "exact.h"
#include "kernel.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace spolia {
namespace {

constexpr int ROWS = 8, ROWS_AT_ONCE = 2, VECTORS_AT_ONCE = 4;  // whose sums fit 16 registers

typedef int32_t Sums __attribute__((vector_size(16)));

// What is multiplied at once: numbers made as wide as the multiplication wants them.
#if defined(__SSE2__)
typedef int16_t Wide __attribute__((vector_size(16)));
constexpr int BITS = 16;
inline Sums products(Wide x, Wide y) { return (Sums)_mm_madd_epi16((__m128i)x, (__m128i)y); }
#else
typedef Sums Wide;
constexpr int BITS = 32;
inline Sums products(Wide x, Wide y) { return x * y; }
#endif

// Four times four bytes, numbers of one or two. Each part holds every PARTS-th of them, with sign.
template <int BYTES>
struct Numbers {
    static constexpr int PARTS = BITS / 8 / BYTES;
    Wide parts[PARTS];

    explicit Numbers(Sums lanes) {
        for (int i = 0; i < PARTS; ++i)
            parts[i] = (Wide)lanes << (BITS - 8 * BYTES * (i + 1)) >> (BITS - 8 * BYTES);
    }
};

// Four bytes of one query row, for all four sums.
inline Sums query_at(const int8_t* bytes) {
    int32_t four;
    std::memcpy(&four, bytes, sizeof four);
    return Sums{} + four;
}

// Four bytes of four columns.
inline Sums panel_at(const uint8_t* bytes) {
    Sums lanes;
    std::memcpy(&lanes, bytes, sizeof lanes);
    return lanes;
}

// Adds up a part of a tile. A sign bit of the result stays only where all sums are negative.
template <int BYTES>
Sums add_up(const int8_t* query, const uint8_t* panel, int depth, const int32_t* start,
            int32_t* excess) {
    Sums sums[ROWS_AT_ONCE][VECTORS_AT_ONCE];
    for (int r = 0; r < ROWS_AT_ONCE; ++r)
        for (Sums& sum : sums[r]) sum = Sums{} + start[r];
    for (int k = 0; k < depth; k += 4, query += 4 * ROWS, panel += 4 * COLUMNS) {
        const Numbers<BYTES> x[ROWS_AT_ONCE] = {Numbers<BYTES>(query_at(query)),
                                                Numbers<BYTES>(query_at(query + 4))};
        for (int v = 0; v < VECTORS_AT_ONCE; ++v) {
            const Numbers<BYTES> y(panel_at(panel + 16 * v));
            for (int r = 0; r < ROWS_AT_ONCE; ++r)
                for (int i = 0; i < Numbers<BYTES>::PARTS; ++i)
                    sums[r][v] += products(x[r].parts[i], y.parts[i]);
        }
    }
    Sums all = Sums{} - 1;
    for (int r = 0; r < ROWS_AT_ONCE; ++r) {
        for (const Sums& sum : sums[r]) all &= sum;
        std::memcpy(excess + r * COLUMNS, sums[r], sizeof sums[r]);
    }
    return all;
}

template <int BYTES>
bool tile(const int8_t* query, const uint8_t* panel, int depth, const int32_t* start,
          uint64_t* hits, int32_t* excess) {
    Sums all = Sums{} - 1;
    for (int r = 0; r < ROWS; r += ROWS_AT_ONCE)
        for (int c = 0; c < COLUMNS; c += 4 * VECTORS_AT_ONCE)
            all &= add_up<BYTES>(query + 4 * r, panel + 4 * c, depth, start + r,
                                 excess + r * COLUMNS + c);
    if ((all[0] & all[1] & all[2] & all[3]) < 0) return false;
    for (int r = 0; r < ROWS; ++r) {
        hits[r] = 0;
        for (int c = 0; c < COLUMNS; ++c)
            hits[r] |= uint64_t(excess[r * COLUMNS + c] >= 0) << c;
    }
    return true;
}

double similarity(const float* x, const float* y, int64_t d) { return similarity_of<16>(x, y, d); }

double about(const float* x, const float* y, int64_t d) { return about_of<16>(x, y, d); }

void begin() {}

}  // namespace

const Kernel plain_fine_kernel = {"plain-fine", ROWS,    4,       COLUMNS, 0,          FINE_LEVELS, 2,
                                  nullptr,      tile<2>, similarity, about, begin};
const Kernel plain_kernel = {"plain",            ROWS,    4,          COLUMNS, 0,     127,  1,
                             &plain_fine_kernel, tile<1>, similarity, about, begin};

}  // namespace spolia
