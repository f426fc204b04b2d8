// Covers: judge windows
#include "foglift/forecast/ensemble/judge.hpp"
#include "foglift/forecast/ensemble/windows.hpp"
#include "normal_paths.hpp"
#include "support/catch.hpp"

using namespace foglift;
using namespace foglift::forecast;

namespace {
// 6 early windows, 8 of validation, 4 of a backtest of two series with two turns.
const JudgedWindows windows{.early = 6,
                            .validation = 8,
                            .series = {0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1},
                            .turn = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1}};
std::vector<Tensor<double>> parts() {
  return {normal_of({18, 40, 3}, {0.3, 0.5}, 1), normal_of({18, 40, 3}, {-0.3, 0.5}, 2),
          normal_of({18, 40, 3}, {0, 0.4}, 3)};
}
const Tensor<double> actual = normal_of({18, 3}, {}, 4);
}  // namespace

TEST_CASE("judge: what a model says of windows that it was trained on is not read",
          "[forecast][judge]") {
  const auto before = judge(parts(), actual, windows);
  auto odd = parts();
  std::fill_n(odd[0].data(), 6 * 40 * 3, 1e9);
  const auto after = judge(odd, actual, windows);
  CHECK(before.chosen.weights == after.chosen.weights);
  CHECK(before.paths == after.paths);
  CHECK(before.stretch.factors == after.stretch.factors);
  CHECK(before.chosen.weights[0] > 0);
}

TEST_CASE("judge: a model counts as one part where nothing is known", "[forecast][judge]") {
  JudgeOptions o;
  o.weights.shares = {1, 0.1, 1};
  const auto blind = judge(parts(), Tensor<double>({18, 3}, NAN), windows, o).chosen.weights;
  CHECK_THAT(blind[0], WithinAbs(1 / 2.1, 1e-12));
  CHECK_THAT(blind[1], WithinAbs(0.1 / 2.1, 1e-12));
}

TEST_CASE("judge: a window knows those of earlier turns alone", "[forecast][judge]") {
  const auto before = judge(parts(), actual, windows);
  Tensor<double> other = actual;
  for (Index h = 0; h < 3; ++h) other(14, h) = 40;  // of turn 0, as window 16; 15 and 17 come later
  const auto after = judge(parts(), other, windows);
  CHECK(before.paths.rows(0, 1) == after.paths.rows(0, 1));
  CHECK(before.paths.rows(2, 1) == after.paths.rows(2, 1));
  CHECK_FALSE(before.paths.rows(1, 1) == after.paths.rows(1, 1));
  CHECK_FALSE(before.paths.rows(3, 1) == after.paths.rows(3, 1));
  CHECK(before.combined == after.combined);
  CHECK_FALSE(before.stretch.factors == after.stretch.factors);
}

TEST_CASE("judge: narrow parts are combined, then widened", "[forecast][judge]") {
  const auto all = judge(parts(), actual, windows);
  const Tensor<double> came = actual.rows(14, 4);
  CHECK(coverage(all.paths, came, 0.8) > coverage(all.combined, came, 0.8));
  for (const double f : all.stretch.factors) CHECK(f > 1.2);
  const auto plain = judge(parts(), actual, windows, {.combine = false, .calibrate = false});
  CHECK(plain.paths == plain.combined);
  CHECK(plain.stretch.factors.empty());
  CHECK(*std::max_element(plain.chosen.weights.begin(), plain.chosen.weights.end()) == 1);
  CHECK_THROWS_AS(judge(parts(), actual.rows(0, 17), windows), ShapeError);
}

TEST_CASE("windows: the backtest ends with the last value, and half of all values come before",
          "[forecast][windows]") {
  Series s{.name = "s", .time = {0, {.seconds = 60}}, .values = std::vector<double>(100, 1.0)};
  s.values.insert(s.values.end(), 5, NAN);
  s.values.insert(s.values.begin(), 3, NAN);
  const TrimmedPanel panel{Panel(std::span(&s, 1))};
  CHECK(panel[0].time.start == 180);
  const Windows w = Windows::of(panel, 5, 0);  // 100 / 25 windows
  CHECK(w.each == 4);
  CHECK(w.backtest == std::vector<Origin>{{0, 80}, {0, 85}, {0, 90}, {0, 95}});
  CHECK(w.cut == std::vector<Index>{80});
  REQUIRE(w.early.size() + w.validation.size() == 14);  // evenly over cells 40 to 80
  CHECK(w.early.front() == Origin{0, 40});
  CHECK(w.early.back().at < 60);
  CHECK(w.validation.back() == Origin{0, 75});
  for (const Origin& o : w.validation) CHECK(o.at >= 60);  // a validation as long as the backtest
  CHECK_THAT(w.independent, WithinAbs(40.0 / 5 / 14, 1e-12));
  CHECK(panel.there({0, 40}) == Origin{0, 43});
  CHECK(panel.here({0, 43}) == Origin{0, 40});
  CHECK_THROWS_AS(panel.here({0, 3}), ArgumentError);
  CHECK(Windows::of(panel, 60, 0).backtest.empty());
}
