// Covers: variance_denoiser
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/pullback.hpp"
#include "foglift/diffusion/variance_denoiser.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

const analytic::Mixture mixture({{0.3, {-1, 0.5}, 0.16}, {0.7, {1.5, -0.2}, 0.36}});
const Level asked[] = {{0.3, 0.9, 0.4}, {0.5, 1, 3}, {0.2, 0.8, 0.2}, {0.7, 0.05, 0.05}};

/// The perfect network of a parameterization: from its input, which must be x times scale(level),
/// and what it is told, which must be condition(level) of a level of the schedule.
template <class P, class S>
struct Perfect {
  P p;
  S s;
  double told_per_time;  // condition(level) = told_per_time * t
  Tensor<double> operator()(const Tensor<double>& input, const Tensor<double>& told) const {
    std::vector<Level> levels;
    for (const double c : told) levels.push_back(s.at(c / told_per_time));
    const auto x = scale(input, input.dim(0), [&](Index b) {
      return 1 / predict::input_scale(p, levels[static_cast<std::size_t>(b)]);
    });
    return predict::convert(predict::X0{}, p, x, mixture(x, levels), levels);
  }
};

/// [..., 2 C]: x beside its square.
struct WithSquare {
  template <Value X>
  X operator()(const X& x, const Tensor<scalar_of<X>>&) const {
    return concat({x, square(x)}, -1);
  }
};

}  // namespace

TEST_CASE("network denoiser: asks a preconditioned network in its own way",
          "[diffusion][denoiser]") {
  // Errors: 1e-13 in lambda by the inversion of the schedule, times quotients up to 60.
  const auto x = Rng(2).normal<double>({8, 2});
  const auto check = [&](auto p, double told_per_time) {
    const schedule::Linear s;
    const NetworkDenoiser d(Perfect<decltype(p), schedule::Linear>{p, s, told_per_time}, p, s);
    for (const Level& l : asked) {
      const auto x0 = d(x, l), exact = mixture(x, l);
      for (Index i = 0; i < 16; ++i) CHECK_THAT(x0[i], WithinAbs(exact[i], 1e-10));
    }
    const std::vector<Level> each{asked[0], asked[1], asked[2], asked[3],
                                  asked[3], asked[2], asked[1], asked[0]};
    const auto x0 = d(x, each), exact = mixture(x, each);
    for (Index i = 0; i < 16; ++i) CHECK_THAT(x0[i], WithinAbs(exact[i], 1e-10));
  };
  check(predict::VpNetwork{}, 999);
  const auto by_time = [](const Level& l) { return 7 * l.t; };
  check(predict::Conditioned(predict::Edm({.sigma_data = 0.8}), by_time), 7);
  check(predict::Conditioned(predict::VeNetwork{}, by_time), 7);
  check(predict::Conditioned(predict::FlowVelocity{}, by_time), 7);
  check(predict::Conditioned(predict::Score{}, by_time), 7);
}

TEST_CASE("network denoiser: an edm network sees unit variance and its own noise number",
          "[diffusion][denoiser]") {
  Tensor<double> input, told;
  const auto net = [&](const Tensor<double>& x, const Tensor<double>& c) {
    input = x;
    told = c;
    return x;
  };
  const NetworkDenoiser d(net, predict::Edm{}, schedule::Linear{});
  const Level l{0.5, 2, 1};  // sigma / alpha = 1/2, sigma_data = 1/2: c_in = sqrt(2)
  d(Tensor<double>({1, 2}, 3.0), l);
  CHECK_THAT(told.item(), WithinAbs(std::log(0.5) / 4, 1e-12));
  CHECK_THAT(input[0], WithinRel(3.0 / 2 * std::sqrt(2.0), 1e-12));
}

TEST_CASE("variance network: splits its channels into x0 and the variance head",
          "[diffusion][denoiser]") {
  const VarianceNetwork d(WithSquare{}, predict::X0{}, schedule::Linear{});
  static_assert(VarianceDenoiser<decltype(d), float> && BatchDenoiser<decltype(d), double> &&
                DifferentiableDenoiser<decltype(d), double>);
  static_assert(!VarianceDenoiser<analytic::Mixture>);
  const auto x = Rng(5).normal<double>({4, 3, 2});
  const Level l = schedule::Linear{}.at(0.4);
  const auto both = d.moments(x, l);
  const auto x0 = d(x, l);
  CHECK(both.x0 == x0);
  for (Index i = 0; i < x.size(); ++i) {
    CHECK_THAT(both.x0[i], WithinAbs(x[i], 1e-12));
    CHECK_THAT(both.v[i], WithinAbs(x[i] * x[i], 1e-12));
  }
  const auto pulled = pullback(d, x, l, [](const auto& at) { return at; });
  for (Index i = 0; i < x.size(); ++i) CHECK_THAT(pulled.gradient[i], WithinAbs(x[i], 1e-12));
  const VarianceNetwork single([](const Tensor<double>& at, const Tensor<double>&) { return at; },
                               predict::X0{}, schedule::Linear{});
  CHECK_THROWS_WITH(single(x, l),
                    "VarianceNetwork: the network returned [4, 3, 2] for a state [4, 3, 2]; twice "
                    "the channels are needed");
  CHECK_THROWS_AS(single.moments(x, l), ShapeError);
}
