#include "join.h"

#include <cmath>
#include <cstring>

#include "exact.h"

namespace spolia {
namespace {

typedef int32_t Whole __attribute__((vector_size(32)));

constexpr int64_t MOST_ROWS = 16;  // of a group, in any kernel
constexpr int64_t LANES = 8;
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
        for (int64_t r = 0; r < kernel_.rows; r += LANES)
            start_of(starts_[(first + r) / LANES], most, inverse, start + r);
        if (!kernel_.tile(query_.packed + first * base_.depth,
                          base_.panels + panel * COLUMNS * base_.depth, int(base_.depth), start,
                          hits, excess))
            return;
        const int64_t columns = std::min<int64_t>(COLUMNS, base_.columns - panel * COLUMNS);
        const uint64_t there = (uint64_t(1) << columns) - 1;
        for (int64_t r = 0; r < rows; ++r) {
            for (uint64_t left = hits[r] & there; left; left &= left - 1) {
                const int c = __builtin_ctzll(left);
                const double dot = double(excess[r * COLUMNS + c]) - start[r] -
                                   query_.correction[first + r];
                offer(first + r, panel * COLUMNS + c,
                      dot * query_.scale[first + r] * scale + query_.shift[first + r]);
            }
        }
    }

    void offer(int64_t row, int64_t column, double similarity) {
        ++out_.survivors;
        if (query_.groups && query_.groups[row] == base_.groups[column]) return;
        const double radius = query_.error[row] * base_.norms[column] +
                              query_.norm[row] * base_.errors[column] +
                              query_.tail[row] * base_.tails[column] + base_.slack;
        const Waiting pair = {similarity - radius, similarity + radius, uint32_t(row),
                              uint32_t(column)};
        const bool late = base_.late && base_.late[column];
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
        if (best.count > best.room / 2) settle(best);
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
            [this](const Waiting& pair) { return exact(pair); }, lowers_);
    }

    void finish(Best& best) {
        best.thin(lowers_);
        settle(best);
        std::sort(best.best, best.best + best.held, better);
    }

    void fetch(const float* row) const {
        for (int64_t j = 0; j < base_.d; j += 16) __builtin_prefetch(row + j);
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
            if (about(pair) + NEAR < out_.above) continue;
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
