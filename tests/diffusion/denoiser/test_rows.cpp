// Covers: blend call denoiser rescaled rows self_conditioning
// Alone: it takes long to compile.
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/encode.hpp"
#include "foglift/diffusion/guidance.hpp"
#include "foglift/diffusion/likelihood.hpp"
#include "foglift/diffusion/loss/self_conditioning.hpp"
#include "foglift/diffusion/process.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solvers.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>
#include <set>
#include <vector>

using namespace foglift;

namespace {

const schedule::Cosine cosine;
const TimeGrid two_levels = grid::uniform(cosine, 1), five_levels = grid::uniform(cosine, 4);

/// Data of sample b: N(centre[b], deviation[b]^2) in every element. Knows of no rows, and throws
/// for another batch than its own.
struct EachItsOwn {
  std::vector<double> centre, deviation;
  std::set<Index>* batches = nullptr;

  std::vector<Mix> mixes(const Shape& shape, const Levels& levels) const {
    if (batches) batches->insert(shape[0]);
    if (shape[0] != std::ssize(centre)) throw ShapeError("EachItsOwn: of another batch");
    std::vector<Mix> out;
    for (Index b = 0; b < shape[0]; ++b) {
      const auto row = static_cast<std::size_t>(b);
      const Level& l = levels[b];
      const double v = deviation[row] * deviation[row];
      const double gain = l.alpha * v / (l.alpha * l.alpha * v + l.sigma * l.sigma);
      out.push_back({gain, centre[row] * (1 - gain * l.alpha)});
    }
    return out;
  }
  template <Value X>
  X operator()(const X& x, const Levels& levels) const {
    using T = scalar_of<X>;
    const auto m = mixes(x.shape(), levels);
    return affine(x, constant(Tensor<T>(x.shape(), T(1)), x), x.shape()[0],
                  [&](Index b) { return m[static_cast<std::size_t>(b)]; });
  }
  EachItsOwn alone(Index b) const {
    const auto row = static_cast<std::size_t>(b);
    return {{centre[row]}, {deviation[row]}, nullptr};
  }
};

/// Samples that need different numbers of steps.
const EachItsOwn apart{{-4, -3, 0.1, 0.2, 1, 2, 3, 40}, {0.3, 0.01, 1, 0.5, 0.3, 0.3, 2, 0.05}};

/// Eight samples together and each alone, with the denoiser that make(b) gives: of sample b, -1 for
/// all.
template <Scalar T, class S, class Make>
void check_alone(const S& solver, const Make& make, const TimeGrid& grid, const Shape& one) {
  const auto together = sample<T>(solver, make(Index{-1}), one.with(0, 8), grid, Rng(1));
  for (Index b = 0; b < 8; ++b)
    CHECK(sample<T>(solver, make(b), one, grid, Rng(1),
                    {.first_sample = static_cast<std::uint64_t>(b)}) == together.rows(b, 1));
}

const auto own = [](Index b) { return b < 0 ? apart : apart.alone(b); };

const std::vector<Index> labels{0, 1, 2, 0, 1, 2, 0, -1};
std::vector<Index> labels_of(Index b) {
  return b < 0 ? labels : std::vector<Index>{labels[static_cast<std::size_t>(b)]};
}
template <Scalar T = float>
nn::Mlp<T> mlp(Index in = 2) {
  Rng rng(1);
  return nn::Mlp<T>({.in = in, .out = 2, .width = 32, .embedding = {.classes = 3}}, rng);
}

/// A network that tells of how many rows it was asked.
template <class Net>
struct Counting {
  Net net;
  using condition_type = typename Net::condition_type;
  mutable std::set<Index> batches = {};
  template <class X>
  X operator()(const X& x, const Tensor<scalar_of<X>>& time,
               const condition_type& condition = {}) const {
    batches.insert(x.shape()[0]);
    return net(x, time, condition);
  }
  static void each(auto& self, auto&& f) { f("net", self.net); }
};

const std::vector<Index> picked{1, 4, 6};
const Rows some{picked, 8};

}  // namespace

TEST_CASE("rows: a denoiser of each sample's own data, together and alone",
          "[diffusion][denoiser][rows]") {
  for (const TimeGrid& grid : {two_levels, five_levels}) {
    check_alone<float>(solver::AdaptiveRk45{}, own, grid, {1, 1});
    check_alone<double>(solver::AdaptiveRk45{}, own, grid, {1, 3});
    check_alone<float>(solver::AdaptiveDpm<2>{}, own, grid, {1, 2});
    check_alone<float>(solver::AdaptiveDpm<3>{}, own, grid, {1, 2});
  }
  check_alone<float>(solver::PosteriorSampling(
                         solver::AdaptiveRk45{}, [](const auto& x0) { return x0; }, 0.1),
                     own, five_levels, {1, 2});
}

TEST_CASE("rows: an observer changes no bit and sees the whole batch",
          "[diffusion][denoiser][rows]") {
  const auto plain = sample(solver::AdaptiveRk45{}, apart, {8, 2}, five_levels, Rng(1));
  Index seen = 0;
  const auto watched = sample(solver::AdaptiveRk45{}, apart, {8, 2}, five_levels, Rng(1), {},
                              [&](const StepView<float>& v) { seen += v.x0.dim(0); });
  CHECK(watched == plain);
  CHECK(seen == 4 * 8);
}

TEST_CASE("rows: ddim is inverted for each sample under its own denoiser",
          "[diffusion][denoiser][rows][encode]") {
  const TimeGrid grid = grid::uniform(cosine, 5, {.last = 0.05, .end = grid::Last::keep});
  const auto x = Rng(3).normal<double>({8, 2});
  const auto code = invert_ddim(apart, x, grid);
  for (Index b = 0; b < 8; ++b)
    CHECK(invert_ddim(apart.alone(b), x.rows(b, 1), grid) == code.rows(b, 1));
  const auto back = integrate(solver::Euler{}, apart, code, grid);
  // 64 roundings a step of numbers up to 40 / 0.05, grown by up to 1 / 0.05 on the way
  for (Index i = 0; i < x.size(); ++i) CHECK_THAT(back[i], WithinAbs(x[i], 1e-9));
}

TEST_CASE("rows: log densities of each sample under its own data",
          "[diffusion][denoiser][rows][likelihood]") {
  const process::VariancePreserving process{cosine};
  auto x = Rng(2).normal<double>({8, 2});
  for (Index i = 0; i < 16; ++i) {
    const auto b = static_cast<std::size_t>(i / 2);
    x[i] = apart.centre[b] + apart.deviation[b] * x[i];
  }
  const auto check = [&](const auto& trace) {
    const auto nats = likelihood::log_density(apart, x, process, trace(Index{0}));
    for (Index b = 0; b < 8; ++b) {
      const auto row = static_cast<std::size_t>(b);
      CHECK(likelihood::log_density(apart.alone(b), x.rows(b, 1), process, trace(b))[0] == nats[b]);
      // Exact at t_min, whose noise, sigma = 2e-5, is nothing beside deviations of 0.01; the prior
      // at t = 1 misses alpha^2 centre^2 / 2, alpha = 6e-17. Tolerance of the flow: 1e-5 a step.
      double exact = 0;
      for (Index i = 2 * b; i < 2 * b + 2; ++i) {
        const double z = (x[i] - apart.centre[row]) / apart.deviation[row];
        exact -=
            0.5 * z * z + std::log(apart.deviation[row]) + 0.5 * std::log(2 * std::numbers::pi);
      }
      CHECK_THAT(nats[b], WithinAbs(exact, 5e-3));
    }
  };
  check([](Index) { return likelihood::ExactTrace{}; });
  // The Jacobian is a multiple of the identity: Rademacher probes are exact.
  check([](Index b) {
    return likelihood::Hutchinson{.rng = Rng(1), .first_sample = static_cast<std::uint64_t>(b)};
  });
  check([](Index b) {
    return likelihood::HutchPlusPlus{.rng = Rng(1), .first_sample = static_cast<std::uint64_t>(b)};
  });
}

TEST_CASE("rows: labels behind a lambda and labels bound give the samples drawn alone",
          "[diffusion][denoiser][rows]") {
  const auto net = mlp();
  const auto bound = [&](Index b) {
    return NetworkDenoiser(net, predict::Velocity{}, cosine, {.labels = labels_of(b)});
  };
  const auto hidden = [&](Index b) {
    return NetworkDenoiser(
        [&net, told = labels_of(b)](const auto& x, const auto& time) {
          return net(x, time, {.labels = told});
        },
        predict::Velocity{}, cosine);
  };
  check_alone<float>(solver::AdaptiveRk45{}, bound, five_levels, {1, 2});
  check_alone<float>(solver::AdaptiveRk45{}, hidden, five_levels, {1, 2});
  check_alone<float>(solver::AdaptiveDpm<3>{}, bound, five_levels, {1, 2});
  const auto x = sample(solver::AdaptiveRk45{}, bound(-1), {8, 2}, five_levels, Rng(1));
  CHECK(x == sample(solver::AdaptiveRk45{}, hidden(-1), {8, 2}, five_levels, Rng(1)));
}

TEST_CASE("rows: a denoiser that knows its rows is asked about those on their way alone",
          "[diffusion][denoiser][rows]") {
  const auto run = [](const auto& denoise) {
    return sample(solver::AdaptiveRk45{}, denoise, {8, 2}, two_levels, Rng(1));
  };
  const Counting<nn::Mlp<float>> net{mlp()};
  const NetworkDenoiser bound(net, predict::Velocity{}, cosine, {.labels = labels});
  const auto fewer = [&] { return net.batches.size() > 1 && *net.batches.begin() < 8; };
  const auto x = run(bound);
  CHECK(fewer());
  net.batches.clear();
  run(bound.without_condition() | guide::Clip{});
  CHECK(fewer());
  net.batches.clear();
  run(bound | guide::ClassifierFree{bound.without_condition(), guide::Rescaled{1.5}} |
      guide::Interval{{.lo = 0.1}, guide::Clip{-3, 3}});
  CHECK(fewer());
  // A lambda may hold anything; in Alike it says that it does not.
  net.batches.clear();
  const auto lambda = [&](const Tensor<float>& at, const Levels& l) {
    return bound.without_condition()(at, l);
  };
  run(lambda);
  CHECK(net.batches == std::set<Index>{8});
  net.batches.clear();
  CHECK(run(Alike(lambda)) == run(lambda));
  CHECK(fewer());
  static_assert(KnowsRows<analytic::Mixture> && KnowsRows<analytic::Gaussian>);
  static_assert(!KnowsRows<decltype(lambda)> &&
                !KnowsRows<guide::DirectGradient<decltype(lambda)>>);
  // A network behind a lambda hides what it sees of rows, whatever is bound to it.
  const NetworkDenoiser hidden(
      [&](const auto& at, const auto& time, const std::vector<Index>& told) {
        return net(at, time, {.labels = told});
      },
      predict::Velocity{}, cosine, labels);
  static_assert(!KnowsRows<decltype(hidden)>);
  net.batches.clear();
  CHECK(run(hidden) == x);
  CHECK(net.batches == std::set<Index>{8});
}

TEST_CASE("rows: of every denoiser and guidance are those of the whole",
          "[diffusion][denoiser][rows]") {
  const auto x = Rng(4).normal<double>({8, 6, 1});
  std::vector<Level> each, groups;
  for (int i = 0; i < 16; ++i) {
    const Level l = cosine.at(0.05 + 0.055 * i);
    if (i % 2 == 0) each.push_back(l);
    groups.push_back(l);
  }
  const auto part = [](const std::vector<Level>& all, Index per) {
    std::vector<Level> out;
    for (const Index b : picked)
      out.insert(out.end(), all.begin() + b * per, all.begin() + (b + 1) * per);
    return out;
  };
  const auto check = [&](const auto& denoise) {
    const auto level = cosine.at(0.4);
    CHECK(rows_of(denoise, some)(x.rows(picked), level) == denoise(x, level).rows(picked));
    CHECK(rows_of(denoise, some)(x.rows(picked), part(each, 1)) == denoise(x, each).rows(picked));
  };
  const EachItsOwn c = apart, u{std::vector<double>(8, 0.5), {1, 2, 3, 4, 5, 6, 7, 8}};
  check(c);
  check(c | guide::Clip{-2, 2});
  check(c | guide::DynamicThreshold{0.9});
  check(c | guide::ClassifierFree{u, 2.5});
  check(c | guide::ClassifierFree{u, guide::WeightAt([](const Level& l) { return 1 + l.t; })});
  check(c | guide::ClassifierFree{u, guide::Rescaled{2.5}});
  check(c | guide::ClassifierFree{u, guide::ZeroStar{3.5}} | guide::Clip{-4, 4});
  check(c | guide::FrequencyDecoupled{u, {.low = 2, .high = 3}});
  check(c | guide::TwoConditions{u, c, {.first = 2, .second = 3}});
  check(c | guide::Interval{{.lo = 0.3, .hi = 2}, guide::ClassifierFree{u, 3.0}});
  check(c | (guide::ClassifierFree{u, 2.0} + guide::ClassifierFree{u, 1.5}));
  check(c | guide::DirectGradient([](const Tensor<double>& x0) { return scale(0.5, x0); }));
  check(analytic::gaussian({.mean = 1, .variance = 2}) | guide::ClassifierFree{u, 2.0});
  // Per-sample weights of a user's rule go by the number in the batch.
  struct BySample {
    void check() const {}
    void operator()(const guide::Pair<double>& p) const {
      for (double& v : p.c) v *= static_cast<double>(1 + p.sample);
    }
  };
  check(c | guide::ClassifierFree{u, BySample{}});

  Rng rng(1);
  const nn::UNet1d<double> net({.in = 1,
                                .width = 8,
                                .multipliers = {1},
                                .blocks = 1,
                                .groups = 2,
                                .zero_out = false,
                                .embedding = {.classes = 3, .vector = 2}},
                               rng);
  const NetworkDenoiser bound(net, predict::Velocity{}, cosine,
                              {.labels = labels, .vector = Rng(3).normal<double>({8, 2})});
  check(bound);
  check(bound.without_condition());
  check(bound | guide::ClassifierFree{bound.without_condition(), 2.0});
  // Levels for groups of elements.
  const auto by_group = [](const Tensor<double>& at, const Levels& l) {
    return affine(at, Tensor<double>(at.shape(), 1.0), 2 * at.dim(0),
                  [&](Index r) { return Mix{l[r].alpha, l[r].sigma}; });
  };
  CHECK(rows_of(by_group, some)(x.rows(picked), Levels(part(groups, 2), 2)) ==
        by_group(x, Levels(groups, 2)).rows(picked));
}

TEST_CASE("rows: the gradient of a denoiser asked whole is that of its rows",
          "[diffusion][denoiser][rows]") {
  const auto x = Rng(4).normal<double>({8, 3});
  const Level level = cosine.at(0.3);
  const auto twice = [](const Tensor<double>& x0) { return scale(2, x0); };
  const auto whole = pullback(apart, x, level, twice);
  const auto part = pullback(rows_of(apart, some), x.rows(picked), level, twice);
  CHECK(part.x0 == whole.x0.rows(picked));
  CHECK(part.gradient == whole.gradient.rows(picked));
}

TEST_CASE("rows: memories of a guidance and of a self-conditioned network stay with their samples",
          "[diffusion][denoiser][rows]") {
  // Runs between five levels: samples that have arrived wait, and must find their memory untouched.
  std::vector<guide::Momentum<float>> memories(9, guide::Momentum<float>(-0.5));
  const EachItsOwn u{std::vector<double>(8, 0.3), std::vector<double>(8, 2.0)};
  check_alone<float>(solver::AdaptiveDpm<2>{},
                     [&](Index b) {
                       const guide::WithMomentum rule(guide::Weight{1.5},
                                                      memories[static_cast<std::size_t>(b + 1)]);
                       return own(b) |
                              guide::ClassifierFree{b < 0 ? u : u.alone(b), guide::Rescaled(rule)};
                     },
                     five_levels, {1, 2});
  // Samples of different steepness arrive after different numbers of steps.
  std::set<Index> batches;
  const Alike net([&](const Tensor<float>& both, const Tensor<float>&) {
    batches.insert(both.dim(0));
    Tensor<float> x0({both.dim(0), 2});
    for (Index b = 0; b < both.dim(0); ++b)
      for (Index i = 0; i < 2; ++i) x0(b, i) = std::tanh(4 * both(b, i)) + 0.3f * both(b, i + 2);
    return x0;
  });
  std::vector<Tensor<float>> lasts(9);
  check_alone<float>(solver::AdaptiveDpm<2>{.rtol = 1e-3, .atol = 1e-3},
                     [&](Index b) {
                       return SelfConditioned(net, predict::X0{}, cosine,
                                              lasts[static_cast<std::size_t>(b + 1)]);
                     },
                     five_levels, {1, 2});
  CHECK(batches.size() > 2);  // 8, 1, and what is between
}

TEST_CASE("rows: says what does not fit", "[diffusion][denoiser][rows]") {
  const auto x = Rng(4).normal<double>({8, 3});
  const auto part = rows_of(apart, some);
  CHECK_THROWS_WITH(part(x, cosine.at(0.3)), "denoiser: asked about 3 samples with a state [8, 3]");
  const auto shrinks = [](const Tensor<double>& at, const Level&) { return at.rows(0, 2); };
  CHECK_THROWS_WITH(rows_of(shrinks, some)(x.rows(picked), cosine.at(0.3)),
                    "denoiser: returned [2, 3] for a state [8, 3]; the same shape is needed");
  const auto net = mlp<double>();
  const NetworkDenoiser bound(net, predict::Velocity{}, cosine, {.labels = labels});
  const std::vector<Index> outside{8};
  CHECK_THROWS_AS(bound.rows({outside, 9}), ArgumentError);
  CHECK_THROWS_AS(bound(Rng(1).normal<double>({5, 2}), cosine.at(0.3)), ShapeError);
  const auto dropping =
      bound.of(nn::WithCall(net, nn::Call(nn::DropoutNoise{.rng = Rng(1), .step = 0})));
  CHECK_THROWS_WITH(dropping.rows(some), "WithCall: some rows of a call with dropout");
}
