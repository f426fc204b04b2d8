// Covers: denoiser
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/guidance/classifier_free.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <functional>

using namespace foglift;

namespace {

// Archetypes: the least that is a denoiser, and things that are not.
struct Least {
  Tensor<float> operator()(const Tensor<float>& x, const Level&) const { return x; }
};
struct NoLevel {
  Tensor<float> operator()(const Tensor<float>& x) const { return x; }
};
struct WrongResult {
  double operator()(const Tensor<float>&, const Level&) const { return 0; }
};
static_assert(Denoiser<Least> && !BatchDenoiser<Least> && !Denoiser<Least, double>);
static_assert(!Denoiser<NoLevel> && !Denoiser<WrongResult> && !Denoiser<int>);
static_assert(guide::Guidance<guide::ClassifierFree<Least>> && !guide::Guidance<Least>);

const analytic::Mixture mixture({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});

/// The perfect network of a parameterization and schedule for the mixture: what it would predict
/// from x at time t.
template <class P, class S>
struct Perfect {
  P p;
  S s;
  template <Scalar T>
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& time) const {
    std::vector<Level> levels;
    for (const T t : time) levels.push_back(s.at(static_cast<double>(t)));
    return predict::convert(predict::X0{}, p, x, mixture(x, levels), levels);
  }
};

const Level asked[] = {{0.3, 0.9, 0.4}, {0.5, 1, 3}, {0.2, 0.8, 0.2}, {0.7, 0.05, 0.05}};

}  // namespace

TEST_CASE("network denoiser: a perfect network is the exact denoiser at any level",
          "[diffusion][denoiser]") {
  // Levels are not of the schedule, nor variance preserving: the network's time is found by log-SNR
  // and x scaled. Error: eps / (d lambda / d time) ~ 1e-13 in lambda, times the quotient by alpha.
  const auto x = Rng(2).normal<double>({8, 1});
  const auto check = [&](auto p, auto s) {
    const NetworkDenoiser d(Perfect<decltype(p), decltype(s)>{p, s}, p, s);
    static_assert(BatchDenoiser<decltype(d), double> && BatchDenoiser<decltype(d), float>);
    for (const Level& l : asked) {
      const auto x0 = d(x, l), exact = mixture(x, l);
      for (Index i = 0; i < 8; ++i) CHECK_THAT(x0[i], WithinAbs(exact[i], 1e-10));
    }
  };
  const auto schedules = [&](auto p) {
    check(p, schedule::Linear{});
    check(p, schedule::ScaledLinear{});
    if constexpr (!std::same_as<decltype(p), predict::Epsilon>) check(p, schedule::Cosine{});
    check(p, DiscreteSchedule::linear(1000));
    check(p, DiscreteSchedule::cosine(20));
  };
  schedules(predict::Epsilon{});
  schedules(predict::X0{});
  schedules(predict::Velocity{});
}

TEST_CASE("network denoiser: one level for each sample", "[diffusion][denoiser]") {
  const Perfect<predict::Velocity, schedule::Cosine> net{};
  const NetworkDenoiser d(net, predict::Velocity{}, schedule::Cosine{});
  const std::vector<Level> each(std::begin(asked), std::end(asked));
  const auto x = Rng(3).normal<float>({4, 1});
  const auto all = d(x, each);
  for (Index b = 0; b < 4; ++b)
    CHECK(all.rows(b, 1) == d(x.rows(b, 1), each[static_cast<std::size_t>(b)]));
  CHECK_THROWS_AS(d(x.rows(0, 3), each), ShapeError);
}

TEST_CASE("network denoiser: asks the network at the schedule's times and ends",
          "[diffusion][denoiser]") {
  Tensor<float> seen;
  const auto net = [&](const Tensor<float>& x, const Tensor<float>& time) {
    seen = time;
    return x;
  };
  const schedule::Linear s;
  const NetworkDenoiser d(net, predict::Velocity{}, s);
  const Tensor<float> x({2, 3}, 1.f);
  for (const double t : {0.0, 0.01, 0.37, 1.0}) {
    d(x, s.at(t));
    CHECK(seen.shape() == Shape{2});
    CHECK_THAT(seen[1], WithinAbs(t, 1e-7));
  }
  for (const Level& end : {Level{1, 0, 1}, Level{0, 1, 0}}) {
    for (const float v : d(x, end)) CHECK(std::isfinite(v));
    CHECK(seen[0] == (end.sigma > 0 ? 1.f : 0.f));
  }
}

TEST_CASE("network denoiser: names a network that changes the shape", "[diffusion][denoiser]") {
  const NetworkDenoiser d(
      [](const Tensor<float>&, const Tensor<float>&) { return Tensor<float>({1}); }, predict::X0{},
      schedule::Linear{});
  CHECK_THROWS_WITH(d(Tensor<float>({2, 3}), Level{0.5, 0.8, 0.6}),
                    "NetworkDenoiser: the network returned [1] for a state [2, 3]; the same shape "
                    "is needed");
}

TEST_CASE("adapters: named networks are referred to, denoisers copied, temporaries kept",
          "[diffusion][denoiser]") {
  // A stateful network, changed after it was wrapped: only a reference sees the change.
  struct Scale {
    Tensor<float> factor;
    Tensor<float> operator()(const Tensor<float>& x, const Tensor<float>&) const {
      return affine(factor[0], x, 0, x);
    }
  };
  Scale net{Tensor<float>({1}, 2.f)};
  const NetworkDenoiser by_reference(net, predict::X0{}, schedule::Linear{});
  const NetworkDenoiser by_value(Scale{net}, predict::X0{}, schedule::Linear{});
  net.factor[0] = 3;
  const Tensor<float> x({1, 1}, 1.f);
  const Level l = schedule::Linear{}.at(0.5);
  CHECK(by_reference(x, l).item() == 3);
  CHECK(by_value(x, l).item() == 2);

  // A chain of temporaries lives on in its result (a dangling one would fail under a sanitizer).
  struct Constant {
    std::vector<float> value;
    Tensor<float> operator()(const Tensor<float>& x0, const Levels&) const {
      return Tensor<float>(x0.shape(), value[0]);
    }
  };
  const auto chain = [&] {
    return Constant{{1}} | guide::ClassifierFree{Constant{{2}}, 3.0} |
           guide::ClassifierFree{Constant{{5}}, 2.0};
  }();
  CHECK(chain(x, l).item() == 2 * (3 * 1 - 2 * 2) - 5);
  Constant named{{2}};
  const auto copied = Constant{{1}} | guide::ClassifierFree{named, 3.0};
  const auto referred = Constant{{1}} | guide::ClassifierFree{std::cref(named), 3.0};
  named.value[0] = 4;
  CHECK(copied(x, l).item() == 3 * 1 - 2 * 2);
  CHECK(referred(x, l).item() == 3 * 1 - 2 * 4);
}

TEST_CASE("classifier free: blends scores and stops at weights 0 and 1", "[diffusion][guidance]") {
  // Classes of one Gaussian each: the guided score is (1 - w) S_u + w S_c.
  const auto c = analytic::gaussian({.mean = 1.5, .variance = 0.36});
  const auto x = Rng(7).normal<double>({9, 1});
  for (const Level& l : {Level{0.5, 0.7, 0.7}, Level{0.1, 1, 0.1}, Level{0.3, 0.4, 2}})
    for (const double w : {0.0, 0.4, 1.0, 1.5, 7.0}) {
      const auto guided = c | guide::ClassifierFree{mixture, w};
      static_assert(BatchDenoiser<decltype(guided), double> && Denoiser<decltype(guided), float>);
      const auto x0 = guided(x, l), sc = c.score(x, l), su = mixture.score(x, l);
      for (Index i = 0; i < 9; ++i) {
        const double score = (l.alpha * x0[i] - x[i]) / (l.sigma * l.sigma);
        // digits lost in alpha x0 - x: (|x| + |x0|) w / sigma^2 <= 1e4 roundings
        CHECK_THAT(score, WithinAbs((1 - w) * su[i] + w * sc[i], 1e-10));
      }
      if (w == 1) CHECK(x0 == c(x, l));
      if (w == 0) CHECK(x0 == mixture(x, l));
    }
  const auto guided = c | guide::ClassifierFree{mixture, 5.0};
  for (const double v : guided(x, Level{1, 0, 1})) CHECK(std::isfinite(v));
  for (const double v : guided(x, Level{0, 1, 0})) CHECK(std::isfinite(v));
  CHECK_THROWS_AS((guide::ClassifierFree{mixture, std::nan("")}), ArgumentError);
}

TEST_CASE("classifier free: weight 1 never asks the unconditional model", "[diffusion][guidance]") {
  int asked_times = 0;
  const auto u = [&](const Tensor<float>& x, const Level&) {
    ++asked_times;
    return x;
  };
  const Level l{0.5, 0.7, 0.7};
  const auto off = Least{} | guide::ClassifierFree{u, 1.0};
  off(Tensor<float>({2, 2}), l);
  CHECK(asked_times == 0);
  const auto on = Least{} | guide::ClassifierFree{u, 2.0};
  on(Tensor<float>({2, 2}), l);
  CHECK(asked_times == 1);
}
