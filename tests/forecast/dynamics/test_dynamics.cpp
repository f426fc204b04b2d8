// Covers: block_diffusion direct dynamics/dyffusion interpolator networks stretches
#include "foglift/forecast/dynamics/block_diffusion.hpp"
#include "foglift/forecast/dynamics/direct.hpp"
#include "foglift/forecast/dynamics/dyffusion.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"
#include "support/catch.hpp"
#include "support/counted_new.hpp"

#include <array>
#include <cmath>
#include <numeric>
#include <thread>

using namespace foglift;
using namespace foglift::forecast;

namespace {

using Net = nn::Mlp<float>;

constexpr Index horizon = 4;
constexpr double turn = 0.3;  // radians a step

Tensor<float> turned(const Tensor<float>& x, double angle) {
  Tensor<float> out(x.shape());
  for (Index b = 0; b < x.dim(0); ++b) {
    const double u = static_cast<double>(x(b, 0)), v = static_cast<double>(x(b, 1));
    out(b, 0) = static_cast<float>(std::cos(angle) * u - std::sin(angle) * v);
    out(b, 1) = static_cast<float>(std::sin(angle) * u + std::cos(angle) * v);
  }
  return out;
}

/// Courses [count, steps + 1, 2] of points that turn.
Tensor<float> circles(Index count, Index steps) {
  Tensor<float> out({count, steps + 1, 2});
  const auto begin = Rng(1).normal<float>({count, 2});
  for (Index t = 0; t <= steps; ++t) {
    const auto x = turned(begin, turn * static_cast<double>(t));
    for (Index c = 0; c < count; ++c)
      for (Index d = 0; d < 2; ++d) out(c, t, d) = x(c, d);
  }
  return out;
}

double distance(const Tensor<float>& a, const Tensor<float>& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (Index i = 0; i < a.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return worst;
}

/// Step i of forecasts [B, horizon, 2].
Tensor<float> step_of(const Tensor<float>& forecast, Index i) {
  return slice(forecast, 1, i - 1, 1).reshaped({forecast.dim(0), 2});
}

/// The interpolator of rotations, as what Dyffusion takes for one.
struct ExactBetween {
  struct Options {
    Index horizon = 4;
  };
  Options own = {};
  const Options& options() const { return own; }
  Tensor<float> operator()(const Tensor<float>& last, const Tensor<float>& first,
                           const Levels& levels, const StepRng&) const {
    const double all = turn * static_cast<double>(horizon);
    return affine(first, last, [&](Index b) {
      return Mix{std::sin(all * levels[b].sigma) / std::sin(all),
                 std::sin(all * levels[b].alpha) / std::sin(all)};
    });
  }
  static void each(auto&, auto&&) {}
};
/// The same of straight ways.
struct StraightBetween : ExactBetween {
  Tensor<float> operator()(const Tensor<float>& last, const Tensor<float>& first,
                           const Levels& levels, const StepRng&) const {
    return affine(first, last, [&](Index b) { return Mix{levels[b].sigma, levels[b].alpha}; });
  }
};

/// A "network" of one function f(x, time).
template <Tensor<float> (*f)(const Tensor<float>&, const Tensor<float>&)>
struct OneFunction {
  struct Options {
    Index in = 1, out = 1;
  };
  OneFunction(const Options&, Rng&) {}
  Tensor<float> operator()(const Tensor<float>& x, const Tensor<float>& time,
                           const nn::Condition<float>& = {}, const nn::Call<>& = {}) const {
    return f(x, time);
  }
  static void each(auto&, auto&&) {}
};
Tensor<float> turned_to_the_end(const Tensor<float>& x, const Tensor<float>& time) {
  return turned(x, turn * 4 * static_cast<double>(time[0]));
}
Tensor<float> doubled(const Tensor<float>& x, const Tensor<float>&) { return x * 2.0; }
Tensor<float> what_it_is_told(const Tensor<float>& x, const Tensor<float>&) {
  return slice(x, -1, 2, 2);
}

template <class M>
void train_for(train::FitState<M, train::Adam<float>>& state, const Stretches& data, Index steps) {
  train::fit(state,
             [&](const M& model, Tape<float>& tape, const train::Examples& examples) {
               return model.loss(tape, data, examples, Rng(3));
             },
             {.examples = data.size(), .batch = 32, .shard = 32, .steps = steps});
}

/// The most that a training step holds at one time.
template <class M>
std::ptrdiff_t step_memory(const M& model, const Stretches& data) {
  std::ptrdiff_t most = 0;
  std::thread([&] {
    const int before = threads();
    set_threads(1);
    std::vector<Index> which(64);
    std::iota(which.begin(), which.end(), Index{0});
    most = counted::peak_of([&] {
      Tape<float> tape;
      const auto loss = model.loss(tape, data, {which, {.step = 0}}, Rng(1));
      const auto gradients = std::move(tape).backward(loss);
    });
    set_threads(before);
  }).join();
  return most;
}

}  // namespace

TEST_CASE("stretches: snapshots by number", "[forecast][dynamics]") {
  Tensor<float> courses({2, 5, 3, 1});
  std::iota(courses.begin(), courses.end(), 0.0F);
  const Stretches data(courses, 3);
  CHECK(data.size() == 4);
  CHECK(data.state() == Shape{3, 1});
  const std::vector<Index> which{3, 0}, steps{2, 1};
  // stretch 3 begins at snapshot 1 of course 1: values from 18 on
  CHECK(data.at(which, 0) == Tensor<float>({2, 3, 1}, {18, 19, 20, 0, 1, 2}));
  CHECK(data.at(which, steps) == Tensor<float>({2, 3, 1}, {24, 25, 26, 3, 4, 5}));
  CHECK_THROWS_AS(data.at(which, 4), ArgumentError);
  CHECK_THROWS_AS(data.at(std::vector<Index>{4}, 0), ArgumentError);
  CHECK_THROWS_AS(data.at(which, std::vector<Index>{1}), ShapeError);
  CHECK_THROWS_AS(Stretches(courses, 5), ArgumentError);
  CHECK_THROWS_AS(Stretches(courses, 0), ArgumentError);
  CHECK_THROWS_AS(Stretches(Tensor<float>({2, 5}), 1), ShapeError);
  ForecastCourse out({2, 3, 1}, 2);
  out.put(2, data.at(which, 0));
  CHECK_THROWS_AS(out.put(1, courses), ShapeError);
  CHECK(std::move(out).values() ==
        Tensor<float>({2, 2, 3, 1}, {0, 0, 0, 18, 19, 20, 0, 0, 0, 0, 1, 2}));
}

TEST_CASE("dyffusion: exact parts forecast every step, whatever the run", "[forecast][dynamics]") {
  Rng rng(1);
  using Model = Dyffusion<OneFunction<turned_to_the_end>, ExactBetween>;
  const ExactBetween between;
  const Model model({.extra = 2, .conditioning = Model::Conditioning::none, .channels = 2},
                    train::frozen(between), rng);
  CHECK(model.grid() == grid::dynamics(4, 2));
  const auto first = Rng(2).normal<float>({3, 2});
  const auto check = [&](const Model::Run& run) {
    const auto y = model.draw(first, rng, run);
    CHECK(y.shape() == Shape{3, 4, 2});
    for (Index i = 1; i <= 4; ++i)  // some roundings of numbers of size 2
      CHECK(distance(step_of(y, i), turned(first, turn * static_cast<double>(i))) < 2e-6);
  };
  check({});
  check({.cold = false});
  check({.one_mask = true});
  check({.refine = true});
  check({.grid = grid::dynamics(4)});
  check({.grid = grid::first_steps(model.grid(), 2)});  // steps 1, 2 and 3 are interpolated
}

TEST_CASE("dyffusion: states between can be refined by the last forecast", "[forecast][dynamics]") {
  // a network that says twice the state, straight ways, no correction: the states 1, 1 + 1/4 (2 -
  // 1), ... grow, and the refined ones lie on the straight way to the last of them
  Rng rng(1);
  const StraightBetween between;
  using Model = Dyffusion<OneFunction<doubled>, StraightBetween>;
  const Model model({.conditioning = Model::Conditioning::none, .channels = 2},
                    train::frozen(between), rng);
  const Tensor<float> first({1, 2}, 1.0F);
  const auto plain = model.draw(first, rng, {.cold = false});
  const auto refined = model.draw(first, rng, {.cold = false, .refine = true});
  double x = 1;
  for (int i = 1; i <= 4; ++i) {
    x = i < 4 ? 1 + i / 4.0 * (2 * x - 1) : 2 * x;
    CHECK_THAT(plain(0, i - 1, 0), Catch::Matchers::WithinAbs(x, 1e-6));
  }
  for (int i = 1; i <= 4; ++i)
    CHECK_THAT(refined(0, i - 1, 0), Catch::Matchers::WithinAbs(1 + i / 4.0 * (x - 1), 1e-6));
}

TEST_CASE("dyffusion: the condition goes from noise to the first snapshot",
          "[forecast][dynamics]") {
  // A network that says what it is told, and straight ways: without correction x_{i+1} is first +
  // (i + 1) / 4 (told_i - first), with told_i = s first + (1 - s) noise and s = 0, 1/3, 2/3, 1.
  Rng rng(1);
  const StraightBetween between;
  using Model = Dyffusion<OneFunction<what_it_is_told>, StraightBetween>;
  const Index n = 4000;
  const Tensor<float> first({n, 2}, 5.0F);
  const Model model({.conditioning = Model::Conditioning::data_and_noise, .channels = 2},
                    train::frozen(between), rng);
  const auto y = model.draw(first, rng, {.cold = false});
  for (Index i = 0; i < 4; ++i) {
    const double part = static_cast<double>(i + 1) / 4, s = static_cast<double>(i) / 3;
    double mean = 0, square = 0;
    const double count = 2 * static_cast<double>(n);
    for (Index b = 0; b < n; ++b)
      for (Index d = 0; d < 2; ++d) {
        const double told = 5 + (static_cast<double>(y(b, i, d)) - 5) / part;
        mean += told / count, square += told * told / count;
      }
    // 4 standard errors, of the mean and of the variance, and roundings of floats
    CHECK_THAT(mean, Catch::Matchers::WithinAbs(5 * s, 4 * (1 - s) / std::sqrt(count) + 1e-5));
    CHECK_THAT(square - mean * mean,
               Catch::Matchers::WithinAbs((1 - s) * (1 - s),
                                          4 * (1 - s) * (1 - s) * std::sqrt(2 / count) + 1e-4));
  }
  const Model plain({.channels = 2}, train::frozen(between), rng);
  CHECK(distance(plain.draw(first, rng), Tensor<float>({n, 4, 2}, 5.0F)) == 0);
}

TEST_CASE("dynamics: models learn to turn points", "[forecast][dynamics]") {
  const Stretches data(circles(100, 8), horizon);
  const Net::Options net{.width = 32, .depth = 2, .dropout = 0.02};
  Rng rng(7);
  const train::Adam<float> adam({.lr = 3e-3});
  const auto first = Rng(9).normal<float>({64, 2});
  const auto last = turned(first, turn * 4);
  const auto error = [&](const Tensor<float>& y) {
    CHECK(y.shape() == Shape{64, horizon, 2});
    return mse(step_of(y, horizon), last).item();
  };
  const float still = mse(first, last).item();

  train::FitState between(Interpolator<Net>({.horizon = horizon, .net = net, .channels = 2}, rng),
                          adam, 1);
  train_for(between, data, 400);
  const Interpolator<Net> trained = between.result();
  train::FitState own(Dyffusion<Net>({.net = {.width = 32, .depth = 2}, .channels = 2},
                                     train::frozen(trained), rng),
                      adam, 1);
  train_for(own, data, 400);
  const auto drawn = own.result().draw(first, Rng(4));
  CHECK(error(drawn) < 0.05F * still);
  // training left the interpolator as it was
  Index same = 0;
  nn::for_each_parameter(trained, [&](const std::string& name, const Parameter<float>& p) {
    nn::for_each_parameter(between.result(), [&](const std::string& other, const auto& q) {
      if (name == other) same += p.value == q.value;
    });
  });
  CHECK(same == 10);
  // shards are rows of one run
  CHECK(own.result().draw(first.rows(8, 5), Rng(4), {.first_sample = 8}) == drawn.rows(8, 5));

  train::FitState direct(
      DirectForecaster<Net>({.horizon = horizon, .net = net, .channels = 2}, rng), adam, 1);
  train_for(direct, data, 400);
  const auto at_once = direct.result().draw(first, Rng(4));
  CHECK(error(at_once) < 0.05F * still);
  CHECK(direct.result().draw(first.rows(8, 5), Rng(4), 8) == at_once.rows(8, 5));
  CHECK(distance(direct.result().draw(first, Rng(5)), at_once) > 1e-4);  // other masks

  train::FitState video(
      BlockDiffusion<Net>(
          {.horizon = horizon, .block = 2, .net = {.width = 64, .depth = 2}, .channels = 2}, rng),
      adam, 1);
  train_for(video, data, 800);
  const auto blocks = video.result().draw(first, Rng(4));
  CHECK(error(blocks) < 0.2F * still);
  CHECK(video.result().draw(first.rows(8, 5), Rng(4), 8) == blocks.rows(8, 5));
}

TEST_CASE("interpolator: dropout differs from sample to sample and from step to step",
          "[forecast][dynamics]") {
  Rng rng(1);
  const Interpolator<Net> between(
      {.horizon = 6, .net = {.width = 16, .dropout = 0.3}, .channels = 2}, rng);
  const Tensor<float> first({2, 2}, 1.0F), last({2, 2}, 2.0F);
  const Level level = grid::dynamic_level(3, 6);
  const auto x = between(last, first, level, StepRng(Rng(2), 0, 0));
  CHECK(distance(x.rows(0, 1), x.rows(1, 1)) > 0);
  CHECK(between(last, first, level, StepRng(Rng(2), 0, 0)) == x);
  CHECK(distance(between(last, first, level, StepRng(Rng(2), 0, 1)), x) > 0);
}

#ifdef COUNTS_ALLOCATIONS
TEST_CASE("dynamics: what a step of DYffusion holds does not grow with the horizon",
          "[forecast][dynamics]") {
  const auto measure = [](Index steps) {
    const Stretches data(Tensor<float>({8, 48, 256}), steps);
    Rng rng(1);
    const Net::Options net{.width = 32, .depth = 2, .dropout = 0.1};
    const Interpolator<Net> between({.horizon = steps, .net = net, .channels = 256}, rng);
    const Dyffusion<Net> model({.net = net, .channels = 256}, train::frozen(between), rng);
    const BlockDiffusion<Net> video({.horizon = steps, .block = steps, .net = net, .channels = 256},
                                    rng);
    return std::array{step_memory(between, data), step_memory(model, data),
                      step_memory(video, data)};
  };
  measure(4);  // what is made once
  const auto few = measure(4), many = measure(32);
  INFO("interpolator " << few[0] << ", " << many[0] << "; forecaster " << few[1] << ", " << many[1]
                       << "; all frames at once " << few[2] << ", " << many[2]);
  // the heap rounds each of some hundred blocks by what is left of it, up to 64 bytes; a single
  // frame of the batch takes 65,536
  CHECK(std::abs(many[0] - few[0]) < 8192);
  CHECK(std::abs(many[1] - few[1]) < 8192);
  CHECK(many[2] > 4 * few[2]);  // 33 frames in place of 5
}
#endif

TEST_CASE("dynamics: what can not be made is named", "[forecast][dynamics]") {
  Rng rng(1);
  CHECK_THROWS_AS(Interpolator<Net>({.horizon = 1}, rng), ArgumentError);
  CHECK_THROWS_AS(DirectForecaster<Net>({.horizon = 0}, rng), ArgumentError);
  CHECK_THROWS_AS(BlockDiffusion<Net>({.horizon = 6, .block = 4}, rng), ArgumentError);
  CHECK_THROWS_AS(BlockDiffusion<Net>({.sampling_steps = 0}, rng), ArgumentError);
  const Interpolator<Net> between({.horizon = 4}, rng);
  CHECK_THROWS_AS(
      Dyffusion<Net>({.extra = 3, .refined = grid::Refined::all}, train::frozen(between), rng),
      ArgumentError);
  const Stretches brief(Tensor<float>({2, 4, 1}), 3);
  Tape<float> tape;
  CHECK_THROWS_AS(between.loss(tape, brief, {std::vector<Index>{0}, {.step = 0}}, rng),
                  ArgumentError);
}
