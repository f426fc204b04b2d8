#pragma once

#include "foglift/diffusion/solver/parts/adaptive.hpp"

#include <array>
#include <utility>

namespace foglift::inline v0::solver {

namespace detail {

/// The coefficients of Dormand & Prince 1980, RK5(4)7M: nodes, weights of the stages, the last row
/// of which are those of the fifth-order result, and its difference from the fourth-order one.
struct DormandPrinceTable {
  static constexpr std::array<double, 7> node{0, 0.2, 0.3, 0.8, 8.0 / 9, 1, 1};
  static constexpr std::array<std::array<double, 6>, 7> stage{{
      {},
      {1.0 / 5},
      {3.0 / 40, 9.0 / 40},
      {44.0 / 45, -56.0 / 15, 32.0 / 9},
      {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
      {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
      {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
  }};
  static constexpr std::array<double, 7> difference{
      71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
};

/// Dormand and Prince's pair for rows y [A, m] of dy/dv = slope(samples, v, y), a Tensor [A, m]. A
/// step that counts leaves its last slope as the first of the next: 6 evaluations a step. The last
/// `apart` elements of a row are no coordinates: each has an error of its own, and the largest
/// counts.
template <class F>
class DormandPrince {
 public:
  DormandPrince(const F& slope, const Tolerance& tolerance, AdaptiveWork& work, Index apart = 0)
      : slope_(slope), tolerance_(tolerance), work_(work), apart_(apart) {}

  /// The first slopes, and first steps of a hundredth of the time in which y would change by its
  /// size.
  Index begin(const ActiveRows& rows, const Tensor<double>& y, AdaptiveState& state) {
    k_[0] = slope_(rows.sample, rows.at, y);
    const Index m = y.row_size();
    for (Index a = 0; a < rows.size(); ++a) {
      double& step = state.step[static_cast<std::size_t>(rows.sample[static_cast<std::size_t>(a)])];
      if (step > 0) continue;
      double size = 0, speed = 0;
      for (Index i = a * m; i < (a + 1) * m - apart_; ++i) {
        const double scale = tolerance_.atol + tolerance_.rtol * std::abs(y[i]);
        size += y[i] * y[i] / (scale * scale);
        speed += k_[0][i] * k_[0][i] / (scale * scale);
      }
      step = 0.01 * (size > 0 && speed > 0 ? std::clamp(std::sqrt(size / speed), 1e-3, 1.0) : 1.0);
    }
    return 1;
  }

  Index attempt(const ActiveRows& rows, const Tensor<double>& y) {
    for (std::size_t stage = 1; stage < 7; ++stage) {
      next_ = combined(rows, y, stage);
      work_.time.clear();
      for (std::size_t a = 0; a < rows.at.size(); ++a)
        work_.time.push_back(stage < 5
                                 ? rows.at[a] + DormandPrinceTable::node[stage] * rows.length[a]
                                 : rows.at[a] + rows.length[a]);
      k_[stage] = slope_(rows.sample, work_.time, next_);
    }
    errors(rows, y);
    return 6;
  }

  const Tensor<double>& next() const { return next_; }
  Verdict verdict(Index a, Index) const {
    return judge(work_.error[static_cast<std::size_t>(a)], 5);
  }

  void settle(const std::vector<char>& accepted, const std::vector<Index>& kept) {
    const Index m = k_[0].row_size();
    for (std::size_t a = 0; a < accepted.size(); ++a)
      if (accepted[a])
        std::copy_n(k_[6].data() + static_cast<Index>(a) * m, m,
                    k_[0].data() + static_cast<Index>(a) * m);
    if (kept.size() < accepted.size()) k_[0] = k_[0].rows(kept);
  }

 private:
  /// y + length sum_j stage_j k_j.
  Tensor<double> combined(const ActiveRows& rows, const Tensor<double>& y, std::size_t stage) {
    Tensor<double> out = y;
    const Index m = y.row_size();
    foglift::detail::for_rows(rows.size(), m, [&](Index a) {
      for (std::size_t j = 0; j < stage; ++j) {
        const double w =
            rows.length[static_cast<std::size_t>(a)] * DormandPrinceTable::stage[stage][j];
        const double* k = k_[j].data() + a * m;
        double* to = out.data() + a * m;
        for (Index i = 0; i < m; ++i) to[i] += w * k[i];
      }
    });
    return out;
  }

  void errors(const ActiveRows& rows, const Tensor<double>& y) {
    const Index m = y.row_size(), body = m - apart_;
    work_.error.assign(rows.sample.size(), 0.0);
    foglift::detail::for_rows(rows.size(), m, [&](Index a) {
      const double h = rows.length[static_cast<std::size_t>(a)];
      const auto relative = [&](Index i) {
        double e = 0;
        for (std::size_t j = 0; j < 7; ++j) e += DormandPrinceTable::difference[j] * k_[j][i];
        return h * e /
               (tolerance_.atol + tolerance_.rtol * std::max(std::abs(y[i]), std::abs(next_[i])));
      };
      double square = 0;
      for (Index i = a * m; i < a * m + body; ++i) square += relative(i) * relative(i);
      double error = body > 0 ? std::sqrt(square / static_cast<double>(body)) : 0;
      for (Index i = a * m + body; i < (a + 1) * m; ++i) {
        const double own = std::abs(relative(i));
        if (!(own <= error) && !std::isnan(error)) error = own;  // NaN counts
      }
      work_.error[static_cast<std::size_t>(a)] = error;
    });
  }

  const F& slope_;
  Tolerance tolerance_;
  AdaptiveWork& work_;
  Index apart_;
  std::array<Tensor<double>, 7> k_;
  Tensor<double> next_;
};

}  // namespace detail

/// Integrates dy/dv = slope(samples, v, y) for each row of y [B, m] from v = from to v = to with
/// steps of its own. slope is called with the rows [A, m] of those samples that are on their way:
/// their numbers in the batch, where each stands, and their y; it returns a Tensor<double> [A, m].
/// See Tolerance; each of the last `apart` elements of a row is judged on its own. Throws
/// NumericError where the tolerance can not be met.
template <class F>
Tensor<double> dormand_prince(Tensor<double> y, double from, double to, const F& slope,
                              const Tolerance& tolerance, AdaptiveState& state, Index apart = 0) {
  detail::DormandPrince<F> pair(slope, tolerance, state.work, apart);
  detail::advance(y, from, to, tolerance.max_evaluations, "dormand_prince", pair, state);
  return y;
}

}  // namespace foglift::inline v0::solver
