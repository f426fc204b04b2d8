#pragma once

#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/solver/parts/between.hpp"
#include "foglift/diffusion/solver/parts/flow_slope.hpp"
#include "foglift/diffusion/solver/parts/phi.hpp"
#include "foglift/diffusion/solver/parts/solver.hpp"

#include <array>

namespace foglift::inline v0::solver {

/// A proportional-integral-derivative rule for step sizes: the error e_n of an attempt and those of
/// the last two steps taken, e_{n-1}, e_{n-2}, give the factor
///   1 + atan(f - 1),  f = e_n^-b1 e_{n-1}^-b2 e_{n-2}^-b3,
///   b = ((P + I + D) / k, -(P + 2 D) / k, D / k),
/// k being the order. The attempt counts if that factor is at least `accept` (Soderlind 2003; the
/// defaults are those of k-diffusion's dpm_adaptive).
struct StepController {
  double proportional = 0, integral = 1, derivative = 0;
  double accept = 0.81;
};

/// What a run of AdaptiveDpm keeps of each sample.
struct AdaptiveDpmState : AdaptiveState {
  /// Inverse errors of the last two steps taken; 0: none yet.
  std::vector<std::array<double, 2>> past;

  void begin(Index batch) {
    AdaptiveState::begin(batch);
    past.resize(step.size(), {0, 0});
  }
};

namespace detail {

/// DPM-Solver's embedded pair of orders Order - 1 and Order for the rows z = x / alpha [A, m] in
/// lambda, dz/dlambda = x0 - z: with the denoiser's outputs m_i at lambda + r_i h,
///   order 1  e^-h z + h phi_1(-h) m_0
///   order 2  ... + h phi_2(-h) (m_1 - m_0) / r_1
///   order 3  ... + h phi_2(-h) (m_2 - m_0) / r_2, r_2 = 2/3, at a state of order 2
/// (Lu et al. 2022a, section B.4 and algorithm 2, in the data form of Lu et al. 2022b).
/// `output(samples, lambda, z)` gives the m of those samples of the batch.
template <int Order, class F>
class DpmPair {
 public:
  DpmPair(const F& output, const StepController& controller, double rtol, double atol,
          double first_step, AdaptiveDpmState& state)
      : output_(output),
        controller_(controller),
        rtol_(rtol),
        atol_(atol),
        first_step_(first_step),
        state_(state) {}

  Index begin(const ActiveRows& rows, const Tensor<double>&, AdaptiveState& state) const {
    for (const Index b : rows.sample) {
      double& step = state.step[static_cast<std::size_t>(b)];
      if (!(step > 0)) step = first_step_;
    }
    return 0;
  }

  Index attempt(const ActiveRows& rows, const Tensor<double>& z) {
    const double r1 = Order == 2 ? 0.5 : 1.0 / 3;
    const Tensor<double> m0 = output_(rows.sample, rows.at, z);
    const Tensor<double> z1 = extended(rows, z, r1, m0, 0, m0);
    const Tensor<double> m1 = output_(rows.sample, times(rows, r1), z1);
    if constexpr (Order == 2) {
      low_ = extended(rows, z, 1, m0, 0, m0);
      next_ = extended(rows, z, 1, m0, 1 / r1, m1);
    } else {
      const double r2 = 2.0 / 3;
      low_ = extended(rows, z, 1, m0, 1 / r1, m1);
      const Tensor<double> z2 = extended(rows, z, r2, m0, r2 / r1, m1);
      const Tensor<double> m2 = output_(rows.sample, times(rows, r2), z2);
      next_ = extended(rows, z, 1, m0, 1 / r2, m2);
    }
    errors(rows, z);
    return Order;
  }

  const Tensor<double>& next() const { return next_; }

  Verdict verdict(Index a, Index sample) {
    const double error = state_.work.error[static_cast<std::size_t>(a)];
    if (!std::isfinite(error)) return {false, 0.2};
    const double now = 1 / (error + 1e-8);
    auto& past = state_.past[static_cast<std::size_t>(sample)];
    if (past[0] == 0) past = {now, now};
    const auto [p, i, d, accept] = controller_;
    const double factor = std::pow(now, (p + i + d) / Order) *
                          std::pow(past[0], -(p + 2 * d) / Order) * std::pow(past[1], d / Order);
    const double limited = 1 + std::atan(factor - 1);
    if (limited < accept) return {false, limited};
    past = {now, past[0]};
    return {true, limited};
  }

  void settle(const std::vector<char>&, const std::vector<Index>&) const {}

 private:
  const std::vector<double>& times(const ActiveRows& rows, double r) {
    state_.work.time.clear();
    for (std::size_t a = 0; a < rows.at.size(); ++a)
      state_.work.time.push_back(rows.at[a] + r * rows.length[a]);
    return state_.work.time;
  }

  /// e^-rh z + rh phi_1(-rh) m + weight rh phi_2(-rh) (other - m).
  static Tensor<double> extended(const ActiveRows& rows, const Tensor<double>& z, double r,
                                 const Tensor<double>& m, double weight,
                                 const Tensor<double>& other) {
    auto out = Tensor<double>::uninitialized(z.shape());
    const Index n = z.row_size();
    foglift::detail::for_rows(rows.size(), n, [&](Index a) {
      const double h = r * rows.length[static_cast<std::size_t>(a)];
      const double keep = std::exp(-h), second = weight * h * phi(2, -h),
                   first = -std::expm1(-h) - second;
      for (Index i = a * n; i < (a + 1) * n; ++i)
        out[i] = keep * z[i] + first * m[i] + second * other[i];
    });
    return out;
  }

  /// Root mean squares of (low - next) / max(atol, rtol max(|low|, |before|)) in x / norm.
  void errors(const ActiveRows& rows, const Tensor<double>& z) {
    state_.work.error.assign(rows.sample.size(), 0.0);
    const Index n = z.row_size();
    foglift::detail::for_rows(rows.size(), n, [&](Index a) {
      const auto row = static_cast<std::size_t>(a);
      const double before = 1 / std::hypot(1.0, std::exp(-rows.at[row]));
      const double after = 1 / std::hypot(1.0, std::exp(-rows.at[row] - rows.length[row]));
      double square = 0;
      for (Index i = a * n; i < (a + 1) * n; ++i) {
        const double size = std::max(after * std::abs(low_[i]), before * std::abs(z[i]));
        const double e = after * (low_[i] - next_[i]) / std::max(atol_, rtol_ * size);
        square += e * e;
      }
      state_.work.error[row] = std::sqrt(square / static_cast<double>(n));
    });
  }

  const F& output_;
  StepController controller_;
  double rtol_, atol_, first_step_;
  AdaptiveDpmState& state_;
  Tensor<double> low_, next_;
};

}  // namespace detail

/// DPM-Solver with adaptive steps in lambda, by its pair of orders 1 and 2 or 2 and 3 (Lu et al.
/// 2022a, section B.5; error norm and tolerances of Jolicoeur-Martineau et al. 2021), each sample
/// with error, step size and evaluations of its own. For a few dozen evaluations at the accuracy
/// that images need; AdaptiveRk45 is for tight tolerances. A grid of two levels is fully adaptive.
///
/// Errors are measured on x / sqrt(alpha^2 + sigma^2), so that atol means the same for every
/// process (data in [-1, 1]: 0.0078 is one of 256 shades). A step from alpha = 0, where lambda is
/// -inf, begins with one of first order to sigma / alpha = 1000, which is exact but for what the
/// denoiser already sees there; one to sigma = 0 ends with the denoiser's x0 at sigma / alpha =
/// clean_ratio. Computed in double whatever the state is. Needs a denoiser that takes one level a
/// sample; it is asked about the samples on their way, or, where it does not know its rows
/// (KnowsRows: a lambda), about the whole batch each time.
template <int Order>
  requires(Order == 2 || Order == 3)
struct AdaptiveDpm {
  double rtol = 0.05, atol = 0.0078;
  /// Length in lambda of a run's first attempt.
  double first_step = 0.05;
  StepController controller = {};
  double clean_ratio = 1e-3;
  /// For each sample, between two levels of the grid.
  Index max_evaluations = 100000;
  /// Where what the run took is written after each step; nullptr: nowhere.
  StepReport* report = nullptr;

  static constexpr const char* name = Order == 2 ? "adaptive dpm 12" : "adaptive dpm 23";
  static constexpr int order = Order, weak_order = no_noise, evaluations = as_needed;

  template <Scalar T>
  AdaptiveDpmState start(const TimeGrid&) const {
    return {};
  }

  /// Throws ArgumentError for options out of range, `from` without noise and `to` without signal,
  /// NumericError where the tolerance can not be met.
  template <Scalar T, Denoiser<T> D>
  Tensor<T> step(Tensor<T> x, Level from, const Level& to, const D& denoise, const StepRng&,
                 AdaptiveDpmState& state) const {
    static_assert(BatchDenoiser<D, T>,
                  "AdaptiveDpm: samples are at noise levels of their own; needed a denoiser "
                  "callable as (const Tensor<T>&, const Levels&) -> Tensor<T>");
    check(from, to);
    if (x.empty()) return x;
    state.begin(x.dim(0));
    if (from.alpha == 0) {
      const Level next = start_of_signal(from, to);
      const double keep = next.sigma / from.sigma;
      const Tensor<T> x0 = ask(denoise, x, from);
      x = affine(keep, std::move(x), next.alpha, x0);
      count(state);
      from = next;
    }
    const Level last = detail::last_noisy(from, to, clean_ratio);
    if (!(last == from)) x = follow(std::move(x), from, last, denoise, state);
    if (to.sigma == 0) {
      x = affine(to.alpha, ask(denoise, x, last), 0, x);
      count(state);
    }
    if (report) *report = state.counts;
    return x;
  }

 private:
  /// The first level with signal that is stepped from in lambda.
  static Level start_of_signal(const Level& from, const Level& to) {
    const double ratio = 1000;
    if (to.ratio() >= ratio) return to;
    const double s = 1 / std::hypot(1.0, 1 / ratio), c = s / ratio;
    const double norm = Curve(from, to).norm(0, c, s);
    return {from.t, norm * c, norm * s};
  }

  template <Scalar T, class D>
  Tensor<T> follow(Tensor<T> x, const Level& from, const Level& to, const D& denoise,
                   AdaptiveDpmState& state) const {
    std::vector<Level>& levels = state.work.levels;
    foglift::detail::AskedOfFewer asked(denoise, x.dim(0));
    const auto output = [&](std::span<const Index> samples, const std::vector<double>& lambda,
                            const Tensor<double>& z) {
      levels.clear();
      for (const double l : lambda)
        levels.push_back(l == from.lambda() ? from : l == to.lambda() ? to : between(from, to, l));
      return flat(asked.of(samples, [&](const auto& left) {
        return ask(left, scaled<T>(z, x.shape(), levels), Levels(levels));
      }));
    };
    Tensor<double> z = flat(x);
    for (double& v : z) v /= from.alpha;
    detail::DpmPair<Order, decltype(output)> pair(output, controller, rtol, atol, first_step,
                                                  state);
    detail::advance(z, from.lambda(), to.lambda(), max_evaluations, name, pair, state);
    return scaled<T>(z, x.shape(), to);
  }

  /// x [A, ...] in double as [A, elements].
  template <Scalar T>
  static Tensor<double> flat(const Tensor<T>& x) {
    return x.template cast<double>().reshaped({x.dim(0), x.row_size()});
  }
  /// alpha z in the shape of a batch's samples.
  template <Scalar T>
  static Tensor<T> scaled(const Tensor<double>& z, const Shape& shape, const Levels& levels) {
    auto x = Tensor<T>::uninitialized(shape.with(0, z.dim(0)));
    const Index n = z.row_size();
    for (Index a = 0; a < z.dim(0); ++a) {
      const double alpha = levels[a].alpha;
      for (Index i = a * n; i < (a + 1) * n; ++i) x[i] = static_cast<T>(alpha * z[i]);
    }
    return x;
  }

  static void count(AdaptiveDpmState& state) {
    for (Index& n : state.counts.evaluations) ++n;
  }

  void check(const Level& from, const Level& to) const {
    Tolerance{rtol, atol, max_evaluations}.check(name);
    if (!(first_step > 0 && clean_ratio > 0 && clean_ratio < 1000))
      raise<ArgumentError>(name, ": first_step = ", first_step, ", clean_ratio = ", clean_ratio,
                           ", needed positive, clean_ratio below 1000");
    detail::check_noise(from, name);
    if (to.alpha == 0)
      raise<ArgumentError>(name, ": steps to ", to,
                           ", pure noise, where lambda is -inf; needed "
                           "some signal (AdaptiveRk45 goes there)");
  }
};

}  // namespace foglift::inline v0::solver
