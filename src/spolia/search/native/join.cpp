#include "join.h"

#include <cmath>
#include <cstring>

#include "exact.h"

namespace spolia {
namespace {

typedef int32_t Whole __attribute__((vector_size(32)));

constexpr int64_t MOST_ROWS = 16;  // of a group, in any kernel
constexpr int64_t LANES = 8;
constexpr int64_t FETCHED = 128;  // coordinates asked for ahead; the processor goes on by itself
constexpr int64_t SEED_COLUMNS = 512;  // looked at for the first floors, and
constexpr int64_t SEED_SHARE = 16;      // so many more for each of the nearest
constexpr double LEAST = -4.0;  // no similarity is below; keeps infinities out of the sums
constexpr int64_t WAITING_PAIRS = 4096;  // of `above`, settled together

// Minus the least sum that eight rows and a panel need, by the bound, to matter: with need the real
// number, 2 - need - correction, truncated. Two whole units cover truncating and all roundings.
struct alignas(64) Starts {
    Lanes need;        // (floor - slack) / scale
    Lanes error;       // each over the scale of the row
    Lanes norm;
    Lanes tail;
    Lanes correction;
};

SPOLIA_CLONES void start_of(const Starts& rows, const float* most, double inverse, int32_t* start) {
    const Lanes need = (rows.need - rows.error * double(most[0]) - rows.norm * double(most[1]) -
                        rows.tail * double(most[2])) *
                       inverse;
    const Lanes limit = Lanes{} - double(NEVER);
    Lanes value = 2.0 - need - rows.correction;
    value = value < limit ? value : limit;
    value = value > -limit ? value : -limit;
    const Whole whole = __builtin_convertvector(value, Whole);
    std::memcpy(start, &whole, sizeof whole);
}

SPOLIA_CLONES void bounds_of(const int32_t* sums, double scale, double correction, double shift,
                             double* bounds) {
    for (int c = 0; c < COLUMNS; ++c) bounds[c] = (double(sums[c]) + correction) * scale + shift;
}

double inverse_of(double scale) { return scale > 0.0 ? 1.0 / scale : 1e150; }

class Block {
   public:
    Block(const Kernel& kernel, const PackedQuery& query, const PackedBase& base, Collected& out)
        : kernel_(kernel), query_(query), base_(base), out_(out),
          starts_(size_t((query.n + MOST_ROWS - 1) / MOST_ROWS * MOST_ROWS / LANES)) {
        waiting_.reserve(WAITING_PAIRS + MOST_ROWS * COLUMNS);
        for (Starts& eight : starts_) {
            eight = Starts();
            eight.need += 1e300;  // rows that are not there reach nothing
        }
        for (int64_t i = 0; i < query.n; ++i) {
            const double own = inverse_of(query.scale[i]);
            Starts& eight = starts_[i / LANES];
            eight.error[i % LANES] = query.error[i] * own;
            eight.norm[i % LANES] = query.norm[i] * own;
            eight.tail[i % LANES] = query.tail[i] * own;
            eight.correction[i % LANES] = query.correction[i];
        }
        refresh_all();
    }

    Status run(const volatile int32_t* stop) {
        kernel_.begin();
        const int64_t panels = (base_.columns + COLUMNS - 1) / COLUMNS;
        const int64_t groups = (query_.n + kernel_.rows - 1) / kernel_.rows;
        if (out_.nearest && out_.panel == 0 && out_.group == 0)
            for (int64_t group = 0; group < groups; ++group) seed(group);
        for (; out_.panel < panels; ++out_.panel, out_.group = 0) {
            if (*stop) return STOPPED;
            if (passed(out_.panel)) continue;
            for (; out_.group < groups; ++out_.group) {
                tile(out_.panel, out_.group);
                if (int64_t(waiting_.size()) >= WAITING_PAIRS) settle_above();
                if (out_.pair_room - out_.pair_count < 2 * WAITING_PAIRS && out_.pairs) {
                    ++out_.group;
                    settle_above();
                    return PAIRS_FULL;
                }
            }
        }
        settle_above();
        if (out_.nearest)
            for (int64_t i = 0; i < query_.n; ++i) finish(out_.nearest[i]);
        if (out_.top) finish(*out_.top);
        return DONE;
    }

   private:
    // Are all pairs of a panel listed elsewhere, with query and base the other way round?
    bool passed(int64_t panel) const {
        if (!out_.once || out_.nearest) return false;
        const int64_t last = std::min(base_.columns, (panel + 1) * COLUMNS) - 1;
        return int64_t(base_.numbers[last]) <= query_.first;
    }

    // Raises the floors of a few rows of which nothing is known yet, from the first panels. Of each
    // lane, all columns that fall on it, the largest lower bound is kept: the keep-th largest of
    // these is a floor, and finding it is cheaper than keeping all pairs.
    void seed(int64_t group) {
        const int64_t first = group * kernel_.rows;
        const int64_t rows = std::min<int64_t>(kernel_.rows, query_.n - first);
        const int64_t keep = out_.nearest[first].keep;
        const int64_t columns = std::min(base_.columns, SEED_COLUMNS + SEED_SHARE * keep);
        const int64_t stripes = (4 * keep + COLUMNS - 1) / COLUMNS, lanes = stripes * COLUMNS;
        if (columns < lanes || out_.nearest[first].floor > LEAST) return;
        lowers_.assign(size_t(rows * lanes), LEAST);
        alignas(64) int32_t start[MOST_ROWS], excess[MOST_ROWS * COLUMNS];
        uint64_t hits[MOST_ROWS];
        std::fill(start, start + MOST_ROWS, -NEVER);  // every pair is a hit
        for (int64_t panel = 0; (panel + 1) * COLUMNS <= columns; ++panel) {
            kernel_.tile(query_.packed + first * base_.depth,
                         base_.panels + panel * COLUMNS * base_.depth, int(base_.depth), start,
                         hits, excess);
            for (int64_t r = 0; r < rows; ++r)
                raise(first + r, panel, excess + r * COLUMNS,
                      lowers_.data() + r * lanes + panel % stripes * COLUMNS);
        }
        for (int64_t r = 0; r < rows; ++r) {
            const auto begin = lowers_.begin() + r * lanes;
            std::nth_element(begin, begin + (keep - 1), begin + lanes, std::greater<double>());
            Best& best = out_.nearest[first + r];
            best.floor = std::max(best.floor, *(begin + (keep - 1)));
            refresh(first + r);
        }
    }

    // Takes the pairs of a row and a panel into the lanes they fall on.
    void raise(int64_t row, int64_t panel, const int32_t* sums, double* lanes) const {
        const double shift = query_.shift[row] - radius(row, panel);
        const double scale = query_.scale[row] * base_.scales[panel];
        const double correction = double(NEVER) - query_.correction[row];
        double next[COLUMNS];
        bounds_of(sums, scale, correction, shift, next);
        if (query_.groups || base_.late)
            for (int64_t c = 0; c < COLUMNS; ++c)
                if (hidden(row, panel * COLUMNS + c) || is_late(panel * COLUMNS + c))
                    next[c] = LEAST;
        for (int64_t c = 0; c < COLUMNS; ++c) lanes[c] = std::max(lanes[c], next[c]);
    }

    bool hidden(int64_t row, int64_t column) const {
        return query_.groups && query_.groups[row] == base_.groups[column];
    }

    bool is_late(int64_t column) const { return base_.late && base_.late[column]; }

    // What the packed rows say of a similarity, and how far off that may be.
    double similarity_of_sum(int64_t row, int64_t panel, double sum) const {
        return (sum - query_.correction[row]) * query_.scale[row] * base_.scales[panel] +
               query_.shift[row];
    }

    double radius(int64_t row, int64_t panel) const {
        const float* most = base_.maxima + 3 * panel;
        return query_.error[row] * most[0] + query_.norm[row] * most[1] +
               query_.tail[row] * most[2] + base_.slack;
    }

    void refresh(int64_t row) {
        double floor = out_.above;
        if (out_.nearest) floor = std::min(floor, out_.nearest[row].floor);
        if (out_.top) floor = std::min(floor, out_.top->floor);
        starts_[row / LANES].need[row % LANES] =
            (std::max(floor, LEAST) - query_.shift[row] - base_.slack) * inverse_of(query_.scale[row]);
    }

    void refresh_all() {
        for (int64_t i = 0; i < query_.n; ++i) refresh(i);
    }

    void tile(int64_t panel, int64_t group) {
        const int64_t first = group * kernel_.rows;
        const int64_t rows = std::min<int64_t>(kernel_.rows, query_.n - first);
        alignas(64) int32_t start[MOST_ROWS], excess[MOST_ROWS * COLUMNS];
        uint64_t hits[MOST_ROWS];
        const float* most = base_.maxima + 3 * panel;
        const double scale = base_.scales[panel];
        const double inverse = inverse_of(scale);
        if (out_.nearest)  // wanted soon, if there is a hit
            for (int64_t r = 0; r < rows; ++r) __builtin_prefetch(&out_.nearest[first + r]);
        for (int64_t r = 0; r < kernel_.rows; r += LANES)
            start_of(starts_[(first + r) / LANES], most, inverse, start + r);
        if (!kernel_.tile(query_.packed + first * base_.depth,
                          base_.panels + panel * COLUMNS * base_.depth, int(base_.depth), start,
                          hits, excess))
            return;
        const int64_t columns = std::min<int64_t>(COLUMNS, base_.columns - panel * COLUMNS);
        const uint64_t there = (uint64_t(1) << columns) - 1;
        for (int64_t r = 0; r < rows; ++r) {
            if ((hits[r] & there) == 0) continue;
            const int64_t row = first + r;
            const double off = radius(row, panel);
            for (uint64_t left = hits[r] & there; left; left &= left - 1) {
                const int c = __builtin_ctzll(left);
                const double sum = double(excess[r * COLUMNS + c]) - start[r];
                offer(row, panel * COLUMNS + c, similarity_of_sum(row, panel, sum), off);
            }
        }
    }

    void offer(int64_t row, int64_t column, double similarity, double off) {
        ++out_.survivors;
        if (hidden(row, column)) return;
        const Waiting pair = {similarity - off, similarity + off, uint32_t(row), uint32_t(column)};
        const bool late = is_late(column);
        if (out_.nearest && !late) add(out_.nearest[row], pair, row);
        if (out_.once && int64_t(base_.numbers[column]) <= query_.first + row) return;
        if (pair.upper >= out_.above) waiting_.push_back(pair);
        if (out_.top && !late) add(*out_.top, pair, row);
    }

    void add(Best& best, const Waiting& pair, int64_t row) {
        if (pair.upper < best.floor) return;
        best.waiting[best.count++] = pair;
        if (!best.full()) return;
        best.thin(lowers_);
        if (best.count > best.room / 4 * 3) settle(best);
        if (&best == out_.top)
            refresh_all();
        else
            refresh(row);
    }

    void settle(Best& best) {
        best.settle(
            [this](const Waiting& pair, const Waiting& next) {
                fetch(base_.rows[next.column]);
                return about(pair);
            },
            about_error(base_.d),
            [this](const Waiting& pair) { return exact(pair); }, lowers_);
    }

    void finish(Best& best) {
        best.thin(lowers_);
        settle(best);
        std::sort(best.best, best.best + best.held, better);
    }

    void fetch(const float* row) const {
        const int64_t ahead = std::min(base_.d, FETCHED);
        for (int64_t j = 0; j < ahead; j += 16) __builtin_prefetch(row + j);
    }

    double about(const Waiting& pair) {
        ++out_.settled;
        return kernel_.about(query_.rows[pair.row], base_.rows[pair.column], base_.d);
    }

    Pair exact(const Waiting& pair) const {
        const double similarity =
            kernel_.similarity(query_.rows[pair.row], base_.rows[pair.column], base_.d);
        return {similarity, uint32_t(query_.first + pair.row), base_.numbers[pair.column]};
    }

    void settle_above() {
        for (const Waiting& pair : waiting_) {
            if (about(pair) + about_error(base_.d) < out_.above) continue;
            const Pair found = exact(pair);
            if (found.similarity >= out_.above) out_.pairs[out_.pair_count++] = found;
        }
        waiting_.clear();
    }

    const Kernel& kernel_;
    const PackedQuery& query_;
    const PackedBase& base_;
    Collected& out_;
    std::vector<Starts> starts_;
    std::vector<Waiting> waiting_;
    std::vector<double> lowers_;
};

}  // namespace

Status join_block(const Kernel& kernel, const PackedQuery& query, const PackedBase& base,
                  Collected& out, const volatile int32_t* stop) {
    Block block(kernel, query, base, out);
    return block.run(stop);
}

}  // namespace spolia
