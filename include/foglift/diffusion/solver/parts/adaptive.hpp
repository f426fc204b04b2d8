#pragma once

#include "foglift/diffusion/affine.hpp"
#include "foglift/diffusion/level.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace foglift::inline v0::solver {

/// What an adaptive run took, for each sample of the batch: evaluations of the denoiser that its
/// steps needed, steps taken and steps refused. A sample's numbers depend on that sample alone; a
/// denoiser that does not know its rows is asked about the batch as often as the slowest needs.
struct StepReport {
  std::vector<Index> evaluations, accepted, rejected;
};

namespace detail {

/// The samples that are still on their way: row a of what is computed for them is sample
/// sample[a], stands at at[a] and tries a step of length[a], which is negative where the variable
/// falls.
struct ActiveRows {
  std::vector<Index> sample;
  std::vector<double> at, length;

  Index size() const { return static_cast<Index>(sample.size()); }
};

/// Lists that the steps of a run fill again and again.
struct AdaptiveWork {
  ActiveRows rows;
  std::vector<Index> spent, kept;
  std::vector<char> accepted;
  std::vector<double> time, error;
  std::vector<Level> levels;
};

}  // namespace detail

/// What an adaptive run keeps of each sample between the levels of its grid: the length of the next
/// step, 0 before the first, and the report so far.
struct AdaptiveState {
  std::vector<double> step;
  StepReport counts;
  detail::AdaptiveWork work;

  /// Throws ShapeError if a run has begun with another batch.
  void begin(Index batch) {
    const auto n = static_cast<std::size_t>(batch);
    if (step.empty()) {
      step.assign(n, 0.0);
      counts.evaluations.assign(n, 0);
      counts.accepted.assign(n, 0);
      counts.rejected.assign(n, 0);
    }
    if (step.size() != n)
      raise<ShapeError>("adaptive solver: a batch of ", batch, " in a run of ", step.size());
  }
};

/// Local errors that an integration allows: atol + rtol |y|, as a root mean square over the
/// elements of a sample.
struct Tolerance {
  double rtol = 1e-5, atol = 1e-5;
  /// Evaluations that a sample may take between two levels.
  Index max_evaluations = 100000;

  /// Throws ArgumentError unless rtol, atol are not negative, not both 0, and an evaluation is
  /// allowed.
  void check(const char* where) const {
    if (!(rtol >= 0 && atol >= 0 && rtol + atol > 0 && std::isfinite(rtol + atol)) ||
        max_evaluations < 1)
      raise<ArgumentError>(where, ": rtol = ", rtol, ", atol = ", atol,
                           ", max_evaluations = ", max_evaluations,
                           ", needed tolerances >= 0, not both 0, and an evaluation");
  }
};

namespace detail {

/// Whether a step of error e (1: what is allowed) counts, and the factor on the next length.
struct Verdict {
  bool accept;
  double factor;
};

/// The common rule for a pair of order p: e^(-1/p) with a margin of a tenth, between 1/5 and 5
/// (Hairer, Norsett & Wanner 1993, section II.4). What is not a number is refused.
inline Verdict judge(double error, int order) {
  if (!(error <= 1))
    return {false, std::isfinite(error) ? std::max(0.2, 0.9 * std::pow(error, -1.0 / order)) : 0.2};
  return {true, error > 0 ? std::clamp(0.9 * std::pow(error, -1.0 / order), 0.2, 5.0) : 5.0};
}

/// Takes each row of y [B, m] from `from` to `to` in steps of its own; rows that have arrived drop
/// out, so that the pair is asked about those on their way only. The pair of methods gives
///   begin(rows, y, state)      evaluations made at the start; fills in state.step where it is 0
///   attempt(rows, y)           evaluations made; leaves a candidate for each row
///   next()                     the candidates [A, m]
///   verdict(a, sample)         on candidate a
///   settle(accepted, kept)     after it: `kept` rows stay on their way
/// Throws NumericError where a step falls to nothing, or a sample takes more evaluations than
/// `max_evaluations`.
template <class Pair>
void advance(Tensor<double>& y, double from, double to, Index max_evaluations, const char* name,
             Pair& pair, AdaptiveState& state) {
  const auto u = [](Index i) { return static_cast<std::size_t>(i); };
  const double sign = to > from ? 1 : -1;
  ActiveRows& rows = state.work.rows;
  std::vector<Index>&spent = state.work.spent, &kept = state.work.kept;
  std::vector<char>& accepted = state.work.accepted;
  rows.sample.clear();
  for (Index b = 0; b < y.dim(0); ++b) rows.sample.push_back(b);
  rows.at.assign(rows.sample.size(), from);
  rows.length.assign(rows.sample.size(), 0.0);
  spent.assign(rows.sample.size(), 0);
  const auto count = [&](Index evaluations) {
    for (const Index b : rows.sample) {
      state.counts.evaluations[u(b)] += evaluations;
      spent[u(b)] += evaluations;
    }
  };
  Tensor<double> now = y;
  count(pair.begin(rows, now, state));
  while (rows.size() > 0) {
    for (std::size_t a = 0; a < rows.sample.size(); ++a) {
      const double left = std::abs(to - rows.at[a]), step = state.step[u(rows.sample[a])];
      const double smallest = 1e-14 * std::max(std::abs(from), std::abs(to));
      if (!(step > smallest) || spent[u(rows.sample[a])] >= max_evaluations)
        raise<NumericError>(name, ": sample ", rows.sample[a], " of the batch stopped at ",
                            rows.at[a], " on the way from ", from, " to ", to, " with steps of ",
                            step, " after ", spent[u(rows.sample[a])],
                            " evaluations: the denoiser's output is not finite, or not smooth to "
                            "the tolerance asked for");
      rows.length[a] = sign * (1.01 * step >= left ? left : step);  // no crumbs
    }
    count(pair.attempt(rows, now));
    kept.clear();
    accepted.clear();
    const Index m = now.row_size();
    for (Index a = 0; a < rows.size(); ++a) {
      const Index b = rows.sample[u(a)];
      const Verdict verdict = pair.verdict(a, b);
      const bool last = rows.length[u(a)] == to - rows.at[u(a)];
      const double proposed = verdict.factor * std::abs(rows.length[u(a)]);
      accepted.push_back(verdict.accept ? 1 : 0);
      if (verdict.accept) {
        // a step cut to the end of the way does not cut the next one
        state.step[u(b)] = last ? std::max(state.step[u(b)], proposed) : proposed;
        ++state.counts.accepted[u(b)];
        rows.at[u(a)] = last ? to : rows.at[u(a)] + rows.length[u(a)];
        std::copy_n(pair.next().data() + a * m, m, now.data() + a * m);
      } else {
        state.step[u(b)] = proposed;
        ++state.counts.rejected[u(b)];
      }
      if (verdict.accept && last)
        std::copy_n(now.data() + a * m, m, y.data() + b * m);
      else
        kept.push_back(a);
    }
    pair.settle(accepted, kept);
    if (static_cast<Index>(kept.size()) == rows.size()) continue;
    now = now.rows(kept);
    for (std::size_t k = 0; k < kept.size(); ++k) {
      rows.sample[k] = rows.sample[u(kept[k])];
      rows.at[k] = rows.at[u(kept[k])];
    }
    rows.sample.resize(kept.size());
    rows.at.resize(kept.size());
    rows.length.resize(kept.size());
  }
}

}  // namespace detail
}  // namespace foglift::inline v0::solver
