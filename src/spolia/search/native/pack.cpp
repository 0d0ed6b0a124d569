#include "pack.h"

#include "exact.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace spolia {
namespace {

constexpr double MOST_NORM = 1.0002;  // rows are refused from 1.0001 on

typedef Vectors<32>::Doubles Doubles;
typedef Vectors<32>::Floats Floats;
typedef Vectors<32>::Halves Halves;
typedef int32_t Ints __attribute__((vector_size(32)));
typedef int16_t Shorts __attribute__((vector_size(16)));

float rounded_up(double value) {
    const float near = float(value);
    return double(near) < value ? std::nextafter(near, std::numeric_limits<float>::infinity())
                                : near;
}

// The size of the largest coordinate: without the sign bit, floats are ordered like their bits.
SPOLIA_CLONES double largest(const float* x, int64_t width) {
    uint32_t most = 0;
    for (int64_t j = 0; j < width; ++j) {
        uint32_t bits;
        std::memcpy(&bits, x + j, sizeof bits);
        bits &= 0x7fffffff;
        most = bits > most ? bits : most;
    }
    float result;
    std::memcpy(&result, &most, sizeof result);
    return result;
}

SPOLIA_CLONES double dot(const float* x, const float* y, int64_t d) {
    constexpr int LANES = Vectors<32>::DOUBLES, STEP = 4 * LANES;
    Doubles sums[4] = {Doubles{}, Doubles{}, Doubles{}, Doubles{}};
    int64_t j = 0;
    for (; j + STEP <= d; j += STEP)
        for (int i = 0; i < 4; ++i)
            sums[i] += __builtin_convertvector(
                           *reinterpret_cast<const Halves*>(x + j + LANES * i), Doubles) *
                       __builtin_convertvector(
                           *reinterpret_cast<const Halves*>(y + j + LANES * i), Doubles);
    sums[0] += sums[1] + (sums[2] + sums[3]);
    double sum = 0.0;
    for (int lane = 0; lane < LANES; ++lane) sum += sums[0][lane];
    for (; j < d; ++j) sum += double(x[j]) * double(y[j]);
    return sum;
}

double norm_of(const float* x, int64_t width) { return std::sqrt(dot(x, x, width)); }

SPOLIA_CLONES void subtract(const float* x, const float* y, int64_t d, float* out) {
    for (int64_t j = 0; j < d; ++j) out[j] = x[j] - y[j];
}

// Reads rows one by one.
class Reader {
   public:
    explicit Reader(const Source& source)
        : source_(source), d_(source.width - 1), buffer_(source.centre ? source.width : 0) {}

    const float* query(int64_t row) { return read(row, false); }
    const float* base(int64_t row) { return read(row, true); }

    double along(int64_t row) const { return along_of(source_.rows[row]); }
    double centre_square() const { return along_of(source_.centre); }

   private:
    const float* read(int64_t row, bool base) {
        if (source_.prefix) return source_.prefix + row * source_.width;
        if (!source_.centre) return source_.rows[row];
        subtract(source_.rows[row], source_.centre, d_, buffer_.data());
        buffer_.back() = float(base ? (along(row) - source_.mean) / source_.weight
                                    : source_.weight);
        return buffer_.data();
    }

    double along_of(const float* x) const { return dot(x, source_.centre, d_); }

    const Source& source_;
    const int64_t d_;
    std::vector<float> buffer_;
};

// What rounding did to a row's coordinates, at most.
double rounding_of(const Source& source, int64_t row, double norm) {
    return source.rounding * (source.prefix ? source.whole[row] : norm);
}

// The norm of a row's part outside the prefix, at most: what is left of its norm by Pythagoras,
// after the rotated prefix was made as short as its own error allows.
double tail_of(const Source& source, int64_t row, double prefix_norm) {
    if (!source.prefix) return 0.0;
    const double whole = source.whole[row];
    const double kept = std::max(0.0, prefix_norm - rounding_of(source, row, 0.0));
    const double left = whole * whole - kept * kept / (1.0 + source.frame_error);
    return std::sqrt(std::max(0.0, left) + 1e-12 * whole * whole);
}

// A scale not below `size / levels`: of so few binary digits, 16 or 8, that its products with whole
// numbers, of 7 or 15, are float32 numbers. 0 where the row is too small to be told from zero.
float scale_of(const Kernel& kernel, double size) {
    if (size < 1e-30) return 0.0f;
    const bool fine = kernel.bytes == 2;
    float scale = float(size / kernel.levels * (1.0 + (fine ? 0x1p-6 : 0x1p-14)));
    uint32_t bits;
    std::memcpy(&bits, &scale, sizeof bits);
    bits &= fine ? 0xffff0000 : 0xffffff00;
    std::memcpy(&scale, &bits, sizeof scale);
    return scale;
}

// What `levels` are counted of: the largest coordinate, or of numbers of two bytes the norm. The
// norm of rows as they came is known well enough.
double size_of(const Kernel& kernel, const Source& source, const float* x) {
    if (kernel.bytes == 1) return largest(x, source.width);
    if (!source.prefix && !source.centre) return MOST_NORM;
    return norm_of(x, source.width) * (1.0 + 1e-9);
}

struct Quantised {
    double norm;   // of the whole numbers, scaled back
    double error;  // norm of what was lost, at most
};

// Writes round(x / scale), and zeros up to a multiple of 16. Adding 1.5 * 2^23 leaves whole numbers.
// scale * whole has no error, and x - scale * whole one of 2^-24 of itself at most; sums of up to
// 32,768 squares in 16 lanes of float32 err by 2,060 * 2^-24, and the factor covers twice that.
SPOLIA_CLONES Quantised quantise(const float* x, int64_t width, float scale, int16_t* out) {
    if (scale == 0.0f) {
        std::memset(out, 0, sizeof(int16_t) * size_t((width + 15) / 16 * 16));
        return {0.0, norm_of(x, width)};
    }
    const float inverse = 1.0f / scale;
    const Floats round = Floats{} + 0x1.8p23f;
    Floats errors[2] = {Floats{}, Floats{}};
    Ints squares[2] = {Ints{}, Ints{}};
    for (int64_t j = 0; j < width; j += 16) {
        float rest[16] = {};
        const float* some = x + j;
        if (width - j < 16) {
            std::memcpy(rest, some, sizeof(float) * size_t(width - j));
            some = rest;
        }
#pragma GCC unroll 2
        for (int half = 0; half < 2; ++half) {
            const Floats value = *reinterpret_cast<const Floats*>(some + 8 * half);
            const Floats whole = (value * inverse + round) - round;
            const Floats lost = value - scale * whole;
            errors[half] += lost * lost;
            const Ints number = __builtin_convertvector(whole, Ints);
            squares[half] += number * number;
            const Shorts shorts = __builtin_convertvector(number, Shorts);
            std::memcpy(out + j + 8 * half, &shorts, sizeof shorts);
        }
    }
    double error = 0.0, square = 0.0;
    for (int lane = 0; lane < 16; ++lane) {
        error += errors[lane / 8][lane % 8];
        square += squares[lane / 8][lane % 8];
    }
    return {scale * std::sqrt(square), std::sqrt(error) * (1.0 + 3e-4) + 1e-16};
}

// Four bytes of a packed row: four of its numbers, or two.
SPOLIA_CLONES void words_of(const Kernel& kernel, const int16_t* numbers, int64_t words,
                            uint32_t* out) {
    if (kernel.bytes == 2) {
        std::memcpy(out, numbers, sizeof(uint32_t) * size_t(words));
        return;
    }
    uint8_t* bytes = reinterpret_cast<uint8_t*>(out);
    const int16_t offset = int16_t(kernel.offset);
    for (int64_t j = 0; j < 4 * words; ++j) bytes[j] = uint8_t(numbers[j] + offset);
}

SPOLIA_CLONES int32_t sum_of(const int16_t* numbers, int64_t count) {
    int32_t sum = 0;
    for (int64_t j = 0; j < count; ++j) sum += numbers[j];
    return sum;
}

// Writes a row's words so many at a time, with room between for those of the other rows.
void scatter(const uint32_t* words, int64_t count, int64_t unit, int64_t rows, int8_t* place) {
    const size_t step = size_t(4 * rows * unit);
    if (unit == 1)
        for (int64_t w = 0; w < count; ++w, place += step) std::memcpy(place, words + w, 4);
    else
        for (int64_t w = 0; w < count; w += unit, place += step)
            std::memcpy(place, words + w, size_t(4 * unit));
}

// The norm of a row's coordinates: exactly for a prefix, of which the tail is reckoned; otherwise
// by the triangle inequality, which is quicker.
double norm_at_most(const Source& source, const float* x, const Quantised& q) {
    return source.prefix ? norm_of(x, source.width) : q.norm + q.error;
}

}  // namespace

void pack_query(const Kernel& kernel, const Source& source, int64_t n, int64_t depth,
                int8_t* packed, int32_t* correction, const Sizes& sizes) {
    const int64_t groups = (n + kernel.rows - 1) / kernel.rows;
    const int64_t words = (source.width * kernel.bytes + 3) / 4;
    const int64_t rows = kernel.rows, unit = kernel.unit / 4;
    const int64_t whole = 4 * words == depth ? n / rows : 0;  // groups that are written all over
    std::memset(packed + whole * rows * depth, 0, size_t((groups - whole) * rows * depth));
    int16_t numbers[DEEPEST + 16];
    std::vector<uint32_t> row_words(size_t(depth / 4), 0);
    Kernel signed_bytes = kernel;
    signed_bytes.offset = 0;
    if (kernel.bytes == 1) signed_bytes.levels = 127;
    Reader reader(source);
    const double square = source.centre ? reader.centre_square() : 0.0;
    for (int64_t i = 0; i < n; ++i) {
        const float* x = reader.query(i);
        const float scale = scale_of(signed_bytes, size_of(kernel, source, x));
        const Quantised q = quantise(x, source.width, scale, numbers);
        const double norm = norm_at_most(source, x, q), rounding = rounding_of(source, i, norm);
        sizes.scale[i] = scale;
        sizes.norm[i] = q.norm;
        sizes.error[i] = q.error + rounding +
                         source.frame_error / (1.0 - source.frame_error) * (norm + rounding);
        sizes.tail[i] = tail_of(source, i, norm);
        if (source.centre) sizes.shift[i] = reader.along(i) - square + source.mean;
        correction[i] = kernel.offset ? kernel.offset * sum_of(numbers, source.width) : 0;
        words_of(signed_bytes, numbers, words, row_words.data());
        scatter(row_words.data(), words, unit, rows,
                packed + i / rows * rows * depth + i % rows * 4 * unit);
    }
}

void pack_base(const Kernel& kernel, const Source& source, int64_t n, int64_t depth,
               const PackedPanels& out) {
    const int64_t words = (source.width * kernel.bytes + 3) / 4;
    int16_t numbers[DEEPEST + 16];
    std::vector<uint32_t> row_words(size_t(words), 0);
    Reader reader(source);
    for (int64_t first = 0; first < n; first += COLUMNS) {
        const int64_t panel = first / COLUMNS, last = std::min(n, first + COLUMNS);
        uint8_t* bytes = out.panels + panel * COLUMNS * depth;
        if (last - first < COLUMNS || 4 * words < depth)
            std::memset(bytes, kernel.offset, size_t(COLUMNS * depth));
        double most = 0.0;
        for (int64_t i = first; i < last; ++i)
            most = std::max(most, size_of(kernel, source, reader.base(i)));
        const float scale = scale_of(kernel, most);
        out.scales[panel] = scale;
        float* maxima = out.maxima + 3 * panel;
        std::fill(maxima, maxima + 3, 0.0f);
        for (int64_t i = first; i < last; ++i) {
            const float* y = reader.base(i);
            const Quantised q = quantise(y, source.width, scale, numbers);
            const double norm = norm_at_most(source, y, q);
            const double rounding = rounding_of(source, i, norm);
            const double sizes[3] = {norm + rounding, q.error + rounding,
                                     tail_of(source, i, norm)};
            for (int which = 0; which < 3; ++which)
                maxima[which] = std::max(maxima[which], rounded_up(sizes[which]));
            words_of(kernel, numbers, words, row_words.data());
            const int64_t stripe = kernel.stripe, column = i - first;
            uint8_t* place = bytes + column / stripe * stripe * depth + column % stripe * 4;
            scatter(row_words.data(), words, 1, stripe, reinterpret_cast<int8_t*>(place));
        }
    }
}

}  // namespace spolia
