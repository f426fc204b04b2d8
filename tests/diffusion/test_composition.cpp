#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/guidance.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/schedule/zero_terminal.hpp"
#include "foglift/diffusion/solvers.hpp"
#include "foglift/diffusion/verify/problem.hpp"
#include "support/catch.hpp"

#include <functional>
#include <string>

// Schedule, parameterization, solver, grid and guidance are independent arguments: a perfect
// network of any schedule and parameterization is the exact denoiser, and any solver walks any grid
// with it.

using namespace foglift;

namespace {

const analytic::Mixture data({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});
const Tensor<double> starts({4, 1}, {-1.8, -0.3, 0.4, 1.5});

/// Any denoiser, so that solvers are compiled once.
using AnyDenoiser = std::function<Tensor<double>(const Tensor<double>&, const Levels&)>;

/// What a network of a parameterization and a schedule predicts if it is perfect.
template <class P, class S>
AnyDenoiser perfect(P p, S s) {
  auto net = [p, s](const Tensor<double>& scaled, const Tensor<double>& noise) {
    std::vector<Level> levels;
    auto x = scaled;
    for (Index b = 0; b < x.size(); ++b) {
      // A parameterization with inputs of its own gets ln(sigma / alpha) / 4 for the time.
      Level l = s.at(0.5);
      if constexpr (requires { p.condition(l); })
        l = s.at(s.time(-4 * noise[b]));
      else
        l = s.at(noise[b]);
      if constexpr (requires { p.scale(l); }) x[b] /= p.scale(l);
      levels.push_back(l);
    }
    return predict::convert(predict::X0{}, p, x, data(x, levels), levels);
  };
  return NetworkDenoiser(std::move(net), p, s);
}

template <class S>
void for_each_parameterization(const S& s,
                               const std::function<void(const char*, const AnyDenoiser&)>& f) {
  if constexpr (!detail::reaches_pure_noise<S>) {
    f("epsilon", perfect(predict::Epsilon{}, s));
    f("score", perfect(predict::Score{}, s));
  }
  f("x0", perfect(predict::X0{}, s));
  f("velocity", perfect(predict::Velocity{}, s));
  f("flow velocity", perfect(predict::FlowVelocity{}, s));
  f("edm", perfect(predict::Edm({.sigma_data = 1.3}), s));
}

void for_each_schedule(const std::function<void(const char*, const std::function<TimeGrid(Index)>&,
                                                const char*, const AnyDenoiser&)>& f) {
  const auto each = [&](const char* name, const auto& s) {
    const auto levels = [s](Index n) {
      return grid::log_snr(s, n, {.min = 0.08, .max = 12, .end = grid::Last::keep});
    };
    for_each_parameterization(s,
                              [&](const char* p, const AnyDenoiser& d) { f(name, levels, p, d); });
  };
  each("linear", schedule::Linear{});
  each("cosine", schedule::Cosine{});
  each("sigmoid", schedule::Sigmoid{});
  each("laplace", schedule::Laplace(schedule::LaplaceCurve({.scale = 2})));
  each("chain", DiscreteSchedule::linear(1000));
  each("zero terminal", schedule::ZeroTerminalSnr(DiscreteSchedule::scaled_linear(1000)));
  each("sub-vp", schedule::SubVariancePreserving{});
  each("geometric", schedule::Geometric{});
  each("edm", schedule::Edm{});
  each("flow", schedule::Flow{});
  each("shifted flow", schedule::Shifted(schedule::Flow{}, 3));
  each("trigonometric", schedule::Trigonometric{});
}

template <class S>
Tensor<double> ends(const S& solver, const AnyDenoiser& d, const TimeGrid& g) {
  auto x = starts;
  for (double& v : x) v *= g.front().alpha * 4;
  x = integrate(solver, d, std::move(x), g);
  for (double& v : x) v /= g.back().alpha;
  return x;
}

double distance(const Tensor<double>& a, const Tensor<double>& b) {
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

}  // namespace

TEST_CASE("composition: a solver's result is the same for every schedule and parameterization",
          "[diffusion][composition]") {
  // z = x / alpha at the end depends on the ratios of the grid alone. A network's time is found by
  // its log-SNR, to some 1e-12, and a network of eps near the data loses a few digits more.
  const auto flow = [](const Tensor<double>& x, const Levels& l) { return data(x, l); };
  const auto reference_grid =
      grid::log_snr(schedule::Edm{}, 12, {.min = 0.08, .max = 12, .end = grid::Last::keep});
  const auto check = [&](const auto& solver) {
    const auto expected = ends(solver, flow, reference_grid);
    for_each_schedule([&](const char* s, const auto& levels, const char* p, const AnyDenoiser& d) {
      INFO(std::remove_cvref_t<decltype(solver)>::name << ", " << s << ", " << p);
      CHECK(distance(ends(solver, d, levels(12)), expected) < 1e-7);
    });
  };
  check(solver::Euler{});
  check(solver::Heun{});
  check(solver::Dpm2{});
  check(solver::DpmSingle<3>{});
  check(solver::DpmMulti<2>{});
  check(solver::UniPc<2>{});
  check(solver::Deis<3>{});
  check(solver::Lms<4>{});
  check(solver::Pndm{});
}

TEST_CASE("composition: all solvers of high order reach the same end", "[diffusion][composition]") {
  const auto g =
      grid::log_snr(schedule::Linear{}, 200, {.min = 0.08, .max = 12, .end = grid::Last::keep});
  auto x = starts;
  for (double& v : x) v *= g.front().alpha * 4;
  auto exact = verify::exact_flow(data, x, g.front(), g.back());
  for (double& v : exact) v /= g.back().alpha;
  const AnyDenoiser d = perfect(predict::Velocity{}, schedule::Cosine{});
  // Errors of 200 steps of h = 1/40: h^3 times derivatives of some tens.
  CHECK(distance(ends(solver::DpmSingle<3>{}, d, g), exact) < 1e-5);
  CHECK(distance(ends(solver::DpmMulti<3, solver::Weights::exact>{}, d, g), exact) < 1e-5);
  CHECK(distance(ends(solver::UniPc<3>{}, d, g), exact) < 1e-5);
  CHECK(distance(ends(solver::Deis<3>{}, d, g), exact) < 3e-5);
  CHECK(distance(ends(solver::Lms<4>{}, d, g), exact) < 1e-5);
  CHECK(distance(ends(solver::AdaptiveRk45{.rtol = 1e-9, .atol = 1e-9}, d, g), exact) < 1e-7);
}

TEST_CASE("composition: guidance of any solver on any process", "[diffusion][composition]") {
  // Guided to weight 1 nothing changes; a clip of samples that never leave the range changes
  // nothing.
  const AnyDenoiser d = perfect(predict::Velocity{}, schedule::Flow{});
  const auto other = analytic::gaussian({.mean = 0, .variance = 2});
  const auto g = grid::uniform(schedule::Flow{}, 9);
  const auto check = [&](const auto& solver) {
    const auto plain = sample<double>(solver, d, {5, 1}, g, Rng(3));
    const auto same = sample<double>(
        solver, d | guide::ClassifierFree{other, 1.0} | guide::Clip{.lo = -50, .hi = 50}, {5, 1}, g,
        Rng(3));
    const auto sharper =
        sample<double>(solver, d | guide::ClassifierFree{other, 2.0}, {5, 1}, g, Rng(3));
    CHECK(same == plain);
    CHECK_FALSE(sharper == plain);
    for (const double v : sharper) CHECK(std::isfinite(v));
  };
  check(solver::Ddpm{});
  check(solver::DpmMulti<2>{});
  check(solver::SdeDpmMulti<2>{});
  check(solver::UniPc<2>{});
  check(solver::Dpm2Ancestral{});
  check(solver::SaSolver<2, 2>{});
}
