// Covers: corruption/batch loss/batch mask ops/loss piecewise restore
#include "foglift/autograd/tape.hpp"
#include "foglift/diffusion/corruption.hpp"
#include "foglift/diffusion/density/piecewise.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/restore.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "support/catch.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <vector>

using namespace foglift;

namespace {

using corruption::Mask;
const Mask<double> mask{.classes = 3};

using Law = std::array<std::array<double, 4>, 4>;  // of two places of three classes, 3: masked

/// Data in which the two places depend on each other, and some pairs never are.
const Law data{{{0.30, 0.05, 0.05}, {0.02, 0.25, 0.03}, {0.10, 0.00, 0.20}}};

double at(const Law& law, Index a, Index b) {
  return law[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)];
}

/// p(place k = c | the other place is `other`, 3: not known).
double conditional(int k, Index c, Index other) {
  double mine = 0, all = 0;
  for (Index j = 0; j < 3; ++j)
    for (Index o = 0; o < 3; ++o) {
      if (other != 3 && o != other) continue;
      const double p = k == 0 ? at(data, j, o) : at(data, o, j);
      all += p;
      if (j == c) mine += p;
    }
  return mine / all;
}

/// The exact predictor: logits of each place given the other, unless that is masked. (A pair that
/// the data never are is met where both places come back in one step.)
Tensor<double> exact(const Tensor<Index>& x, const Level&) {
  Tensor<double> logits({x.dim(0), 2, 3});
  for (Index b = 0; b < x.dim(0); ++b)
    for (int k = 0; k < 2; ++k)
      for (Index c = 0; c < 3; ++c) logits(b, k, c) = std::log(conditional(k, c, x(b, 1 - k)));
  return logits;
}

/// One step of D3PM's reverse chain by its definition (Austin et al. 2021, eqs. 3 and 4): a place
/// goes from c to d by the sum over x0 of p(x0 | x) q(d | c, x0), where q(d | c, x0) is
/// proportional to Q(d -> c) Q_to(x0 -> d), with the absorbing matrices Q of one step and Q_to of
/// all before.
Law step(const Law& before, double alpha_from, double alpha_to) {
  const auto q = [](Index i, Index j, double kept) {
    if (i == 3) return j == 3 ? 1.0 : 0.0;
    return j == i ? kept : j == 3 ? 1 - kept : 0.0;
  };
  const double one = alpha_from / alpha_to;
  const auto place = [&](int k, Index c, Index d, Index other) {
    double sum = 0;
    for (Index x0 = 0; x0 < 3; ++x0) {
      const double known = c == 3 ? conditional(k, x0, other) : (x0 == c ? 1.0 : 0.0);
      double total = 0;
      for (Index e = 0; e < 4; ++e) total += q(e, c, one) * q(x0, e, alpha_to);
      if (known > 0) sum += known * q(d, c, one) * q(x0, d, alpha_to) / total;
    }
    return sum;
  };
  Law after{};
  for (Index a = 0; a < 4; ++a)
    for (Index b = 0; b < 4; ++b) {
      if (at(before, a, b) == 0) continue;
      for (Index c = 0; c < 4; ++c)
        for (Index d = 0; d < 4; ++d)
          after[static_cast<std::size_t>(c)][static_cast<std::size_t>(d)] +=
              at(before, a, b) * place(0, a, c, b) * place(1, b, d, a);
    }
  return after;
}

/// The law after all steps of a grid, from masks alone.
Law chain(const TimeGrid& grid) {
  Law p{};
  p[3][3] = 1;
  for (std::size_t i = 0; i + 1 < grid.size(); ++i) p = step(p, grid[i].alpha, grid[i + 1].alpha);
  return p;
}

struct ChiSquare {
  double value = 0;
  int cells = 0;
};
/// Of counts of pairs against a law; what can not be must not have been.
ChiSquare chi_square(const Tensor<Index>& x, const Law& expected) {
  std::map<std::pair<Index, Index>, double> count;
  for (Index b = 0; b < x.dim(0); ++b) ++count[{x(b, 0), x(b, 1)}];
  ChiSquare out;
  for (Index a = 0; a < 4; ++a)
    for (Index b = 0; b < 4; ++b) {
      const double n = at(expected, a, b) * static_cast<double>(x.dim(0)), found = count[{a, b}];
      if (n < 1e-9) {
        CHECK(found == 0);
      } else {
        out.value += (found - n) * (found - n) / n;
        ++out.cells;
      }
    }
  return out;
}

}  // namespace

TEST_CASE("mask: runs have the law of D3PM's reverse chain, exactly", "[corruption][mask]") {
  const auto check = [](const TimeGrid& grid) {
    const auto chi = chi_square(restore(mask, exact, {40'000, 2}, grid, Rng(3)), chain(grid));
    INFO("chi-square " << chi.value);
    CHECK(chi.cells == 9);
    CHECK(chi.value < 26.1);  // 8 degrees of freedom: one seed in a thousand is beyond
  };
  check(grid::uniform(schedule::Flow{}, 3));
  check(grid::uniform(schedule::Cosine{}, 5));
  check(grid::uniform(schedule::Flow{}, 40));
  // half way, where masks are a class of their own
  const TimeGrid half{{1, 0, 1}, {0.7, 0.3, 0.7}, {0.4, 0.6, 0.4}};
  const auto chi = chi_square(restore(mask, exact, {40'000, 2}, half, Rng(4)), chain(half));
  CHECK(chi.cells == 16);
  CHECK(chi.value < 37.7);  // 15 degrees of freedom
}

TEST_CASE("mask: the law of the data is reached at first order", "[corruption][mask]") {
  const auto off = [](Index steps) {
    const Law p = chain(grid::uniform(schedule::Flow{}, steps));
    double sum = 0;
    for (Index a = 0; a < 3; ++a)
      for (Index b = 0; b < 3; ++b) sum += std::abs(at(p, a, b) - at(data, a, b));
    return sum;
  };
  CHECK_THAT(off(50) / off(100), Catch::Matchers::WithinAbs(2, 0.05));
  // One place at a time is exact: both are never masked in one step. Place 0 first, then place 1.
  const auto first = [](const Tensor<Index>& x, const Level& level) { return exact(x, level); };
  const TimeGrid one{{1, 0, 1}, grid::clean};
  Tensor<Index> x({40'000, 2}, 3);
  for (Index k = 0; k < 2; ++k) {
    const auto y = restore_from(mask, first, x, one, Rng(6).stream(static_cast<std::uint64_t>(k)));
    for (Index b = 0; b < x.dim(0); ++b) x(b, k) = y(b, k);
  }
  const auto chi = chi_square(x, data);
  CHECK(chi.cells == 8);
  CHECK(chi.value < 24.3);  // 7 degrees of freedom
}

TEST_CASE("mask: places that came back stay, and shards are rows of one run",
          "[corruption][mask]") {
  const TimeGrid grid = grid::uniform(schedule::Flow{}, 7);
  const auto all = restore(mask, exact, {50, 2}, grid, Rng(3));
  CHECK(all.rows(20, 30) == restore(mask, exact, {30, 2}, grid, Rng(3), {.first_sample = 20}));
  Tensor<Index> last({50, 2}, mask.mask());
  restore(mask, exact, {50, 2}, grid, Rng(3), {},
          [&](const StateView<Tensor<Index>, Tensor<double>>& view) {
            for (Index i = 0; i < last.size(); ++i)
              if (last[i] != 3) CHECK(view.x[i] == last[i]);
            last = view.x;
          });
  CHECK(last == all);
  for (const Index c : all) CHECK((c >= 0 && c < 3));
}

TEST_CASE("mask: a place is kept with the probability alpha", "[corruption][mask]") {
  const Index n = 30'000;
  const std::vector<Level> levels{{0.2, 0.8, 0.2}, {0.9, 0.1, 0.9}};
  const auto x = mask.corrupt(Tensor<Index>({2, n}, 1), levels, StepRng(Rng(1), 0, 0));
  for (Index b = 0; b < 2; ++b) {
    double kept = 0, masked = 0;
    for (Index i = 0; i < n; ++i) {
      kept += x(b, i) == 1;
      masked += x(b, i) == 3;
    }
    const double alpha = levels[static_cast<std::size_t>(b)].alpha,
                 error = std::sqrt(alpha * (1 - alpha) / static_cast<double>(n));
    CHECK(kept + masked == static_cast<double>(n));
    CHECK_THAT(kept / static_cast<double>(n), Catch::Matchers::WithinAbs(alpha, 4 * error));
  }
}

TEST_CASE("mask: the loss of the exact predictor is the entropy of the data",
          "[corruption][mask][loss]") {
  // The bound of Sahoo et al. 2024, eq. 10, is tight for the exact predictor: for each place half
  // of the entropy of the pair, whatever the schedule.
  double entropy = 0;
  std::vector<Index> pairs;  // a hundred
  for (Index a = 0; a < 3; ++a)
    for (Index b = 0; b < 3; ++b) {
      const double p = at(data, a, b);
      if (p > 0) entropy -= p * std::log(p);
      for (int i = 0; i < static_cast<int>(std::lround(100 * p)); ++i)
        pairs.insert(pairs.end(), {a, b});
    }
  const Tensor<Index> hundred({100, 2}, pairs);
  const auto measure = [&](const auto& schedule, const LevelOptions& options) {
    const int steps = 400;
    double sum = 0, square = 0;
    for (int i = 0; i < steps; ++i) {
      const CorruptedBatch batch(mask, hundred, schedule, Rng(8), {.step = i}, options);
      const double loss = mask.loss(exact(batch.x, {}), batch).item();
      sum += loss / steps;
      square += loss * loss / steps;
    }
    const double error = std::sqrt((square - sum * sum) / steps);
    INFO(sum << " +- " << error << " for " << entropy / 2);
    CHECK(error < 0.02);
    CHECK(std::abs(sum - entropy / 2) < 4 * error);
  };
  measure(schedule::Flow{}, {});
  measure(schedule::Cosine{}, {});
  measure(schedule::Flow{}, {.density = density::Piecewise({2, 1, 1}), .reweight = true});
}

TEST_CASE("mask: the gradient of the loss is its derivative", "[corruption][mask][loss]") {
  const Tensor<Index> clean({2, 3}, {0, 1, 2, 2, 1, 0});
  const CorruptedBatch batch(mask, clean, schedule::Flow{}, Rng(2), {.step = 1});
  Index masked = 0;
  for (const Index c : batch.x) masked += c == 3;
  REQUIRE((masked > 0 && masked < 6));
  const auto logits = Rng(3).normal<double>({2, 3, 3});
  Tape<double> tape;
  const auto v = tape.variable(logits);
  const auto gradients = tape.backward(mask.loss(v, batch));
  const Tensor<double>& gradient = gradients[v];
  for (Index i = 0; i < logits.size(); ++i) {
    const auto moved = [&](double by) {
      auto there = logits;
      there[i] += by;
      return mask.loss(there, batch).item();
    };
    const double h = 1e-5, slope = (moved(h) - moved(-h)) / (2 * h);
    // central differences: h^2 times third derivatives of order 10, and roundings of 1e-15 / h
    CHECK_THAT(gradient[i], Catch::Matchers::WithinAbs(slope, 1e-8));
    if (batch.x[i / 3] != 3) CHECK(gradient[i] == 0);
  }
}

TEST_CASE("mask: what it can not take is named", "[corruption][mask]") {
  const StepRng noise(Rng(1), 0, 0);
  const Level half{0.5, 0.5, 0.5}, clean = grid::clean;
  CHECK_THROWS_WITH(mask.corrupt(Tensor<Index>({1, 1}, 3), half, noise),
                    ContainsSubstring("class 3 among 3"));
  CHECK_THROWS_AS(mask.corrupt(Tensor<Index>({1, 1}), Level{0.5, 1.5, 1}, noise), ArgumentError);
  const Tensor<Index> x({1, 2}, 3);
  const Tensor<double> logits({1, 2, 3});
  CHECK_THROWS_AS(mask.back(x, Tensor<double>({1, 2, 2}), half, clean, noise), ShapeError);
  CHECK_THROWS_AS(mask.back(x, logits, clean, half, noise), ArgumentError);
  CHECK_THROWS_AS(mask.back(Tensor<Index>({1, 2}, 4), logits, half, clean, noise), ArgumentError);
  const Tensor<double> nan({1, 2, 3}, std::numeric_limits<double>::quiet_NaN()),
      never({1, 2, 3}, -std::numeric_limits<double>::infinity());
  CHECK_THROWS_AS(mask.back(x, nan, half, clean, noise), NumericError);
  CHECK_THROWS_AS(mask.back(x, never, half, clean, noise), NumericError);
}
