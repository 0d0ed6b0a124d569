#include "pack.h"

#include "exact.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace spolia {
namespace {

typedef int8_t Bytes __attribute__((vector_size(8)));

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

double sum_of(const Lanes& lanes) {
    double sum = 0.0;
    for (int lane = 0; lane < 8; ++lane) sum += lanes[lane];
    return sum;
}

SPOLIA_CLONES double norm_of(const float* x, int64_t width) {
    Lanes squares = {};
    int64_t j = 0;
    for (; j + 8 <= width; j += 8) {
        const Lanes value =
            __builtin_convertvector(*reinterpret_cast<const Floats*>(x + j), Lanes);
        squares += value * value;
    }
    double sum = sum_of(squares);
    for (; j < width; ++j) sum += double(x[j]) * double(x[j]);
    return std::sqrt(sum);
}

SPOLIA_CLONES double dot(const float* x, const float* y, int64_t d) { return about_of(x, y, d); }

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

struct Quantised {
    double norm;
    double error;
};

// Writes round(x / scale) and returns the norms of the whole numbers times scale, and of the rest.
// Adding 1.5 * 2^52 leaves whole numbers, which then stand in the lowest bits.
SPOLIA_CLONES Quantised quantise(const float* x, int64_t width, double scale, int levels,
                                 int8_t* out) {
    const double inverse = scale > 0.0 ? 1.0 / scale : 0.0;
    constexpr double ROUND = 0x1.8p52;
    const Lanes most = Lanes{} + double(levels), least = -most;
    Lanes norms = {}, errors = {};
    for (int64_t j = 0; j < width; j += 8) {
        float eight[8] = {};
        std::memcpy(eight, x + j, sizeof(float) * size_t(width - j < 8 ? width - j : 8));
        const Lanes value =
            __builtin_convertvector(*reinterpret_cast<const Floats*>(eight), Lanes);
        Lanes whole = (value * inverse + ROUND) - ROUND;
        whole = whole > most ? most : whole;
        whole = whole < least ? least : whole;
        const Lanes kept = scale * whole, lost = value - kept;
        norms += kept * kept;
        errors += lost * lost;
        const Bytes bytes = __builtin_convertvector(whole, Bytes);
        std::memcpy(out + j, &bytes, sizeof bytes);
    }
    return {std::sqrt(sum_of(norms)), std::sqrt(sum_of(errors))};
}

}  // namespace

void pack_query(const Kernel& kernel, const Source& source, int64_t n, int64_t depth,
                int8_t* packed, int32_t* correction, const Sizes& sizes) {
    const int64_t groups = (n + kernel.rows - 1) / kernel.rows;
    std::memset(packed, 0, size_t(groups * kernel.rows * depth));
    int8_t row_bytes[DEEPEST + 8];
    Reader reader(source);
    const double square = source.centre ? reader.centre_square() : 0.0;
    for (int64_t i = 0; i < n; ++i) {
        const float* x = reader.query(i);
        const double scale = largest(x, source.width) / 127.0;
        const Quantised q = quantise(x, source.width, scale, 127, row_bytes);
        const double norm = norm_of(x, source.width), rounding = rounding_of(source, i, norm);
        sizes.scale[i] = scale;
        sizes.norm[i] = q.norm;
        sizes.error[i] = q.error + rounding +
                         source.frame_error / (1.0 - source.frame_error) * (norm + rounding);
        sizes.tail[i] = tail_of(source, i, norm);
        if (source.centre) sizes.shift[i] = reader.along(i) - square + source.mean;
        int32_t sum = 0;
        for (int64_t j = 0; j < source.width; ++j) sum += row_bytes[j];
        correction[i] = kernel.offset * sum;
        int8_t* group = packed + i / kernel.rows * kernel.rows * depth;
        const int64_t row = i % kernel.rows, unit = kernel.unit;
        for (int64_t j = 0; j < source.width; j += unit)
            std::memcpy(group + (j / unit * kernel.rows + row) * unit, row_bytes + j,
                        size_t(std::min(unit, source.width - j)));
    }
}

void pack_base(const Kernel& kernel, const Source& source, int64_t n, int64_t depth,
               const PackedPanels& out) {
    int8_t row_bytes[DEEPEST + 8];
    Reader reader(source);
    for (int64_t first = 0; first < n; first += COLUMNS) {
        const int64_t panel = first / COLUMNS, last = std::min(n, first + COLUMNS);
        uint8_t* bytes = out.panels + panel * COLUMNS * depth;
        std::memset(bytes, kernel.offset, size_t(COLUMNS * depth));
        double most = 0.0;
        for (int64_t i = first; i < last; ++i)
            most = std::max(most, largest(reader.base(i), source.width));
        const double scale = most / kernel.levels;
        out.scales[panel] = scale;
        float* maxima = out.maxima + 3 * panel;
        std::fill(maxima, maxima + 3, 0.0f);
        for (int64_t i = first; i < last; ++i) {
            const float* y = reader.base(i);
            const Quantised q = quantise(y, source.width, scale, kernel.levels, row_bytes);
            const double norm = norm_of(y, source.width);
            const double rounding = rounding_of(source, i, norm);
            out.norms[i] = rounded_up(norm + rounding);
            out.errors[i] = rounded_up(q.error + rounding);
            out.tails[i] = rounded_up(tail_of(source, i, norm));
            maxima[0] = std::max(maxima[0], out.norms[i]);
            maxima[1] = std::max(maxima[1], out.errors[i]);
            maxima[2] = std::max(maxima[2], out.tails[i]);
            for (int64_t j = 0; j < source.width; ++j)
                bytes[(j / 4 * COLUMNS + i - first) * 4 + j % 4] =
                    uint8_t(row_bytes[j] + kernel.offset);
        }
    }
}

}  // namespace spolia
