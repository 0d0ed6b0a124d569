// Kernels for x86-64, each compiled for its own instructions and used only where the CPU has them.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "exact.h"
#include "kernel.h"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace spolia {
namespace {

void begin_nothing() {}

// AVX2 has no byte dot product that cannot saturate: with panel bytes of 1 to 127 the sum of two
// products, of at most 2 * 127 * 127, fits 16 bits.
namespace avx2 {

#define SPOLIA_TARGET __attribute__((target("avx2,fma")))
constexpr int ROWS = 8, AT_ONCE = 2, VECTORS = COLUMNS / 8;

// Tells the hits of a row from its sums, and keeps these if there are any.
SPOLIA_TARGET inline uint64_t hits_of(const __m256i* sums, int vectors, int32_t* excess) {
    uint64_t row = 0;
    for (int v = 0; v < vectors; ++v) {
        const int negative = _mm256_movemask_ps(_mm256_castsi256_ps(sums[v]));
        row |= uint64_t(~negative & 255) << (8 * v);
    }
    if (row)
        for (int v = 0; v < vectors; ++v) _mm256_storeu_si256((__m256i*)(excess + 8 * v), sums[v]);
    return row;
}

SPOLIA_TARGET bool tile(const int8_t* query, const uint8_t* panel, int depth,
                        const int32_t* start, uint64_t* hits, int32_t* excess) {
    const __m256i ones = _mm256_set1_epi16(1);
    uint64_t any = 0;
    for (int r = 0; r < ROWS; r += AT_ONCE) {
        __m256i sums[AT_ONCE][VECTORS];
        for (int i = 0; i < AT_ONCE; ++i)
            for (int v = 0; v < VECTORS; ++v) sums[i][v] = _mm256_set1_epi32(start[r + i]);
        const int8_t* q = query + 4 * r;
        const uint8_t* p = panel;
        for (int k = 0; k < depth; k += 4, p += 4 * COLUMNS, q += 4 * ROWS) {
            __m256i both[AT_ONCE];
            for (int i = 0; i < AT_ONCE; ++i) {
                int32_t four;
                std::memcpy(&four, q + 4 * i, 4);
                both[i] = _mm256_set1_epi32(four);
            }
            for (int v = 0; v < VECTORS; ++v) {
                const __m256i y = _mm256_loadu_si256((const __m256i*)(p + 32 * v));
                for (int i = 0; i < AT_ONCE; ++i) {
                    const __m256i pairs = _mm256_maddubs_epi16(y, both[i]);
                    sums[i][v] = _mm256_add_epi32(sums[i][v], _mm256_madd_epi16(pairs, ones));
                }
            }
        }
        for (int i = 0; i < AT_ONCE; ++i) {
            hits[r + i] = hits_of(sums[i], VECTORS, excess + (r + i) * COLUMNS);
            any |= hits[r + i];
        }
    }
    return any != 0;
}

// Numbers of two bytes: by Cauchy and Schwarz no sum of their products, over any coordinates, is
// larger than the product of the norms.
constexpr int FINE_AT_ONCE = 4, FINE_VECTORS = VECTORS / 2, STRIPE = 8 * FINE_VECTORS;

SPOLIA_TARGET bool fine_tile(const int8_t* query, const uint8_t* panel, int depth,
                             const int32_t* start, uint64_t* hits, int32_t* excess) {
    std::fill(hits, hits + ROWS, 0);
    uint64_t any = 0;
    for (int c = 0; c < COLUMNS; c += STRIPE)
        for (int r = 0; r < ROWS; r += FINE_AT_ONCE) {
            __m256i sums[FINE_AT_ONCE][FINE_VECTORS];
            for (int i = 0; i < FINE_AT_ONCE; ++i)
                for (int v = 0; v < FINE_VECTORS; ++v)
                    sums[i][v] = _mm256_set1_epi32(start[r + i]);
            const int8_t* q = query + 4 * r;
            const uint8_t* p = panel + c * depth;
            for (int k = 0; k < depth; k += 4, p += 4 * STRIPE, q += 4 * ROWS) {
                __m256i y[FINE_VECTORS];
                for (int v = 0; v < FINE_VECTORS; ++v)
                    y[v] = _mm256_loadu_si256((const __m256i*)(p + 32 * v));
                for (int i = 0; i < FINE_AT_ONCE; ++i) {
                    int32_t two;
                    std::memcpy(&two, q + 4 * i, 4);
                    const __m256i x = _mm256_set1_epi32(two);
                    for (int v = 0; v < FINE_VECTORS; ++v)
                        sums[i][v] = _mm256_add_epi32(sums[i][v], _mm256_madd_epi16(y[v], x));
                }
            }
            for (int i = 0; i < FINE_AT_ONCE; ++i)
                hits[r + i] |=
                    hits_of(sums[i], FINE_VECTORS, excess + (r + i) * COLUMNS + c) << c;
        }
    for (int r = 0; r < ROWS; ++r) any |= hits[r];
    return any != 0;
}

// `similarity_of` with fused products, which have no error either way.
SPOLIA_TARGET double similarity(const float* x, const float* y, int64_t d) {
    __m256d sums[CHAINS], lows[CHAINS];
    for (int i = 0; i < CHAINS; ++i) {
        sums[i] = _mm256_set1_pd(COUNTED_FROM);
        lows[i] = _mm256_setzero_pd();
    }
    int64_t j = 0;
    for (; j + 4 * CHAINS <= d; j += 4 * CHAINS)
#pragma GCC unroll 4
        for (int i = 0; i < CHAINS; ++i) {
            const __m256d a = _mm256_cvtps_pd(_mm_loadu_ps(x + j + 4 * i));
            const __m256d b = _mm256_cvtps_pd(_mm_loadu_ps(y + j + 4 * i));
            const __m256d next = _mm256_fmadd_pd(a, b, sums[i]);
            lows[i] = _mm256_add_pd(lows[i], _mm256_fmsub_pd(a, b, _mm256_sub_pd(next, sums[i])));
            sums[i] = next;
        }
    return rounded(partial_of(sums, lows, j), x, y, d);
}

SPOLIA_TARGET double about(const float* x, const float* y, int64_t d) {
    return about_of<32>(x, y, d);
}

#undef SPOLIA_TARGET
}  // namespace avx2

namespace avx512 {

#define SPOLIA_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma")))
constexpr int ROWS = 8, VECTORS = COLUMNS / 16;

// Written out, because compilers keep the query in registers, run out of these and spill sums.
struct Bytes {
    SPOLIA_TARGET static inline __attribute__((always_inline)) void add_dot(
        __m512i& sum, __m512i panel, const int8_t* four) {
        asm("vpdpbusd %2%{1to16%}, %1, %0"
            : "+v"(sum)
            : "v"(panel), "m"(*reinterpret_cast<const int32_t*>(four)));
    }
};

// By Cauchy and Schwarz no sum of products of two-byte numbers is larger than that of the norms.
struct Shorts {
    SPOLIA_TARGET static inline __attribute__((always_inline)) void add_dot(
        __m512i& sum, __m512i panel, const int8_t* two) {
        asm("vpdpwssd %2%{1to16%}, %1, %0"
            : "+v"(sum)
            : "v"(panel), "m"(*reinterpret_cast<const int32_t*>(two)));
    }
};

SPOLIA_TARGET uint64_t hits_of(const __m512i* sums) {
    uint64_t row = 0;
    for (int v = 0; v < VECTORS; ++v)
        row |= uint64_t(uint16_t(~_mm512_movepi32_mask(sums[v]))) << (16 * v);
    return row;
}

template <class Numbers>
SPOLIA_TARGET bool tile(const int8_t* query, const uint8_t* panel, int depth,
                        const int32_t* start, uint64_t* hits, int32_t* excess) {
    __m512i sums[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; ++v) sums[r][v] = _mm512_set1_epi32(start[r]);
    for (int k = 0; k < depth; k += 4, panel += 4 * COLUMNS, query += 4 * ROWS) {
        __m512i y[VECTORS];
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; ++v) y[v] = _mm512_loadu_si512(panel + 64 * v);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 3
            for (int v = 0; v < VECTORS; ++v)
                Numbers::add_dot(sums[r][v], y[v], query + 4 * r);
    }
    __m512i all = sums[0][0];  // a sign bit stays only where all sums are negative
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r)
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; ++v) all = _mm512_and_si512(all, sums[r][v]);
    if (_mm512_movepi32_mask(all) == 0xffff) return false;
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; ++r) {
        hits[r] = hits_of(sums[r]);
#pragma GCC unroll 3
        for (int v = 0; v < VECTORS; ++v)
            _mm512_storeu_si512(excess + r * COLUMNS + 16 * v, sums[r][v]);
    }
    return true;
}

// `similarity_of` with fused products, which have no error either way.
SPOLIA_TARGET double similarity(const float* x, const float* y, int64_t d) {
    __m512d sums[CHAINS], lows[CHAINS];
    for (int i = 0; i < CHAINS; ++i) {
        sums[i] = _mm512_set1_pd(COUNTED_FROM);
        lows[i] = _mm512_setzero_pd();
    }
    int64_t j = 0;
    for (; j + 8 * CHAINS <= d; j += 8 * CHAINS)
#pragma GCC unroll 4
        for (int i = 0; i < CHAINS; ++i) {
            const __m512d a = _mm512_cvtps_pd(_mm256_loadu_ps(x + j + 8 * i));
            const __m512d b = _mm512_cvtps_pd(_mm256_loadu_ps(y + j + 8 * i));
            const __m512d next = _mm512_fmadd_pd(a, b, sums[i]);
            lows[i] = _mm512_add_pd(lows[i], _mm512_fmsub_pd(a, b, _mm512_sub_pd(next, sums[i])));
            sums[i] = next;
        }
    return rounded(partial_of(sums, lows, j), x, y, d);
}

SPOLIA_TARGET double about(const float* x, const float* y, int64_t d) {
    return about_of<64>(x, y, d);
}

#undef SPOLIA_TARGET
}  // namespace avx512

// Whole tiles of 16 rows x 64 bytes, where the CPU has them; the comparison is AVX-512.
namespace amx {

#define SPOLIA_TARGET \
    __attribute__((target("amx-tile,amx-int8,avx512f,avx512bw,avx512dq,avx512vl")))
constexpr int ROWS = 16, UNIT = 64, VECTORS = COLUMNS / 16;

struct alignas(64) Palette {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

SPOLIA_TARGET void begin() {
    static const Palette palette;
    _tile_loadconfig(&palette);
}

SPOLIA_TARGET bool tile(const int8_t* query, const uint8_t* panel, int depth,
                        const int32_t* start, uint64_t* hits, int32_t* excess) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    for (int k = 0; k < depth; k += UNIT, panel += UNIT * COLUMNS, query += UNIT * ROWS) {
        _tile_loadd(3, query, UNIT);
        _tile_loadd(4, panel, 4 * COLUMNS);
        _tile_dpbssd(0, 3, 4);
        _tile_loadd(5, panel + 64, 4 * COLUMNS);
        _tile_dpbssd(1, 3, 5);
        _tile_loadd(6, panel + 128, 4 * COLUMNS);
        _tile_dpbssd(2, 3, 6);
    }
    _tile_stored(0, excess, 4 * COLUMNS);
    _tile_stored(1, excess + 16, 4 * COLUMNS);
    _tile_stored(2, excess + 32, 4 * COLUMNS);
    uint64_t any = 0;
    for (int r = 0; r < ROWS; ++r) {
        const __m512i from = _mm512_set1_epi32(start[r]);
        int32_t* row = excess + r * COLUMNS;
        uint64_t found = 0;
        for (int v = 0; v < VECTORS; ++v) {
            const __m512i sum = _mm512_add_epi32(_mm512_loadu_si512(row + 16 * v), from);
            found |= uint64_t(uint16_t(~_mm512_movepi32_mask(sum))) << (16 * v);
        }
        hits[r] = found;
        any |= found;
        if (found)
            for (int c = 0; c < COLUMNS; ++c) row[c] += start[r];
    }
    return any != 0;
}

#undef SPOLIA_TARGET
}  // namespace amx
}  // namespace

// The system hands out the large tile registers only to processes that ask.
bool amx_allowed() {
#if defined(__linux__) && defined(SYS_arch_prctl)
    constexpr int ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18;
    static const bool allowed =
        syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
    return allowed;
#else
    return false;
#endif
}

const Kernel avx2_fine_kernel = {
    "avx2-fine",     avx2::ROWS,       4,           avx2::STRIPE, 0,            FINE_LEVELS, 2, nullptr,
    avx2::fine_tile, avx2::similarity, avx2::about, begin_nothing};
const Kernel avx2_kernel = {
    "avx2",     avx2::ROWS,       4,           COLUMNS, 64,           63, 1, &avx2_fine_kernel,
    avx2::tile, avx2::similarity, avx2::about, begin_nothing};
const Kernel avx512_fine_kernel = {"avx512-fine",
                                   avx512::ROWS,
                                   4,
                                   COLUMNS,
                                   0,
                                   FINE_LEVELS,
                                   2,
                                   nullptr,
                                   avx512::tile<avx512::Shorts>,
                                   avx512::similarity,
                                   avx512::about,
                                   begin_nothing};
const Kernel avx512_kernel = {"avx512",
                              avx512::ROWS,
                              4,
                              COLUMNS,
                              128,
                              127,
                              1,
                              &avx512_fine_kernel,
                              avx512::tile<avx512::Bytes>,
                              avx512::similarity,
                              avx512::about,
                              begin_nothing};
const Kernel amx_kernel = {
    "amx",     amx::ROWS,          amx::UNIT,     COLUMNS, 0,         127, 1, &avx512_fine_kernel,
    amx::tile, avx512::similarity, avx512::about, amx::begin};

}  // namespace spolia

#endif
