#include "join.h"

#include <cmath>
#include <cstring>

#include "exact.h"

namespace spolia {
namespace {

constexpr int64_t MOST_ROWS = 16;  // of a group, in any kernel
constexpr int LANES = 8;
constexpr int64_t FETCHED = 128;  // coordinates asked for ahead; the processor goes on by itself
constexpr int64_t SEED_COLUMNS = 512;  // looked at for the first floors, and
constexpr int64_t SEED_SHARE = 16;      // so many more for each of the nearest
constexpr double LEAST = -4.0;  // no similarity is below; keeps infinities out of the sums
constexpr int64_t WAITING_PAIRS = 4096;  // of `above`, settled together
constexpr int64_t PENDING_PAIRS = 64;    // looked at together, their rows asked for meanwhile

// Minus the least sum that eight rows and a panel need, by the bound, to matter: with need the real
// number, 2 - need - correction, truncated. Two whole units cover truncating and all roundings.
struct alignas(64) Starts {
    double need[LANES];        // (floor - slack) / scale
    double error[LANES];       // each over the scale of the row
    double norm[LANES];
    double tail[LANES];
    double correction[LANES];
};

SPOLIA_CLONES void start_of(const Starts& rows, const float* most, double inverse, int32_t* start) {
    const double limit = -double(NEVER), norm = most[0], error = most[1], tail = most[2];
    for (int lane = 0; lane < LANES; ++lane) {
        const double need = (rows.need[lane] - rows.error[lane] * norm -
                             rows.norm[lane] * error - rows.tail[lane] * tail) *
                            inverse;
        double value = 2.0 - need - rows.correction[lane];
        value = value < limit ? value : limit;
        value = value > -limit ? value : -limit;
        start[lane] = int32_t(value);
    }
}

SPOLIA_CLONES void bounds_of(const int32_t* sums, double scale, double correction, double shift,
                             double* bounds) {
    for (int c = 0; c < COLUMNS; ++c) bounds[c] = (double(sums[c]) + correction) * scale + shift;
}

SPOLIA_CLONES void raise_lanes(const double* next, double* lanes) {
    for (int c = 0; c < COLUMNS; ++c) lanes[c] = lanes[c] > next[c] ? lanes[c] : next[c];
}

// Bit c tells whether sum c is at least so large.
SPOLIA_CLONES uint64_t reached(const int32_t* sums, int32_t least) {
    uint8_t flags[COLUMNS];
    for (int c = 0; c < COLUMNS; ++c) flags[c] = sums[c] >= least;
    uint64_t bits = 0;
    for (int c = 0; c < COLUMNS; c += 8) {
        uint64_t eight;
        std::memcpy(&eight, flags + c, sizeof eight);
        bits |= (eight * 0x0102040810204080 >> 56) << c;
    }
    return bits;
}

double inverse_of(double scale) { return scale > 0.0 ? 1.0 / scale : 1e150; }

class Block {
   public:
    Block(const Kernel& kernel, const PackedQuery& query, const PackedBase& base, Collected& out)
        : kernel_(kernel), query_(query), base_(base), out_(out),
          starts_(size_t((query.n + MOST_ROWS - 1) / MOST_ROWS * MOST_ROWS / LANES)),
          seeded_(size_t((query.n + kernel.rows - 1) / kernel.rows)) {
        waiting_.reserve(WAITING_PAIRS + 2 * MOST_ROWS * COLUMNS + PENDING_PAIRS);
        pending_.reserve(MOST_ROWS * COLUMNS + PENDING_PAIRS);
        for (Starts& eight : starts_) {
            eight = Starts();
            std::fill(eight.need, eight.need + LANES, 1e300);  // rows not there reach nothing
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
                if (out_.panel < seeded_[size_t(out_.group)]) continue;
                tile(out_.panel, out_.group);
                if (int64_t(waiting_.size()) >= WAITING_PAIRS) settle_above();
                if (out_.pair_room - out_.pair_count < 2 * WAITING_PAIRS && out_.pairs) {
                    ++out_.group;
                    look();
                    settle_above();
                    return PAIRS_FULL;
                }
            }
        }
        look();
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
        const int64_t stripes = (2 * keep + COLUMNS - 1) / COLUMNS, lanes = stripes * COLUMNS;
        if (columns < lanes || out_.nearest[first].floor > LEAST) return;
        lowers_.assign(size_t(rows * lanes), LEAST);
        const int64_t panels = columns / COLUMNS, size = MOST_ROWS * COLUMNS;
        seen_.resize(size_t(panels * size));
        alignas(64) int32_t start[MOST_ROWS];
        uint64_t hits[MOST_ROWS];
        std::fill(start, start + MOST_ROWS, -NEVER);  // every pair is a hit
        for (int64_t panel = 0; panel < panels; ++panel) {
            int32_t* excess = seen_.data() + panel * size;
            kernel_.tile(query_.packed + first * base_.depth,
                         base_.panels + panel * COLUMNS * base_.depth, int(base_.depth), start,
                         hits, excess);
            for (int64_t r = 0; r < rows; ++r)
                raise(first + r, panel, excess + r * COLUMNS,
                      lowers_.data() + r * lanes + panel % stripes * COLUMNS);
        }
        for (int64_t r = 0; r < rows; ++r) {
            Best& best = out_.nearest[first + r];
            const double floor = reached_by(lowers_.data() + r * lanes, lanes, keep);
            best.floor = std::max(best.floor, floor);
            refresh(first + r);
        }
        if (out_.pairs) return;  // there may be more of these than can be handed over together
        seeded_[size_t(group)] = panels;
        for (int64_t panel = 0; panel < panels; ++panel) {
            start_all(panel, group, start);
            const int32_t* excess = seen_.data() + panel * size;
            for (int64_t r = 0; r < rows; ++r) {
                hits[r] = reached(excess + r * COLUMNS, -NEVER - start[r]);
                start[r] = -NEVER;
            }
            pass_all(panel, group, start, hits, excess);
            if (int64_t(pending_.size()) >= PENDING_PAIRS) look();
        }
        look();
        if (panels * COLUMNS >= base_.columns) return;  // all will be settled soon
        for (int64_t r = 0; r < rows; ++r) {
            out_.nearest[first + r].thin(lowers_);
            refresh(first + r);
        }
    }

    // Takes the pairs of a row and a panel, from sums that started at -NEVER, into the lanes they
    // fall on.
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
        raise_lanes(next, lanes);
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

    // What a pair of a row must reach to matter to any output.
    double floor_of(int64_t row) const {
        double floor = out_.above;
        if (out_.nearest) floor = std::min(floor, out_.nearest[row].floor);
        if (out_.top) floor = std::min(floor, out_.top->floor);
        return floor;
    }

    void refresh(int64_t row) {
        starts_[row / LANES].need[row % LANES] =
            (std::max(floor_of(row), LEAST) - query_.shift[row] - base_.slack) *
            inverse_of(query_.scale[row]);
    }

    void refresh_all() {
        for (int64_t i = 0; i < query_.n; ++i) refresh(i);
    }

    // What the sums of a group and a panel start from, so that a pair matters if they reach 0.
    void start_all(int64_t panel, int64_t group, int32_t* start) const {
        const double scale = base_.scales[panel];
        const double inverse = inverse_of(scale);
        for (int64_t r = 0; r < kernel_.rows; r += LANES)
            start_of(starts_[(group * kernel_.rows + r) / LANES], base_.maxima + 3 * panel,
                     inverse, start + r);
    }

    void tile(int64_t panel, int64_t group) {
        const int64_t first = group * kernel_.rows;
        alignas(64) int32_t start[MOST_ROWS], excess[MOST_ROWS * COLUMNS];
        uint64_t hits[MOST_ROWS];
        if (out_.nearest)  // wanted soon, if there is a hit
            for (int64_t r = 0; r < std::min<int64_t>(kernel_.rows, query_.n - first); ++r)
                __builtin_prefetch(&out_.nearest[first + r]);
        start_all(panel, group, start);
        if (!kernel_.tile(query_.packed + first * base_.depth,
                          base_.panels + panel * COLUMNS * base_.depth, int(base_.depth), start,
                          hits, excess))
            return;
        if (int64_t(pending_.size()) >= PENDING_PAIRS) look();
        pass_all(panel, group, start, hits, excess);
    }

    // Takes in the hits of a group and a panel, by the sums and what these started from.
    void pass_all(int64_t panel, int64_t group, const int32_t* start, const uint64_t* hits,
                  const int32_t* excess) {
        const int64_t first = group * kernel_.rows;
        const int64_t rows = std::min<int64_t>(kernel_.rows, query_.n - first);
        const int64_t columns = std::min<int64_t>(COLUMNS, base_.columns - panel * COLUMNS);
        const uint64_t there = (uint64_t(1) << columns) - 1;
        for (int64_t r = 0; r < rows; ++r) {
            if ((hits[r] & there) == 0) continue;
            const int64_t row = first + r;
            const double off = radius(row, panel);
            for (uint64_t left = hits[r] & there; left; left &= left - 1) {
                const int c = __builtin_ctzll(left);
                const double sum = double(excess[r * COLUMNS + c]) - start[r];
                pass(row, panel * COLUMNS + c, similarity_of_sum(row, panel, sum), off);
            }
        }
    }

    // Takes in a pair that may matter, by its sum.
    void pass(int64_t row, int64_t column, double similarity, double off) {
        ++out_.survivors;
        if (hidden(row, column) || (!out_.nearest && listed_elsewhere(row, column))) return;
        const Waiting pair = {similarity - off, similarity + off, uint32_t(row), uint32_t(column)};
        if (kernel_.bytes == 2) return offer(pair);  // known well enough already
        pending_.push_back(pair);
        fetch(base_.rows[column]);
    }

    bool listed_elsewhere(int64_t row, int64_t column) const {
        return out_.once && int64_t(base_.numbers[column]) <= query_.first + row;
    }

    // Looks at the rows of pairs that passed, unless floors have risen over them.
    void look() {
        for (Waiting& pair : pending_) {
            if (pair.upper < floor_of(pair.row)) continue;
            sharpen(pair);
            offer(pair);
        }
        pending_.clear();
    }

    // Bounds a similarity by the float32 rows.
    void sharpen(Waiting& pair) {
        ++out_.settled;
        const double error = about_error(base_.d);
        const double near = kernel_.about(query_.rows[pair.row], base_.rows[pair.column], base_.d);
        pair.lower = std::max(pair.lower, near - error);
        pair.upper = std::min(pair.upper, near + error);
    }

    void offer(const Waiting& pair) {
        const int64_t row = pair.row, column = pair.column;
        const bool late = is_late(column);
        if (out_.nearest && !late) add(out_.nearest[row], pair, row);
        if (listed_elsewhere(row, column)) return;
        if (pair.upper >= out_.above) waiting_.push_back(pair);
        if (out_.top && !late) add(*out_.top, pair, row);
    }

    void add(Best& best, const Waiting& pair, int64_t row) {
        if (pair.upper < best.floor) return;
        best.waiting[best.count++] = pair;
        if (best.full()) {
            best.thin(lowers_);
            if (best.count > best.room / 4 * 3) settle(best);
        } else if (best.keep == 1 && pair.lower > best.floor) {
            best.floor = pair.lower;
        } else {
            return;
        }
        if (&best == out_.top)
            refresh_all();
        else
            refresh(row);
    }

    void settle(Best& best) {
        if (kernel_.bytes == 2 && best.count > 2 * best.keep) {  // many as good, nearly
            for (int64_t i = 0; i < best.count; ++i) sharpen(best.waiting[i]);
            best.thin(lowers_);
        }
        best.settle([this](const Waiting& pair, const Waiting& next) {
            fetch(base_.rows[next.column]);
            return exact(pair);
        });
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

    Pair exact(const Waiting& pair) const {
        const double similarity =
            kernel_.similarity(query_.rows[pair.row], base_.rows[pair.column], base_.d);
        return {similarity, uint32_t(query_.first + pair.row), base_.numbers[pair.column]};
    }

    void settle_above() {
        for (const Waiting& pair : waiting_) {
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
    std::vector<int64_t> seeded_;   // panels of which a group's pairs were all seen in the seed
    std::vector<int32_t> seen_;     // their sums
    std::vector<Waiting> pending_;  // passed, their rows not looked at yet
    std::vector<Waiting> waiting_;  // of `above`
    std::vector<double> lowers_;
};

}  // namespace

Status join_block(const Kernel& kernel, const PackedQuery& query, const PackedBase& base,
                  Collected& out, const volatile int32_t* stop) {
    Block block(kernel, query, base, out);
    return block.run(stop);
}

}  // namespace spolia
