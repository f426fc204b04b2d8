// Covers: cold corruption/batch loss/batch restore
#include "foglift/diffusion/corruption/cold.hpp"
#include "foglift/diffusion/grid.hpp"
#include "foglift/diffusion/restore.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <numbers>
#include <vector>

using namespace foglift;

namespace {

using Update = corruption::Cold<double, int>::Update;

/// A blur of samples as rings of n numbers, linear in them: 16 times the way to the neighbours'
/// mean, each of the length t / 2.
struct RingBlur {
  static constexpr int times = 16;
  Tensor<double> operator()(Tensor<double> x, const Levels& levels) const {
    const Index n = x.row_size();
    for (Index b = 0; b < x.dim(0); ++b) {
      const double by = levels[b].t / 4;
      for (int k = 0; k < times; ++k) {
        const Tensor<double> last = x.rows(b, 1);
        for (Index i = 0; i < n; ++i)
          x(b, i) += by * (last[(i + 1) % n] + last[(i + n - 1) % n] - 2 * last[i]);
      }
    }
    return x;
  }
};

/// D(x, t) = x + t e for one e (Bansal et al. 2022, section 3.2).
struct Linear {
  Tensor<double> e;
  Tensor<double> operator()(const Tensor<double>& x, const Levels& levels) const {
    return affine(x, e, [&](Index b) { return Mix{1, levels[b].t}; });
  }
};

const TimeGrid grid10 = grid::uniform(schedule::Flow{}, 10);
const Level most = grid10.front();

template <class C>
C with(C cold, Update update) {
  cold.update = static_cast<typename C::Update>(update);
  return cold;
}

double distance(const Tensor<double>& a, const Tensor<double>& b) {
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

}  // namespace

TEST_CASE("cold: both updates land on the data with the exact estimate", "[corruption][cold]") {
  const auto clean = Rng(1).normal<double>({3, 8});
  const auto exact = [&](const Tensor<double>&, const Level&) { return clean; };
  const auto blur = corruption::cold<double>(RingBlur{});
  const auto x = blur.corrupt(clean, most, StepRng(Rng(1), 0, 0));
  REQUIRE(distance(x, clean) > 0.5);
  CHECK(restore_from(with(blur, Update::naive), exact, x, grid10, Rng(1)) == clean);
  // ten additions and subtractions of numbers of size 4
  CHECK(distance(restore_from(blur, exact, x, grid10, Rng(1)), clean) < 10 * 4 * 1.2e-16 * 2);
}

TEST_CASE("cold: with D(x, s) = x + s e any estimate lands on the data", "[corruption][cold]") {
  const auto clean = Rng(1).normal<double>({3, 8}), e = Rng(2).normal<double>({3, 8});
  const auto cold = corruption::cold<double>(Linear{e});
  const auto x = cold.corrupt(clean, most, StepRng(Rng(1), 0, 0));
  // an estimator that knows nothing
  const auto wrong = [](const Tensor<double>& at, const Level& level) {
    return scale(3 + level.t, at);
  };
  CHECK(distance(restore_from(cold, wrong, x, grid10, Rng(1)), clean) < 1e-13);
  CHECK(distance(restore_from(with(cold, Update::naive), wrong, x, grid10, Rng(1)), clean) > 1);
}

TEST_CASE("cold: an error counts by what the degradation changes in it", "[corruption][cold]") {
  // With the estimate x0 + d in every step and a linear D_s, algorithm 1 ends d off, and algorithm
  // 2 by the sum of (D_to - D_from) d, which is (1 - D_most) d.
  const auto clean = Rng(1).normal<double>({1, 8});
  const auto blur = corruption::cold<double>(RingBlur{});
  const auto x = blur.corrupt(clean, most, StepRng(Rng(1), 0, 0));
  const auto off = [&](const Tensor<double>& d, Update update) {
    const auto estimate = [&](const Tensor<double>&, const Level&) {
      return affine(1, clean, 1, d);
    };
    return affine(1, restore_from(with(blur, update), estimate, x, grid10, Rng(1)), -1, clean);
  };
  Tensor<double> slow({1, 8}), fast({1, 8});
  for (Index i = 0; i < 8; ++i) {
    slow[i] = std::cos(std::numbers::pi / 4 * static_cast<double>(i));
    fast[i] = i % 2 ? -1 : 1;
  }
  for (const Tensor<double>& d : {slow, fast}) {
    CHECK(distance(off(d, Update::naive), d) < 1e-13);
    const auto left = affine(1, d, -1, RingBlur{}(d, most));
    CHECK(distance(off(d, Update::cold), left) < 1e-13);
  }
  // a slow error is what a blur hardly changes: (1 - 0.25 (2 - 2 cos(pi / 4)))^16 = 0.08 is left of
  // it
  CHECK_THAT(off(slow, Update::cold)[0],
             Catch::Matchers::WithinAbs(
                 1 - std::pow(1 - 0.5 + 0.5 * std::cos(std::numbers::pi / 4), 16), 1e-12));
}

TEST_CASE("cold: an estimator from the state itself does better by algorithm 2",
          "[corruption][cold]") {
  // Their claim (section 3.3): errors of an estimator that was trained and is not exact add up in
  // algorithm 1, and not in algorithm 2. This one inverts the blur to first order.
  const auto clean = Rng(1).normal<double>({4, 8});
  const auto blur = corruption::cold<double>(RingBlur{});
  const auto x = blur.corrupt(clean, Level{0.3, 0.7, 0.3}, StepRng(Rng(1), 0, 0));
  TimeGrid grid;
  for (int i = 0; i <= 20; ++i) {
    const double t = 0.3 * (20 - i) / 20;
    grid.push_back({t, 1 - t, t});
  }
  const auto sharpen = [](const Tensor<double>& at, const Level& level) {
    const Tensor<double> again = RingBlur{}(at, level);
    return affine(2, at, -1, again);
  };
  const double naive =
      distance(restore_from(with(blur, Update::naive), sharpen, x, grid, Rng(1)), clean);
  const double cold = distance(restore_from(blur, sharpen, x, grid, Rng(1)), clean);
  INFO("naive " << naive << ", cold " << cold << ", blurred " << distance(x, clean));
  CHECK(naive > distance(x, clean));
  CHECK(cold < distance(x, clean));
}

TEST_CASE("cold: training sees the degraded data, and priors begin runs", "[corruption][cold]") {
  const auto clean = Rng(1).normal<double>({3, 8});
  const auto blur = corruption::cold<double>(RingBlur{});
  const CorruptedBatch batch(blur, clean, schedule::Flow{}, Rng(1), {.step = 0});
  for (Index b = 0; b < 3; ++b)
    CHECK(batch.x.rows(b, 1) ==
          RingBlur{}(clean.rows(b, 1), batch.levels[static_cast<std::size_t>(b)]));
  CHECK(blur.loss(batch.clean, batch).item() == 0);

  const auto exact = [&](const Tensor<double>&, const Level&) { return clean; };
  CHECK_THROWS_AS(restore(blur, exact, {3, 8}, grid10, Rng(1)), ArgumentError);
  const auto even = [](const Shape& shape, const Level&, const StepRng& rng) {
    Tensor<double> x(shape);
    const auto mean = rng.normal<double>({shape[0], 1});
    for (Index i = 0; i < x.size(); ++i) x[i] = mean[i / x.row_size()];
    return x;
  };
  const auto begun = corruption::cold<double>(RingBlur{}, even);
  CHECK(restore(begun, exact, {3, 8}, grid10, Rng(1)).shape() == Shape{3, 8});
  CHECK(restore(with(begun, Update::naive), exact, {3, 8}, grid10, Rng(1)) == clean);
  const auto narrow = [](const Tensor<double>&, const Level&) { return Tensor<double>({3, 4}); };
  CHECK_THROWS_AS(restore(begun, narrow, {3, 8}, grid10, Rng(1)), ShapeError);
}
