// Covers: edit encode/encode invert_ddim
// Alone: it takes long to compile.
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/analytic/full_gaussian.hpp"
#include "foglift/diffusion/encode.hpp"
#include "foglift/diffusion/guidance/threshold.hpp"
#include "foglift/diffusion/solver/adaptive_dpm.hpp"
#include "foglift/diffusion/solver/adaptive_rk45.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/diffusion/solver/dpm_single.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/diffusion/verify/problem.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>

using namespace foglift;
using solver::DpmMulti, solver::DpmSingle, solver::Heun, solver::Prediction, solver::Weights;

namespace {

const analytic::Mixture mixture({{0.3, {-1}, 0.16}, {0.7, {1.5}, 0.36}});
const Tensor<double> data({4, 1}, {-1.3, -0.2, 0.6, 1.9});

TimeGrid grid_of(Index steps, verify::Family family = verify::Family::variance_preserving) {
  return verify::time_grid(family, verify::Spacing::log_snr, steps, 12, 0.08);
}

double distance(const Tensor<double>& a, const Tensor<double>& b) {
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

/// Falls of the error of an encoding, and of its decoding, as powers of two of the steps.
template <class S>
std::array<double, 2> slopes(S solver, verify::Family family) {
  const auto errors = [&](Index steps) {
    const TimeGrid g = grid_of(steps, family);
    const auto exact = verify::exact_flow(mixture, data, g.back(), g.front());
    const auto code = encode(solver, mixture, data, g);
    return std::array{distance(code, exact), distance(integrate(solver, mixture, code, g), data)};
  };
  const auto coarse = errors(160), fine = errors(320);
  return {std::log2(coarse[0] / fine[0]), std::log2(coarse[1] / fine[1])};
}

template <class S>
void check_slopes(S solver, int order, double slack) {
  for (const auto family : {verify::Family::variance_preserving, verify::Family::variance_exploding,
                            verify::Family::flow}) {
    const auto [there, back] = slopes(solver, family);
    CHECK(there > order - slack);
    CHECK(back > order - slack);
    if (order == 1) CHECK(back < 1.1);  // and no better: DDIM does not return
  }
}

/// x0 = gain x, by hand.
struct Linear {
  double gain;
  template <Scalar T>
  Tensor<T> operator()(const Tensor<T>& x, const Levels&) const {
    return affine(gain, x, 0, x);
  }
};

}  // namespace

TEST_CASE("encode: DDIM inversion and its return are of first order", "[diffusion][encode]") {
  check_slopes(DpmMulti<1>{}, 1, 0.1);
}

TEST_CASE("encode: second and third order solvers keep their order backwards",
          "[diffusion][encode]") {
  check_slopes(Heun{}, 2, 0.1);
  check_slopes(DpmMulti<2>{}, 2, 0.1);
  check_slopes(DpmMulti<2>{.prediction = Prediction::noise}, 2, 0.1);
  check_slopes(DpmMulti<2, Weights::bh1>{}, 2, 0.1);
  check_slopes(DpmMulti<2, Weights::bh1>{.prediction = Prediction::noise}, 2, 0.1);
  check_slopes(DpmMulti<3, Weights::exact>{}, 3, 0.3);
  check_slopes(DpmSingle<2>{}, 2, 0.1);
}

TEST_CASE("encode: one step is DDIM with its levels exchanged", "[diffusion][encode]") {
  // sigma' / sigma x + (alpha' - alpha sigma' / sigma) x0 with x0 asked at the cleaner level.
  const Level noisy{0.7, 0.3, 0.8}, clean{0.4, 0.8, 0.2};
  const auto code = encode(DpmMulti<1>{}, Linear{0.9}, data, {noisy, clean});
  for (Index i = 0; i < 4; ++i)
    CHECK_THAT(code[i], WithinAbs(4 * data[i] + (0.3 - 0.8 * 4) * 0.9 * data[i], 1e-13));
  // to pure noise: what is left of x when alpha x0 is taken out
  const Level pure{1, 0, 1};
  const auto noise = encode(DpmMulti<2>{}, Linear{0.9}, data, {pure, clean});
  for (Index i = 0; i < 4; ++i)
    CHECK_THAT(noise[i], WithinAbs(5 * (1 - 0.8 * 0.9) * data[i], 1e-13));
}

TEST_CASE("encode: adaptive solvers go there and back", "[diffusion][encode]") {
  const TimeGrid g = grid_of(1);
  const auto exact = verify::exact_flow(mixture, data, g.back(), g.front());
  const solver::AdaptiveRk45 rk45{.rtol = 1e-9, .atol = 1e-9};
  const auto code = encode(rk45, mixture, data, g);
  CHECK(distance(code, exact) < 1e-7);
  CHECK(distance(integrate(rk45, mixture, code, g), data) < 1e-7);
  const solver::AdaptiveDpm<3> dpm{.rtol = 1e-6, .atol = 1e-6};
  CHECK(distance(encode(dpm, mixture, data, g), exact) < 1e-4);
}

TEST_CASE("encode: refuses grids that end clean", "[diffusion][encode]") {
  const TimeGrid clean = grid::uniform(schedule::Linear{}, 5);
  CHECK_THROWS_AS(encode(Heun{}, mixture, data, clean), ArgumentError);
  CHECK_THROWS_AS(invert_ddim(mixture, data, clean), ArgumentError);
  TimeGrid upside = grid_of(4);
  std::reverse(upside.begin(), upside.end());
  CHECK_THROWS_AS(encode(Heun{}, mixture, data, upside), ArgumentError);
}

TEST_CASE("invert ddim: sampling returns the data to rounding", "[diffusion][encode]") {
  // Residuals of 64 roundings a step, stretched by the flow: 1e-10.
  for (const auto family : {verify::Family::variance_preserving, verify::Family::variance_exploding,
                            verify::Family::flow})
    for (const Index steps : {20, 100}) {
      const TimeGrid g = grid_of(steps, family);
      const auto code = invert_ddim(mixture, data, g);
      const auto back = sample_from(solver::Ddim{}, mixture, code, g, Rng(0));
      CHECK(distance(back, data) < 1e-10);
      // not so for the plain inversion
      const auto plain = encode(DpmMulti<1>{}, mixture, data, g);
      CHECK(distance(sample_from(solver::Ddim{}, mixture, plain, g, Rng(0)), data) > 1e-3);
    }
}

TEST_CASE("invert ddim: a linear step has a closed form", "[diffusion][encode]") {
  // Gaussian data of variance v: x0 = g x, y = (keep + pull g) x. Long steps, and from pure noise.
  const auto gaussian = analytic::gaussian({.mean = 0, .variance = 0.5});
  const Level clean{0.1, 0.99, 0.1};
  for (const Level noisy : {Level{0.5, 0.6, 0.8}, Level{1, 0.05, 0.999}, Level{1, 0, 1}}) {
    const double g =
        noisy.alpha * 0.5 / (noisy.alpha * noisy.alpha * 0.5 + noisy.sigma * noisy.sigma);
    const double keep = clean.sigma / noisy.sigma, pull = clean.alpha - noisy.alpha * keep;
    const auto x = invert_ddim(gaussian, data, {noisy, clean});
    for (Index i = 0; i < 4; ++i) CHECK_THAT(x[i], WithinRel(data[i] / (keep + pull * g), 1e-12));
  }
}

TEST_CASE("invert ddim: float states and companions", "[diffusion][encode]") {
  const TimeGrid g = grid_of(30);
  const auto all = invert_ddim(mixture, data, g);
  for (Index b = 0; b < 4; ++b) CHECK(invert_ddim(mixture, data.rows(b, 1), g) == all.rows(b, 1));
  const auto narrow = data.cast<float>();
  const auto back =
      sample_from(solver::Ddim{}, mixture, invert_ddim(mixture, narrow, g), g, Rng(0));
  for (Index i = 0; i < 4; ++i) CHECK_THAT(back[i], WithinAbs(narrow[i], 1e-3));
}

TEST_CASE("invert ddim: asks no more about samples that are done", "[diffusion][encode]") {
  Index rows = 0;
  const Alike counting([&](const Tensor<double>& x, const Level& level) {
    rows += x.dim(0);
    return mixture(x, level);
  });
  const TimeGrid g{{0.6, 0.6, 0.8}, {0.4, 0.8, 0.6}};
  const auto alone = [&](Index b) {
    rows = 0;
    invert_ddim(counting, data.rows(b, 1), g);
    return rows;
  };
  const Index sum = alone(0) + alone(1) + alone(2) + alone(3);
  rows = 0;
  invert_ddim(counting, data, g);
  CHECK(rows == sum);
}

TEST_CASE("invert ddim: steep denoisers on few steps", "[diffusion][encode]") {
  // Elements that depend on each other, and two modes, with steps of 1.25 and 0.84 in lambda, where
  // x <- F(x) itself does not converge.
  Tensor<double> C({3, 3}, {4, 1, 0, 1, 0.5, 0.1, 0, 0.1, 0.05});
  const analytic::FullGaussian wide({1, 0, -1}, C);
  const TimeGrid g = grid_of(4);
  const auto x = wide.draw({5, 3}, g.back(), Rng(3));
  CHECK(distance(sample_from(solver::Ddim{}, wide, invert_ddim(wide, x, g), g, Rng(0)), x) < 1e-10);
  const auto few = grid_of(6);
  const auto code = invert_ddim(mixture, data, few);
  CHECK(distance(sample_from(solver::Ddim{}, mixture, code, few, Rng(0)), data) < 1e-10);
}

TEST_CASE("invert ddim: says where it does not converge", "[diffusion][encode]") {
  // x0 = -30 x has a negative Jacobian, which no posterior mean has.
  CHECK_THROWS_AS(invert_ddim(Linear{-30}, data, {{0.6, 0.6, 0.8}, {0.4, 0.99, 0.1}}),
                  NumericError);
  CHECK_THROWS_AS(invert_ddim(mixture, data, grid_of(3), {.max_iterations = 1}), NumericError);
  CHECK_THROWS_AS(invert_ddim(mixture, data, grid_of(3), {.max_iterations = 0}), ArgumentError);
  CHECK_THROWS_AS(invert_ddim(mixture, data, grid_of(3), {.tolerance = -1}), ArgumentError);
}

TEST_CASE("edit: noise of the run at the level of the grid", "[diffusion][encode]") {
  // A denoiser that knows x0 = 0 and a step from (0.6, 0.8) to sigma = 0.2: x shrinks to a quarter.
  const TimeGrid g{{0.5, 0.6, 0.8}, {0.1, 0.98, 0.2}};
  const auto start = edit(solver::Ddim{}, Linear{0}, data, g, Rng(7), {.first_sample = 3});
  // sample() from pure noise of the same run, for the noise itself
  const TimeGrid pure{{1, 0, 1}, {0.1, 0.98, 0.2}};
  const auto noise =
      sample<double>(solver::Ddim{}, Linear{0}, {4, 1}, pure, Rng(7), {.first_sample = 3});
  for (Index i = 0; i < 4; ++i)
    CHECK_THAT(start[i], WithinAbs(0.25 * (0.6 * data[i] + 0.8 * noise[i] / 0.2), 1e-13));
  CHECK(edit(solver::Ddim{.eta = 1}, mixture, data, pure, Rng(7)) ==
        sample<double>(solver::Ddim{.eta = 1}, mixture, {4, 1}, pure, Rng(7)));
}

TEST_CASE("edit: little noise keeps the data and much forgets it", "[diffusion][encode]") {
  const schedule::Linear s;
  const auto moved = [&](double strength) {
    const auto y = edit(Heun{}, mixture, Tensor<double>({512, 1}, 1.2),
                        grid::uniform(s, 20, {.first = strength}), Rng(1));
    double mean = 0;
    for (const double v : y) mean += std::abs(v - 1.2) / 512;
    return mean;
  };
  CHECK(moved(0.02) < 0.1);
  CHECK(moved(1) > 0.8);
  CHECK(moved(0.02) < moved(0.3));
  CHECK(moved(0.3) < moved(1));
}

TEST_CASE("slerp: arcs of each sample", "[diffusion][encode]") {
  const Tensor<double> x({3, 2}, {2, 0, 1, 1, 0, 0}), y({3, 2}, {0, 2, 3, 3, 1, 2});
  const auto half = slerp(x, y, 0.5), third = slerp(x, y, 1.0 / 3);
  CHECK_THAT(half[0], WithinAbs(std::sqrt(2), 1e-14));  // a quarter turn, cut in two
  CHECK_THAT(half[1], WithinAbs(std::sqrt(2), 1e-14));
  CHECK_THAT(third[0], WithinAbs(2 * std::cos(std::acos(-1.0) / 6), 1e-14));
  CHECK_THAT(third[1], WithinAbs(1, 1e-14));
  CHECK_THAT(half[2], WithinAbs(2, 1e-12));  // parallel: straight
  CHECK_THAT(half[5], WithinAbs(1, 1e-14));  // from zero: straight
  CHECK(slerp(x, y, 0) == x);
  CHECK_THAT(slerp(x, y, 1)[1], WithinAbs(2, 1e-14));
  // An arc of angle w is turned by part w, however small: a chord is w^2 / 8 short of it in the
  // middle. Lengths between follow the straight line's weights, sin((1 - part) w) and sin(part w).
  for (const double w : {2.0, 0.5, 0.09, 1e-2, 1e-3, 1e-5})
    for (const double part : {0.5, 0.3}) {
      const Tensor<double> from({1, 2}, {3, 0}), to({1, 2}, {3 * std::cos(w), 3 * std::sin(w)}),
          far({1, 2}, {6 * std::cos(w), 6 * std::sin(w)});
      const auto z = slerp(from, to, part), grown = slerp(from, far, part);
      INFO(w << ' ' << part);
      CHECK_THAT(z[0], WithinAbs(3 * std::cos(part * w), 4e-15));
      CHECK_THAT(z[1], WithinRel(3 * std::sin(part * w), 1e-10));
      CHECK_THAT(grown[1] - z[1], WithinRel(3 * std::sin(part * w), 1e-10));
      CHECK_THAT(grown[0] - z[0],
                 WithinAbs(3 * std::sin(part * w) / std::sin(w) * std::cos(w), 1e-9));
    }
  CHECK_THROWS_AS(slerp(x, affine(-1, x, 0, x), 0.5), ArgumentError);
  CHECK_THROWS_AS(slerp(x, Tensor<double>({3, 1}), 0.5), ShapeError);
}

TEST_CASE("edit: a chain cut short contracts a guess by its flow", "[encode]") {
  // CCDF and ES-DDPM: two guesses that get the same noise end apart by alpha sqrt(v / (alpha^2 v +
  // sigma^2)) of what they were, for normal data of variance v.
  const auto law = analytic::gaussian({.mean = 0.3, .variance = 0.4});
  const auto guess = Rng(1).normal<double>({6, 2}), other = Rng(2).normal<double>({6, 2});
  double last = 1;
  for (const double first : {0.2, 0.5, 0.9}) {
    const auto grid = grid::uniform(schedule::Cosine{}, 400, {.first = first});
    const auto a = edit(solver::Heun{}, law, guess, grid, Rng(3));
    const auto b = edit(solver::Heun{}, law, other, grid, Rng(3));
    const Level l = grid.front();
    const double by = l.alpha * std::sqrt(0.4 / (l.alpha * l.alpha * 0.4 + l.sigma * l.sigma));
    for (Index i = 0; i < 12; ++i)
      CHECK_THAT(a[i] - b[i], WithinAbs(by * (guess[i] - other[i]), 1e-4));  // 400 steps of Heun
    CHECK(by < last);
    last = by;
  }
}
