// Covers: edit sample step_rng walk
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/encode/edit.hpp"
#include "foglift/diffusion/guidance/classifier_free.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule/exploding.hpp"
#include "foglift/diffusion/solver/adaptive_rk45.hpp"
#include "foglift/diffusion/solver/ancestral.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace foglift;
using solver::Ddim, solver::Ddpm, solver::EulerAncestral, solver::Heun;

namespace {

template <class F>
void for_each_solver(const F& f) {
  f(Ddpm{});
  f(Ddpm{Ddpm::Variance::large});
  f(Ddim{});
  f(Ddim{.eta = 0.5});
  f(Heun{});
  f(EulerAncestral{.eta = 1.2});
}

const analytic::Mixture mixture({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});

struct Threads {
  int before = threads();
  ~Threads() { set_threads(before); }
};

}  // namespace

TEST_CASE("sample: bits do not depend on the batch split", "[diffusion][sample]") {
  const analytic::Mixture data({{1, {0, 1, 2, -1, 0.5}, 0.2}, {2, {1, -1, 0, 2, 1}, 0.1}});
  const TimeGrid g = grid::uniform(schedule::Cosine{}, 9);
  for_each_solver([&](auto solver) {
    const auto check = [&](const auto& all) {
      using T = typename std::decay_t<decltype(all)>::value_type;
      for (const Index batch : {1, 7, 16})
        for (Index first = 0; first < 33; first += batch) {
          const Index n = std::min(batch, 33 - first);
          const auto part = sample<T>(solver, data, {n, 5}, g, Rng(3),
                                      {.first_sample = static_cast<std::uint64_t>(first)});
          REQUIRE(part == all.rows(first, n));
        }
    };
    check(sample<float>(solver, data, {33, 5}, g, Rng(3)));
    check(sample<double>(solver, data, {33, 5}, g, Rng(3)));
  });
}

TEST_CASE("sample: bits do not depend on the threads", "[diffusion][sample]") {
  const Threads restore;
  const auto data = analytic::gaussian({.mean = 1, .variance = 0.3});
  const TimeGrid g = grid::karras(schedule::Linear{}, 4);
  for_each_solver([&](auto solver) {
    set_threads(1);  // rows of 9001 elements: every thread has work
    const auto alone = sample(solver, data, {7, 9001}, g, Rng(5));
    for (int n = 2; n <= 4; ++n) {
      set_threads(n);
      REQUIRE(sample(solver, data, {7, 9001}, g, Rng(5)) == alone);
    }
  });
}

TEST_CASE("sample: solvers see alpha and sigma and never t", "[diffusion][sample]") {
  TimeGrid g = grid::uniform(schedule::Linear{}, 6), renamed = g;
  for (Level& l : renamed) l.t = 0.25 + l.t * l.t / 3;
  for_each_solver([&](auto solver) {
    CHECK(sample(solver, mixture, {8, 1}, g, Rng(1)) ==
          sample(solver, mixture, {8, 1}, renamed, Rng(1)));
  });
}

TEST_CASE("sample: moving and scaling the data moves and scales the samples",
          "[diffusion][sample]") {
  // Data 3 x - 2 at a schedule whose sigma is 3 times as large: x' = 3 x - 2 alpha, step by step.
  const analytic::Mixture moved({{0.3, {-5}, 9 * 0.16}, {0.7, {2.5}, 9 * 0.36}});
  const TimeGrid g = grid::log_snr(schedule::Linear{}, 12);
  TimeGrid wide = g;
  for (Level& l : wide) l.sigma *= 3;
  const auto start = Rng(4).normal<double>({5, 1});
  Tensor<double> moved_start({5, 1});
  for (Index i = 0; i < 5; ++i) moved_start[i] = 3 * start[i] - 2 * g.front().alpha;
  for_each_solver([&](auto solver) {
    const auto x = sample_from(solver, mixture, start, g, Rng(2)),
               y = sample_from(solver, moved, moved_start, wide, Rng(2));
    for (Index i = 0; i < 5; ++i) CHECK_THAT(y[i], WithinAbs(3 * x[i] - 2, 1e-10));
  });
}

TEST_CASE("sample: starts from sigma times its noise", "[diffusion][sample]") {
  // A denoiser that knows the data is at 0 and two levels of one alpha: Ddim scales x by
  // sigma'/sigma.
  const auto zero = [](const Tensor<double>& x, const Level&) { return Tensor<double>(x.shape()); };
  const TimeGrid g{{1, 1, 10}, {0.5, 1, 5}};
  const Index n = 1 << 14;
  const auto x = sample<double>(Ddim{}, zero, {n, 1}, g, Rng(8));
  double mean = 0, square = 0;
  for (const double v : x) mean += v / n, square += v * v / n;
  // Standard errors of N(0, 5^2): 5 / sqrt(n) and 25 sqrt(2 / n); 4 of them.
  CHECK_THAT(mean, WithinAbs(0, 4 * 5 / 128.0));
  CHECK_THAT(square, WithinAbs(25, 4 * 25 * std::sqrt(2.0) / 128));
  const auto again = sample_from(Ddim{}, zero, Tensor<double>({1, 1}, 10.0), g, Rng(8));
  CHECK(again.item() == 5);
}

TEST_CASE("sample: the distribution of the data comes out", "[diffusion][sample]") {
  // Kolmogorov-Smirnov distance of n = 4000 samples: below 1.95 / sqrt(n) = 0.031 with probability
  // 0.999 if the law is exact. The solvers' own error adds less than 0.005 (order 1: largest
  // variance error 0.05 at 100 steps, Heun less).
  const auto cdf = [](double x) {
    const auto phi = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
    return 0.3 * phi((x + 1) / 0.4) + 0.7 * phi((x - 1.5) / 0.6);
  };
  const auto distance = [&](Tensor<float> x) {
    std::sort(x.begin(), x.end());
    const auto n = static_cast<double>(x.size());
    double worst = 0;
    for (Index i = 0; i < x.size(); ++i) {
      const double p = cdf(double{x[i]});
      worst = std::max({worst, p - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - p});
    }
    return worst;
  };
  const schedule::Linear s;
  CHECK(distance(sample(Heun{}, mixture, {4000, 1}, grid::karras(s, 40), Rng(21))) < 0.036);
  CHECK(distance(sample(Ddim{}, mixture, {4000, 1}, grid::karras(s, 100), Rng(22))) < 0.036);
  CHECK(distance(sample(Ddpm{}, mixture, {4000, 1}, grid::karras(s, 200), Rng(23))) < 0.036);
}

namespace {
/// A solver that keeps what a step may draw, two numbers and a repetition's, and stands still.
struct Drawing {
  static constexpr const char* name = "draws";
  static constexpr int order = 0, weak_order = 1, evaluations = 0;
  std::vector<Tensor<double>>* kept;
  template <class D>
  Tensor<double> step(Tensor<double> x, const Level&, const Level&, const D&,
                      const StepRng& rng) const {
    if (kept->empty()) kept->push_back(x);
    for (const std::uint64_t draw : {0u, 1u}) kept->push_back(rng.normal<double>(x.shape(), draw));
    kept->push_back(rng.repeat(0).normal<double>(x.shape()));
    return x;
  }
};
}  // namespace

TEST_CASE("sample: the start, the steps and what they draw are independent",
          "[diffusion][sample]") {
  // Correlations of n pairs of independent normals have a standard error of 1 / sqrt(n); 4.5 of
  // them for all. Alike for edit(), whose noise is the start's.
  const Index n = 1 << 14;
  const TimeGrid g{{1, 0.1, 1}, {0.7, 0.2, 1}, {0.5, 0.3, 1}, {0.3, 0.4, 1}};
  std::vector<Tensor<double>> sampled, edited;
  sample<double>(Drawing{&sampled}, mixture, {4, n / 4}, g, Rng(8), {.first_sample = 3});
  edit(Drawing{&edited}, mixture, Tensor<double>({4, n / 4}), g, Rng(8), {.first_sample = 3});
  CHECK(sampled == edited);
  REQUIRE(sampled.size() == 1 + 3 * 3);
  for (std::size_t i = 0; i < sampled.size(); ++i)
    for (std::size_t k = 0; k <= i; ++k) {
      double sum = 0;
      for (Index e = 0; e < n; ++e) sum += sampled[i][e] * sampled[k][e] / static_cast<double>(n);
      INFO(i << ' ' << k);
      CHECK_THAT(sum, WithinAbs(i == k ? 1 : 0, (i == k ? std::sqrt(2) : 1) * 4.5 / 128));
    }
}

TEST_CASE("sample: the first step's noise is not the start's", "[diffusion][sample]") {
  // Data at 0 and one alpha: Ddpm's step is x' = q^2 x + sigma' sqrt(1 - q^2) z, q = sigma' /
  // sigma, and keeps the marginal's variance sigma'^2, whatever the step, if and only if z is new.
  const auto zero = [](const Tensor<double>& x, const Level&) { return Tensor<double>(x.shape()); };
  const Index n = 1 << 14;
  for (const double to : {9.9, 9.0, 5.0}) {
    const TimeGrid g{{1, 1, 10}, {0.5, 1, to}};
    double square = 0;
    for (const double v : sample<double>(Ddpm{}, zero, {n, 1}, g, Rng(8)))
      square += v * v / static_cast<double>(n);
    CHECK_THAT(square / (to * to), WithinAbs(1, 4 * std::sqrt(2.0) / 128));
  }
}

TEST_CASE("sample: moments of Gaussian data within their standard errors", "[diffusion][sample]") {
  // The exact law of 3 ancestral steps with the small variance on N(m, v): one linear recursion.
  const double m = 1.2, v = 0.5;
  const auto data = analytic::gaussian({.mean = m, .variance = v});
  const TimeGrid g = grid::uniform(schedule::Linear{}, 3);
  double mean = 0, variance = g[0].sigma * g[0].sigma;
  for (std::size_t i = 0; i < 3; ++i) {
    const Level &s = g[i], &t = g[i + 1];
    const double gain = s.alpha * v / (s.alpha * s.alpha * v + s.sigma * s.sigma);
    const double q = s.alpha * t.sigma / (t.alpha * s.sigma), keep = q * t.sigma / s.sigma;
    const double pull = t.alpha * (1 - q * q), a = keep + pull * gain;
    mean = a * mean + pull * (m - gain * s.alpha * m);
    variance = a * a * variance + t.sigma * t.sigma * (1 - q * q);
  }
  const Index n = 1 << 15;
  const auto x = sample<double>(Ddpm{}, data, {n, 1}, g, Rng(31));
  double sum = 0, square = 0;
  for (const double e : x) sum += e / n, square += (e - mean) * (e - mean) / n;
  CHECK_THAT(sum, WithinAbs(mean, 4 * std::sqrt(variance / n)));
  CHECK_THAT(square, WithinAbs(variance, 4 * variance * std::sqrt(2.0 / n)));
}

TEST_CASE("sample: the observer sees every step", "[diffusion][sample]") {
  const TimeGrid g = grid::uniform(schedule::Cosine{}, 5);
  for_each_solver([&](auto solver) {
    std::vector<Index> steps;
    Tensor<float> last;
    const auto x = sample(solver, mixture, {3, 1}, g, Rng(1), {}, [&](const StepView<float>& s) {
      steps.push_back(s.step);
      CHECK(s.steps == 5);
      CHECK(s.level == g[static_cast<std::size_t>(s.step) + 1]);
      const auto expected =
          s.step == 0 ? Tensor<float>() : mixture(last, g[static_cast<std::size_t>(s.step)]);
      if (s.step) CHECK(s.x0 == expected);
      last = s.x;
    });
    CHECK(steps == std::vector<Index>{0, 1, 2, 3, 4});
    CHECK(last == x);
    CHECK(sample(solver, mixture, {3, 1}, g, Rng(1)) == x);  // watching changes nothing
  });
}

TEST_CASE("sample: a number that is not finite is named", "[diffusion][sample]") {
  const auto broken = [](const Tensor<float>& x, const Level& l) {
    Tensor<float> out(x.shape());
    if (l.t < 0.7) out[2 * 3 + 1] = std::numeric_limits<float>::quiet_NaN();
    return out;
  };
  const TimeGrid g = grid::uniform(schedule::Linear{}, 4);
  CHECK_THROWS_WITH(sample(Ddim{}, broken, {4, 3}, g, Rng(1), {.first_sample = 100}),
                    "sample: ddim gave a number that is not finite in step 2 of 4, from t = 0.5, "
                    "sample 102");
  CHECK_NOTHROW(sample(Ddim{}, broken, {4, 3}, g, Rng(1), {.check_finite = false}));
}

TEST_CASE("sample: wrong arguments are refused", "[diffusion][sample]") {
  const auto shrinks = [](const Tensor<float>&, const Level&) { return Tensor<float>({1}); };
  const TimeGrid g = grid::uniform(schedule::Linear{}, 2);
  CHECK_THROWS_WITH(sample(Heun{}, shrinks, {4, 3}, g, Rng(1)),
                    "denoiser: returned [1] for a state [4, 3]; the same shape is needed");
  CHECK_THROWS_AS(sample(Heun{}, mixture, {4, 1}, {}, Rng(1)), ArgumentError);
  // Nothing in, nothing out.
  const auto data = analytic::gaussian({.mean = 1, .variance = 0.3});
  for (const Shape& none : {Shape{0, 1}, Shape{4, 0}, Shape{0, 0}, Shape{0}})
    for_each_solver([&](auto solver) {
      CHECK(sample(solver, data, none, g, Rng(1)).shape() == none);
      CHECK(sample(solver::AdaptiveRk45{}, data, none, g, Rng(1)).shape() == none);
      CHECK(sample(solver::DpmMulti<3>{}, data, none, g, Rng(1)).shape() == none);
      CHECK(edit(solver, data, Tensor<float>(none), g, Rng(1)).shape() == none);
      CHECK(sample(solver, data | guide::ClassifierFree{data, 2.0}, none, g, Rng(1)).shape() ==
            none);
    });
  CHECK_THROWS_WITH(sample(Heun{}, data, Shape{}, g, Rng(1)),
                    "sample: a state [], needed [B, ...]");
  CHECK_THROWS_AS(integrate(Heun{}, data, Tensor<float>(Shape{}), g), ShapeError);
  CHECK_THROWS_WITH(sample(Heun{}, data, {4, 1}, TimeGrid{}, Rng(1)),
                    "time grid: 0 levels, at least 2 are needed");
  CHECK_THROWS_AS(sample(Heun{}, data, {4, 1}, TimeGrid{g[0]}, Rng(1)), ArgumentError);
}

TEST_CASE("sample: a grid that begins where the data shows is refused", "[diffusion][sample]") {
  const auto chain = DiscreteSchedule::linear(1000);
  const auto draw = [](const TimeGrid& g, const SampleOptions& options = {}) {
    return sample<double>(Ddim{}, mixture, {4, 1}, g, Rng(1), options);
  };
  CHECK_THROWS_WITH(draw(grid::leading(chain, 1)),
                    ContainsSubstring("alpha / sigma = 99.995") &&
                        ContainsSubstring("needed at most 1") &&
                        ContainsSubstring("SampleOptions::max_signal"));
  CHECK_THROWS_AS(draw(grid::leading(chain, 1, grid::Points::n, 1)), ArgumentError);
  CHECK_THROWS_AS(draw(grid::sectioned(chain, {1})), ArgumentError);
  CHECK_THROWS_AS(draw(grid::karras(schedule::Edm{}, 5, {.max = 0.99})), ArgumentError);
  CHECK_THROWS_AS(draw(grid::leading(chain, 2), {.max_signal = 0.2}), ArgumentError);
  CHECK_THROWS_AS(draw(grid::leading(chain, 2), {.max_signal = std::nan("")}), ArgumentError);
  // Where the data shows as much as the noise, half of the variance is missed: for data of variance
  // 1 the flow's factor from sigma = 1 down is 1 / sqrt(1 + 1). Heun's error here is below 1e-3.
  const auto data = analytic::gaussian({.mean = 0, .variance = 1});
  const TimeGrid g = grid::karras(schedule::Edm{}, 40, {.max = 1});
  const auto x = sample<double>(Heun{}, data, {1 << 14, 1}, g, Rng(1), {.max_signal = 1 + 1e-9});
  double square = 0;
  for (const double v : x) square += v * v / (1 << 14);
  CHECK_THAT(square, WithinAbs(0.5, 4 * 0.5 * std::sqrt(2.0 / (1 << 14)) + 1e-3));
  // What is published begins below: the least is Laplace's chain in the middle.
  for (const auto& c :
       {chain, DiscreteSchedule::scaled_linear(1000), DiscreteSchedule::cosine(1000),
        DiscreteSchedule::sigmoid(1000), DiscreteSchedule::sigmoid_alpha_bar(1000),
        DiscreteSchedule::exponential(1000), DiscreteSchedule::laplace(1000)})
    for (const Index n : {2, 3, 10, 50}) {
      CHECK_NOTHROW(draw(grid::leading(c, n)));
      CHECK_NOTHROW(draw(grid::leading(c, n, grid::Points::n_plus_1, 1)));
      CHECK_NOTHROW(draw(grid::trailing(c, 1)));
    }
  // Overruled, or with a state of the level.
  CHECK_NOTHROW(
      draw(grid::leading(chain, 1), {.max_signal = std::numeric_limits<double>::infinity()}));
  CHECK_NOTHROW(
      sample_from(Ddim{}, mixture, Tensor<double>({4, 1}), grid::leading(chain, 1), Rng(1)));
}

namespace {
/// A solver with memory: the previous x0 pulls on the next step.
struct Remembers {
  static constexpr const char* name = "remembers";
  static constexpr int order = 1, weak_order = 0, evaluations = 1;
  template <class T>
  Tensor<T> start(const TimeGrid&) const {
    return {};
  }
  template <class T, class D>
  Tensor<T> step(Tensor<T> x, const Level& from, const Level& to, const D& d, const StepRng& rng,
                 Tensor<T>& last) const {
    auto x0 = d(x, from);
    if (!last.empty()) x0 = affine(1.5, std::move(x0), -0.5, last);
    last = x0;
    return solver::transfer(std::move(x), x0, from, to, to.sigma, 0, rng);
  }
};
}  // namespace

#if defined(__SSE2__)
TEST_CASE("sample: flushes denormals in the steps, not in the observer nor after them",
          "[diffusion][sample]") {
  const auto flushed = [] {
    volatile float smallest = std::numeric_limits<float>::min();
    return smallest / 2 == 0;
  };
  int inside = 0, outside = 0;
  const auto denoise = [&](const Tensor<float>& x, const Level&) {
    inside += flushed();
    return x;
  };
  const TimeGrid g = grid::uniform(schedule::Linear{}, 4);
  sample(Ddim{}, denoise, {3, 1}, g, Rng(1), {}, [&](const auto&) { outside += flushed(); });
  CHECK(inside == 4);
  CHECK((outside == 0 && !flushed()));
  const auto fails = [](const Tensor<float>& x, const Level&) -> Tensor<float> {
    raise<ArgumentError>("no ", x.shape());
  };
  CHECK_THROWS_AS(sample(Ddim{}, fails, {3, 1}, g, Rng(1)), ArgumentError);
  CHECK_FALSE(flushed());
}
#endif

TEST_CASE("sample: what a solver remembers stays inside a run", "[diffusion][sample]") {
  const Remembers solver;
  const TimeGrid g = grid::uniform(schedule::Linear{}, 6);
  const auto first = sample(solver, mixture, {3, 1}, g, Rng(1));
  CHECK(sample(solver, mixture, {3, 1}, g, Rng(1)) == first);
  CHECK_FALSE(sample(Ddim{}, mixture, {3, 1}, g, Rng(1)) == first);
}
