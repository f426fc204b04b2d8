// Covers: gradient mean_shift
#include "diffusion/guidance/fixtures.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/diffusion/guidance/classifier_free.hpp"
#include "foglift/diffusion/guidance/gradient.hpp"
#include "foglift/diffusion/guidance/sum.hpp"
#include "foglift/diffusion/inverse/mean_shift.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"

#include <functional>

using namespace foglift;
using namespace foglift::test;

namespace {

/// Two classes N(m_k, v_k) in each of n elements alike, of prior weights w_k: denoisers of one
/// class and of both, and log p(class 0 | x), by their definitions.
struct TwoClasses {
  double m[2] = {1.2, -0.7}, v[2] = {0.3, 0.8}, w[2] = {0.35, 0.65};

  double total(int k, const Level& l) const { return l.alpha * l.alpha * v[k] + l.sigma * l.sigma; }
  double mean(int k, double x, const Level& l) const {
    return (l.sigma * l.sigma * m[k] + l.alpha * v[k] * x) / total(k, l);
  }
  double log_joint(int k, const double* x, Index n, const Level& l) const {
    double sum = std::log(w[k]);
    for (Index i = 0; i < n; ++i) {
      const double d = x[i] - l.alpha * m[k];
      sum -= 0.5 * (d * d / total(k, l) + std::log(total(k, l)));
    }
    return sum;
  }
  double chance(const double* x, Index n, const Level& l) const {  // of class 0
    return 1 / (1 + std::exp(log_joint(1, x, n, l) - log_joint(0, x, n, l)));
  }

  template <class F>
  static Tensor<double> map(const Tensor<double>& x, const Levels& levels, const F& f) {
    Tensor<double> out(x.shape());
    const Index n = x.row_size();
    for (Index b = 0; b < x.dim(0); ++b)
      for (Index i = 0; i < n; ++i) out[b * n + i] = f(x.data() + b * n, i, n, levels[b]);
    return out;
  }
  Tensor<double> one(int k, const Tensor<double>& x, const Levels& levels) const {
    return map(x, levels,
               [&](const double* r, Index i, Index, const Level& l) { return mean(k, r[i], l); });
  }
  Tensor<double> both(const Tensor<double>& x, const Levels& levels) const {
    return map(x, levels, [&](const double* r, Index i, Index n, const Level& l) {
      const double p = chance(r, n, l);
      return p * mean(0, r[i], l) + (1 - p) * mean(1, r[i], l);
    });
  }
  /// d log p(0 | x) / dx = (1 - p) (score_0 - score_1).
  Tensor<double> gradient(const Tensor<double>& x, const Levels& levels) const {
    return map(x, levels, [&](const double* r, Index i, Index n, const Level& l) {
      return (1 - chance(r, n, l)) *
             ((l.alpha * m[0] - r[i]) / total(0, l) - (l.alpha * m[1] - r[i]) / total(1, l));
    });
  }
};

/// A smooth denoiser that is not linear, on Tensors and Vars.
struct Smooth {
  template <Value X>
  X operator()(const X& x, const Levels&) const {
    return exp(x * 0.3) + square(x) * 0.2;
  }
};

const TwoClasses classes;
const auto unconditional = [](const Tensor<double>& x, const Levels& l) {
  return classes.both(x, l);
};
const auto gradient = [](const Tensor<double>& x, const Levels& l) {
  return classes.gradient(x, l);
};
const Tensor<double> x = Rng(1).normal<double>({4, 3});

}  // namespace

TEST_CASE("classifier: tilts two Gaussian classes to the one asked for", "[diffusion][guidance]") {
  const auto guided = unconditional | guide::Classifier{gradient};
  for (const Level& l : all_levels) {
    const auto x0 = guided(x, l);
    CHECK(finite(x0));
    if (l.alpha == 0) {
      CHECK(x0 == classes.both(x, l));
    } else {
      // sigma^2 / alpha times roundings of the gradient: up to 5e4 x 1e-15 at the noisiest level
      CHECK(distance(x0, classes.one(0, x, l)) < 1e-13 * (1 + l.sigma * l.sigma / l.alpha));
    }
  }
  // weight w: the score of p(x) p(y | x)^w
  const double w = 2.5;
  const Level l{0.5, 0.6, 0.8};
  const auto strong = (unconditional | guide::Classifier{gradient, {.weight = w}})(x, l);
  const auto prior = classes.both(x, l), slope = classes.gradient(x, l);
  for (Index i = 0; i < x.size(); ++i) {
    const double score = (l.alpha * prior[i] - x[i]) / (l.sigma * l.sigma) + w * slope[i];
    CHECK_THAT((l.alpha * strong[i] - x[i]) / (l.sigma * l.sigma), WithinAbs(score, 1e-12));
  }
}

TEST_CASE("classifier: the gain has a limit and each sample its level", "[diffusion][guidance]") {
  const auto guided = unconditional | guide::Classifier{gradient, {.weight = 2, .max_gain = 1.5}};
  const std::vector<Level> each{{0.5, 0.6, 0.8}, {0.9, 0.1, 1}, {1, 0, 1}, {0, 1, 0}};
  const double gains[] = {2 * 0.8 * 0.8 / 0.6, 2 * 1.5, 0, 0};
  const auto x0 = guided(x, each), plain = classes.both(x, each), g = classes.gradient(x, each);
  for (Index b = 0; b < 4; ++b)
    for (Index i = 0; i < 3; ++i)
      CHECK_THAT(x0(b, i), WithinAbs(plain(b, i) + gains[b] * g(b, i), 1e-14));
  CHECK_THROWS_AS((guide::Classifier{gradient, {.weight = NAN}}), ArgumentError);
  CHECK_THROWS_AS((guide::Classifier{gradient, {.max_gain = -1}}), ArgumentError);
  const auto wrong = [](const Tensor<double>&, const Levels&) { return Tensor<double>({2}); };
  CHECK_THROWS_AS((unconditional | guide::Classifier{wrong})(x, each[0]), ShapeError);
}

TEST_CASE("gradient of: a log probability written on Vars", "[diffusion][guidance]") {
  // log p = -(x - sigma)^2 / 2: the gradient is sigma - x.
  const guide::GradientOf log_p(
      [](const auto& s, const Levels& l) { return square(s - l[0].sigma) * -0.5; });
  const Level l{0.5, 0.6, 0.8};
  const auto g = log_p(x, Levels(l));
  for (Index i = 0; i < x.size(); ++i) CHECK_THAT(g[i], WithinAbs(0.8 - x[i], 1e-15));
  const auto x0 = (unconditional | guide::Classifier{log_p})(x, l);
  const auto plain = classes.both(x, l);
  for (Index i = 0; i < x.size(); ++i)
    CHECK_THAT(x0[i], WithinAbs(plain[i] + 0.64 / 0.6 * (0.8 - x[i]), 1e-14));
  const guide::GradientOf constant([](const Var<double>& s) { return s.tape().constant(x); });
  CHECK(constant(x) == Tensor<double>(x.shape()));
}

TEST_CASE("loss gradient: is the derivative of the loss through the denoiser",
          "[diffusion][guidance]") {
  const auto loss = [](const auto& x0) { return square(x0 - 0.4) * 0.5 + exp(x0 * -0.2); };
  const auto guided = Smooth{} | guide::LossGradient{guide::GradientOf(loss), {.weight = 1.7}};
  const Level l{0.5, 0.6, 0.8};
  const auto x0 = guided(x, l), plain = Smooth{}(x, l);
  for (Index i = 0; i < x.size(); ++i) {
    // central difference, error h^2 f''' / 6 + eps f / h ~ 1e-10 each at h = 1e-5
    const auto at = [&](double h) {
      Tensor<double> moved = x;
      moved[i] += h;
      double sum = 0;
      for (const double v : loss(Smooth{}(moved, l))) sum += v;
      return sum;
    };
    const double slope = (at(1e-5) - at(-1e-5)) / 2e-5;
    CHECK_THAT(x0[i], WithinAbs(plain[i] - 1.7 * 0.64 / 0.6 * slope, 1e-8));
  }
  for (const Level& end : all_levels) CHECK(finite(guided(x, end)));
  CHECK(guided(x, Level{1, 0, 1}) == Smooth{}(x, Level{1, 0, 1}));
  CHECK(guided(x, Level{0, 1, 0}) == Smooth{}(x, Level{0, 1, 0}));
  CHECK_THROWS_AS((guide::LossGradient{guide::GradientOf(loss), {.weight = INFINITY}}),
                  ArgumentError);
}

TEST_CASE("loss gradient: each sample by itself, at its own level", "[diffusion][guidance]") {
  const auto guided =
      Smooth{} | guide::LossGradient{guide::GradientOf([](const auto& x0) { return square(x0); })};
  const std::vector<Level> each{{0.5, 0.6, 0.8}, {0.9, 0.1, 1}, {1, 0, 1}, {0, 1, 0}};
  const auto x0 = guided(x, each);
  for (Index b = 0; b < 4; ++b)
    CHECK(x0.rows(b, 1) == guided(x.rows(b, 1), each[static_cast<std::size_t>(b)]));
}

TEST_CASE("direct gradient: steps on x0 for any denoiser", "[diffusion][guidance]") {
  const guide::GradientOf pull([](const auto& x0) { return square(x0 - 2.0) * 0.5; });
  const auto guided = unconditional | guide::DirectGradient{pull, 0.25};
  for (const Level& l : all_levels) {
    const auto x0 = guided(x, l), plain = classes.both(x, l);
    for (Index i = 0; i < x.size(); ++i)
      CHECK_THAT(x0[i], WithinAbs(plain[i] + 0.25 * (2 - plain[i]), 1e-14));
  }
}

TEST_CASE("sum: a loss gradient beside classifier-free guidance", "[diffusion][guidance]") {
  const guide::GradientOf pull([](const auto& x0) { return square(x0); });
  const Level l{0.5, 0.6, 0.8};
  const guide::ClassifierFree cfg{Says<double>{x}, 3.0};
  const guide::LossGradient loss{pull};
  const auto both = (Smooth{} | (cfg + loss))(x, l);
  const auto plain = Smooth{}(x, l), a = (Smooth{} | cfg)(x, l), b = (Smooth{} | loss)(x, l);
  for (Index i = 0; i < x.size(); ++i)
    CHECK_THAT(both[i], WithinAbs(a[i] + b[i] - plain[i], 1e-13));
}

TEST_CASE("mean shift: moves the ancestral mean by the variance times the gradient",
          "[diffusion][guidance]") {
  using At = solver::MeanShiftOptions::At;
  const Level from{0.7, 0.5, 0.9}, to{0.4, 0.8, 0.5};
  const double V = to.sigma * to.sigma - std::pow(from.alpha * to.sigma * to.sigma, 2) /
                                             std::pow(to.alpha * from.sigma, 2);
  const StepRng rng(Rng(5), 0, 3);
  const auto plain = solver::Ddpm{}.step(x, from, to, unconditional, rng);
  // mu = E[x' | x, x0]: alpha' x0 + q sigma' eps
  const auto x0 = classes.both(x, from);
  const double q = from.alpha * to.sigma / (to.alpha * from.sigma);
  Tensor<double> mu(x.shape());
  for (Index i = 0; i < x.size(); ++i)
    mu[i] = to.alpha * x0[i] + q * to.sigma * (x[i] - from.alpha * x0[i]) / from.sigma;
  const auto check = [&](At at, const Tensor<double>& slope) {
    const solver::MeanShift solver(gradient, {.weight = 1.5, .at = at});
    const auto got = solver.step(x, from, to, unconditional, rng);
    for (Index i = 0; i < x.size(); ++i)
      CHECK_THAT(got[i], WithinAbs(plain[i] + 1.5 * V * slope[i], 1e-14));
  };
  check(At::mean, classes.gradient(mu, to));
  check(At::state, classes.gradient(x, from));
  const Level clean{0, 1, 0};
  CHECK(solver::MeanShift(gradient).step(x, from, clean, unconditional, rng) ==
        solver::Ddpm{}.step(x, from, clean, unconditional, rng));
  CHECK_THROWS_AS(solver::MeanShift(gradient, {.weight = INFINITY}), ArgumentError);
}

TEST_CASE("mean shift: samples the class that the classifier asks for", "[diffusion][guidance]") {
  // 6000 elements of N(1.2, 0.3): standard errors 0.007 and 0.0055, and 100 steps leave an error of
  // the order of 1 / 100 in both.
  const auto samples = sample<double>(solver::MeanShift(gradient), unconditional, {1500, 4},
                                      grid::uniform(schedule::Linear{}, 100), Rng(3));
  double mean = 0, variance = 0;
  const auto count = static_cast<double>(samples.size());
  for (const double v : samples) mean += v / count;
  for (const double v : samples) variance += (v - mean) * (v - mean) / count;
  CHECK_THAT(mean, WithinAbs(1.2, 4 * 0.007 + 0.01));
  CHECK_THAT(variance, WithinAbs(0.3, 4 * 0.0055 + 0.01));
}
