// Covers: loss/batch two_heads
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/loss.hpp"
#include "foglift/diffusion/parameterization.hpp"
#include "foglift/diffusion/variance_denoiser.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>

using namespace foglift;

namespace {

/// gamma(t) = first + (last - first) (t + bend t (1 - t)), variance-preserving, noisy at t = 0 too.
struct Bent {
  double bend = 0, first = -8, last = 12;
  double gamma(double t) const { return first + (last - first) * (t + bend * t * (1 - t)); }
  double slope(double t) const { return (last - first) * (1 + bend * (1 - 2 * t)); }
  Level at(double t) const {
    return {t, 1 / std::sqrt(1 + std::exp(gamma(t))), 1 / std::sqrt(1 + std::exp(-gamma(t)))};
  }
  double time(double) const { return 0; }
  double rate(double t) const { return slope(t) * at(t).sigma * at(t).sigma; }
  LevelRate derivative(double t) const {
    const Level l = at(t);
    return {-0.5 * rate(t) * l.alpha, 0.5 * rate(t) * l.alpha * l.alpha / l.sigma};
  }
};

/// Data N(0, v): E (eps' - eps)^2 of the exact denoiser is snr Var(x0 | x).
constexpr double v = 2;
double posterior_variance(const Level& l) {
  return v * l.sigma * l.sigma / (l.alpha * l.alpha * v + l.sigma * l.sigma);
}

/// What the bound has beyond the chain: E KL(q(x_1 | x0) || N(0, 1)), and the exact decoder of x_0.
double ends(const Bent& s) {
  const Level z1 = s.at(1);
  const double prior =
      0.5 * (z1.sigma * z1.sigma + z1.alpha * z1.alpha * v - 1 - 2 * std::log(z1.sigma));
  const double decoder =
      0.5 * std::log(2 * std::numbers::pi * std::numbers::e * posterior_variance(s.at(0)));
  return prior + decoder;
}

double entropy() { return 0.5 * std::log(2 * std::numbers::pi * std::numbers::e * v); }

double bound_of_steps(const Bent& s, Index T) {
  const weight::LikelihoodSteps w(s, T);
  double sum = ends(s);
  for (Index k = 1; k <= T; ++k) {
    const Level l = s.at(static_cast<double>(k) / static_cast<double>(T));
    sum += w(l).eps * l.snr() * posterior_variance(l) / static_cast<double>(T);
  }
  return sum;
}

double bound_of_times(const Bent& s, int n) {
  const weight::Likelihood w(s);
  double sum = ends(s);
  for (int i = 0; i < n; ++i) {
    const Level l = s.at((i + 0.5) / n);
    sum += w(l).eps * l.snr() * posterior_variance(l) / n;
  }
  return sum;
}

/// [f, v] = [w x, u x + c].
struct TwoHeads {
  Parameter<double> w{Tensor<double>(Shape{}, 0.3)}, u{Tensor<double>(Shape{}, 0.2)};
  double c = -0.4;
  template <Value X>
  X operator()(const X& x, const Tensor<double>&) const {
    return concat({mul(x, use(w, x)), add(mul(x, use(u, x)), c)}, -1);
  }
};

}  // namespace

TEST_CASE("bound: above the entropy of the data by a gap of order 1 / T", "[diffusion][loss]") {
  for (const double bend : {0.0, 0.6}) {
    const Bent s{.bend = bend};
    const double g200 = bound_of_steps(s, 200) - entropy(),
                 g400 = bound_of_steps(s, 400) - entropy(),
                 g800 = bound_of_steps(s, 800) - entropy();
    CHECK(g800 > 0);
    CHECK_THAT(g400 * 400, WithinRel(g200 * 200, 0.1));
    CHECK_THAT(g800 * 800, WithinRel(g400 * 400, 0.1));
  }
}

TEST_CASE("bound: the continuous weight is the limit whatever the schedule", "[diffusion][loss]") {
  // The midpoint rule with 4000 points on a smooth integrand: 1e-7; what is left of the signal at
  // t = 1 costs e^(-2 * 12) / 4 * v^2, 1e-11.
  for (const double bend : {0.0, 0.6, -0.5})
    CHECK_THAT(bound_of_times(Bent{.bend = bend}, 4000), WithinAbs(entropy(), 1e-5));
  const double limit = 2 * bound_of_steps({}, 4000) - bound_of_steps({}, 2000);  // Richardson
  CHECK_THAT(limit, WithinAbs(bound_of_times({}, 4000), 1e-4));
}

TEST_CASE("bound: a divergence of normals by quadrature", "[diffusion][loss]") {
  // The integral of p ln(p / q) over 12 standard deviations: the trapezoid rule is exact to
  // rounding for such functions.
  const double lp = -0.6, lq = 0.3, d = 0.8;
  double sum = 0;
  const double sp = std::exp(0.5 * lp), h = sp * 0.01;
  for (int i = -1200; i <= 1200; ++i) {
    const double x = i * h;
    const double p = std::exp(-0.5 * x * x / (sp * sp)) / (sp * std::sqrt(2 * std::numbers::pi));
    sum += h * p *
           (-0.5 * x * x / std::exp(lp) - 0.5 * lp + 0.5 * (x - d) * (x - d) / std::exp(lq) +
            0.5 * lq);
  }
  CHECK_THAT(gaussian_kl(d, lp, lq), WithinRel(sum, 1e-11));
  CHECK(gaussian_kl(0, lp, lp) == 0);
}

TEST_CASE("bound: each step's term is that of the published chain", "[diffusion][loss]") {
  // Ho et al. 2020, eq. 6-7, and Nichol & Dhariwal 2021, eq. 15, with betas; the network's mean is
  // made of its x0. The first step's term is a normal density with step 2's beta~.
  const auto chain = DiscreteSchedule::linear(5, {.first = 0.05, .last = 0.4});
  const Index T = 5, batch = 12;
  const auto x0 = Rng(4).normal<double>({batch, 2});
  Tensor<double> x, time;
  const auto net = [&](const Tensor<double>& at, const Tensor<double>& t) {
    x = at;
    time = t;
    return TwoHeads{}(at, t);
  };
  const auto check = [&](const auto& p) {
    SampleLosses samples;
    const VarianceNetwork denoise(net, p, chain);
    const auto drawn =
        denoise.batch(x0, Rng(1), {.step = 0}, {.density = density::Steps(T), .samples = &samples});
    const double all = hybrid_loss(denoise, drawn, denoise.output(drawn),
                                   {.steps = T, .simple = 0.5, .bound = 0.1, .stop_mean = false})
                           .item();
    double total = 0;
    for (Index b = 0; b < batch; ++b) {
      const auto k = static_cast<Index>(std::lround(time[b] * 5));
      CHECK_THAT(time[b], WithinAbs(static_cast<double>(k) / 5, 1e-15));
      const double bar = chain.alpha_bar(k - 1), before = k > 1 ? chain.alpha_bar(k - 2) : 1,
                   beta = chain.beta(k - 1), small = beta * (1 - before) / (1 - bar);
      const double small2 = chain.beta(1) * (1 - chain.alpha_bar(0)) / (1 - chain.alpha_bar(1));
      double sample = 0;
      for (Index i = 2 * b; i < 2 * b + 2; ++i) {
        const Level l{time[b], std::sqrt(bar), std::sqrt(1 - bar)};
        const double eps = (x[i] - l.alpha * x0[i]) / l.sigma, f = 0.3 * x[i];
        const Mix t = p.target(l), back = p.x0(l);
        const double guess = back.a * x[i] + back.b * f;
        const double to_mean = std::sqrt(before) * beta / (1 - bar);
        const double gap = to_mean * (guess - x0[i]);
        const double share = 0.5 * (0.2 * x[i] - 0.4 + 1);
        const double variance = std::pow(beta, share) * std::pow(k > 1 ? small : small2, 1 - share);
        const double term =
            k > 1 ? 0.5 * (std::log(variance / small) + (small + gap * gap) / variance - 1)
                  : 0.5 * (std::log(2 * std::numbers::pi * variance) + gap * gap / variance);
        sample += 0.5 * (0.5 * std::pow(f - t.a * x0[i] - t.b * eps, 2) + 0.1 * 5 * term);
      }
      CHECK_THAT(samples.loss[static_cast<std::size_t>(b)], WithinRel(sample, 1e-9));
      total += sample / static_cast<double>(batch);
    }
    CHECK_THAT(all, WithinRel(total, 1e-9));
  };
  check(predict::Epsilon{});
  check(predict::X0{});
  check(predict::Velocity{});
}

TEST_CASE("bound: with the small variance it is the likelihood weight of steps",
          "[diffusion][loss]") {
  // v = -1 everywhere: KL = T-th part of the weight times the error of eps.
  const Bent s{.bend = 0.3, .first = -5, .last = 5};
  TwoHeads net;
  net.u.value[0] = 0;
  net.c = -1;
  const auto first = [&](const Tensor<double>& x, const Tensor<double>&) {
    return mul(x, net.w.value);
  };
  const auto x0 = Rng(4).normal<double>({8, 2});
  const VarianceNetwork denoise(net, predict::Velocity{}, s);
  const auto batch = denoise.batch(x0, Rng(1), {.step = 0}, {.density = density::Steps(7)});
  const double two =
      hybrid_loss(denoise, batch, denoise.output(batch), {.steps = 7, .simple = 0, .bound = 1})
          .item();
  const double one = NetworkDenoiser(first, predict::Velocity{}, s)
                         .loss(x0, Rng(1), {.step = 0},
                               {.level_weight = weight::of_output(weight::LikelihoodSteps(s, 7),
                                                                  predict::Velocity{}),
                                .density = density::Steps(7)})
                         .item();
  CHECK_THAT(two, WithinRel(one, 1e-10));
}

TEST_CASE("two heads: gradients are finite differences", "[diffusion][loss]") {
  const auto chain = DiscreteSchedule::linear(5, {.first = 0.05, .last = 0.4});
  const auto x0 = Rng(4).normal<double>({7, 3});
  auto weight = Rng(5).uniform<double>({7, 3});
  weight[4] = 0;
  const LossOptions<double> options{.level_weight = [](const Level& l) { return 1 + l.sigma; },
                                    .weight = &weight};
  // Central differences of step 1e-5: 1e-10 and 1e-11 / 1e-5 of rounding.
  const auto check = [&](const auto& predicts, const auto& how, const auto& rule, bool mean) {
    TwoHeads net;
    Tape<double> tape;
    const VarianceNetwork denoise(net, predicts, chain);
    const auto batch = denoise.batch(x0, Rng(1), {.step = 3}, how);
    const auto loss = rule(denoise, batch, denoise.output(tape, batch));
    const auto value = [&] { return rule(denoise, batch, denoise.output(batch)).item(); };
    CHECK(loss.value().item() == value());
    const auto gradients = tape.backward(loss);
    const auto slope = [&](Parameter<double>& p) {
      p.value[0] += 1e-5;
      const double up = value();
      p.value[0] -= 2e-5;
      const double down = value();
      p.value[0] += 1e-5;
      return (up - down) / 2e-5;
    };
    CHECK_THAT(gradients[net.u].item(), WithinRel(slope(net.u), 1e-6));
    if (mean) CHECK_THAT(gradients[net.w].item(), WithinRel(slope(net.w), 1e-6));
    return gradients[net.w].item();
  };
  const auto hybrid = [&](const HybridOptions& h) {
    LossOptions<double> chosen = options;
    chosen.density = density::Steps(h.steps);
    return check(
        predict::Velocity{}, chosen,
        [&](const auto& denoise, const auto& batch, const auto& output) {
          return hybrid_loss(denoise, batch, output, h);
        },
        !h.stop_mean);
  };
  hybrid({.steps = 5, .simple = 1, .bound = 0.3, .stop_mean = false});
  hybrid({.steps = 5, .simple = 0, .bound = 1, .stop_mean = false});
  hybrid({.steps = 1, .simple = 0, .bound = 1, .stop_mean = false});
  // The stopped mean learns from the simple part alone.
  const double stopped = hybrid({.steps = 5, .simple = 1, .bound = 0.3});
  CHECK_THAT(stopped,
             WithinRel(hybrid({.steps = 5, .simple = 1, .bound = 0.01, .stop_mean = true}), 1e-13));
  CHECK(hybrid({.steps = 5, .simple = 0, .bound = 1}) == 0);
  check(
      predict::X0{}, options,
      [](const auto&, const auto& batch, const auto& output) {
        return heteroscedastic_loss(batch, output);
      },
      true);
}

TEST_CASE("two heads: heteroscedastic is the normal log-likelihood", "[diffusion][loss]") {
  // Data and head constant: f = w x with x = 3 at t = 0, target 3: d = -2.1, v = 0.2 * 3 - 0.4.
  const Tensor<double> three({4, 2}, 3.0);
  const VarianceNetwork denoise(TwoHeads{}, predict::X0{}, schedule::Cosine{});
  const auto batch = denoise.batch(three, Rng(1), {.step = 0}, {.t_max = 0});
  const double loss = heteroscedastic_loss(batch, denoise.output(batch)).item();
  const double head = 0.2 * 3 - 0.4;
  const double density = std::exp(-0.5 * 2.1 * 2.1 / std::exp(head)) /
                         std::sqrt(2 * std::numbers::pi * std::exp(head));
  CHECK_THAT(loss, WithinRel(-std::log(density) - 0.5 * std::log(2 * std::numbers::pi), 1e-12));
}

TEST_CASE("two heads: wrong shapes and options are refused", "[diffusion][loss]") {
  const Tensor<double> x0({4, 2});
  const auto loss = [&](const HybridOptions& hybrid, const LossOptions<double>& options) {
    const VarianceNetwork denoise(TwoHeads{}, predict::X0{}, schedule::Cosine{});
    const auto batch = denoise.batch(x0, Rng(1), {.step = 0}, options);
    hybrid_loss(denoise, batch, denoise.output(batch), hybrid);
    return heteroscedastic_loss(batch, denoise.output(batch)).item();
  };
  CHECK_NOTHROW(loss({.steps = 9}, {.density = density::Steps(9)}));
  CHECK_THROWS_AS(loss({.steps = 0}, {.density = density::Steps(9)}), ArgumentError);
  CHECK_THROWS_AS(loss({.steps = 9}, {.density = density::Steps(9), .penalty = Penalty::huber(1)}),
                  ArgumentError);
  // Times between those of the chain.
  CHECK_THROWS_AS(loss({.steps = 9}, {}), ArgumentError);
  CHECK_THROWS_AS(loss({.steps = 9}, {.density = density::Steps(10)}), ArgumentError);
  const TrainingBatch<double> batch(x0, schedule::Cosine{}, predict::X0{}, Rng(1), {.step = 0});
  CHECK_THROWS_AS(heteroscedastic_loss(batch, batch.input()), ShapeError);
  CHECK_THROWS_AS(heteroscedastic_loss(batch, Tensor<double>({4, 6})), ShapeError);
}
