// Covers: budget callback description every fit interrupt log pace progress_line stop_when
//   validation
#include "foglift/train/callbacks/budget.hpp"
#include "foglift/train/callbacks/every.hpp"
#include "foglift/train/callbacks/log.hpp"
#include "foglift/train/callbacks/progress_line.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "foglift/train/callbacks/validation.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/interrupt.hpp"
#include "foglift/train/rules/adam.hpp"
#include "support/catch.hpp"
#include "train/curve.hpp"

#include <csignal>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace foglift;
using toy::Curve;
using toy::Series;
using train::FitProgress;
using State = train::FitState<Curve<float>, train::Adam<float>>;
namespace callback = train::callback;

namespace {

State fresh() { return State(Curve<float>(), train::Adam<float>({.lr = 0.02}), 9); }

template <class... On>
train::FitEnd run(State& state, Index steps, On&&... on) {
  static const Series<float> data(50);
  return train::fit(state, toy::squared_error(data), {.examples = 50, .batch = 16, .steps = steps},
                    on...);
}

/// A user's callback: remembers where it was called, and ends the run at a step.
struct Trace {
  std::string name;
  std::vector<std::string>* calls;
  Index end_at = -1;
  train::FitEnd end = train::FitEnd::stopped;

  std::optional<train::FitEnd> before_step(const State& state) const {
    calls->push_back(name + " before " + std::to_string(state.step));
    if (state.step == end_at) return end;
    return std::nullopt;
  }
  void after_step(const State& state, const FitProgress& p) const {
    CHECK(state.step == p.step);
    calls->push_back(name + " after " + std::to_string(p.step));
  }
};

/// A clock that a callback moves on: `first` seconds for the first step, then `each`.
struct Time {
  double now = 100, first = 5, each = 2;
  auto clock() {
    return [this] { return now; };
  }
  void operator()(const FitProgress& p) { now += p.step == 1 ? first : each; }
};

}  // namespace

TEST_CASE("callbacks: are asked and told in their order, and the first end counts",
          "[train][callback]") {
  std::vector<std::string> calls;
  State state = fresh();
  CHECK(run(state, 9, Trace{"a", &calls, 2, train::FitEnd::patience}, Trace{"b", &calls, 1}) ==
        train::FitEnd::stopped);
  CHECK(calls == std::vector<std::string>{"a before 0", "b before 0", "a after 1", "b after 1",
                                          "a before 1", "b before 1"});
  calls.clear();
  CHECK(run(state, 9, Trace{"a", &calls, 2, train::FitEnd::patience}, Trace{"b", &calls, 2}) ==
        train::FitEnd::patience);
  CHECK(calls == std::vector<std::string>{"a before 1", "b before 1", "a after 2", "b after 2",
                                          "a before 2"});
  calls.clear();
  CHECK(run(state, 2, Trace{"a", &calls}) == train::FitEnd::steps);  // nothing is left to ask about
  CHECK(calls.empty());
}

TEST_CASE("callbacks: any number changes no bit of a run, and an error leaves a complete state",
          "[train][callback]") {
  State plain = fresh(), watched = fresh(), failed = fresh();
  run(plain, 6);
  std::ostringstream out;
  Time time;
  run(watched, 6, time, callback::Log(out), callback::ProgressLine(out, time.clock()),
      callback::Every(2, [](const FitProgress&) {}), callback::Budget(time.clock(), 1e9));
  CHECK(toy::same(plain.model, watched.model));
  CHECK(toy::same(plain.ema, watched.ema));
  const auto fails = [](const FitProgress& p) {
    if (p.step == 4) throw std::runtime_error("disk full");
  };
  CHECK_THROWS_WITH(run(failed, 6, fails), "disk full");
  CHECK(failed.step == 4);
  run(failed, 6);
  CHECK(toy::same(plain.model, failed.model));
}

TEST_CASE("callbacks: a budget ends before the step that would not fit", "[train][callback]") {
  // 5 s for the first step, 2 s for each other: after k steps 3 + 2 k; another fits while 5 + 2 k
  // <= 16.
  for (const auto& [seconds, steps] : {std::pair{16.0, 6}, {16.9, 6}, {17.0, 7}}) {
    State state = fresh();
    Time time;
    CHECK(run(state, 90, time, callback::Budget(time.clock(), seconds)) == train::FitEnd::stopped);
    CHECK(state.step == steps);
  }
  CHECK_THROWS_AS(callback::Budget([] { return 0.0; }, -1), ArgumentError);
}

TEST_CASE("callbacks: the pace leaves the first step out", "[train][callback]") {
  State state = fresh();
  Time time;
  callback::Pace pace(time.clock());
  run(state, 1, time, pace);
  CHECK(pace.each() == 0);
  run(state, 7, time, pace);
  CHECK(pace.steps() == 7);
  CHECK(pace.seconds() == 17);
  CHECK(pace.each() == 2);
}

TEST_CASE("callbacks: the progress line says what is left", "[train][callback]") {
  State state = fresh();
  Time time;
  std::ostringstream out;
  run(state, 8, time, [](const FitProgress&) {}, callback::ProgressLine(out, time.clock(), 4));
  // Steps end at 5, 7, 9 ... 19 s; a line at most every 4 s, and at the end.
  std::vector<std::string> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) {
    const auto loss = line.find(", loss ");
    REQUIRE(loss != std::string::npos);
    const auto after = line.find(',', loss + 1);
    lines.push_back(line.substr(0, loss) + (after == std::string::npos ? "" : line.substr(after)));
  }
  CHECK(lines == std::vector<std::string>{"step 1 of 8", "step 3 of 8, 10 s left",
                                          "step 5 of 8, 6 s left", "step 7 of 8, 2 s left",
                                          "step 8 of 8, 0 s left"});
  CHECK_THROWS_AS(callback::ProgressLine(out, time.clock(), -1), ArgumentError);
}

TEST_CASE("callbacks: the log holds every number, and a resumed run goes on in it",
          "[train][callback]") {
  State whole = fresh(), part = fresh();
  std::ostringstream all, resumed;
  std::vector<FitProgress> seen;
  const auto metric = [](const Curve<float>& net) { return static_cast<double>(net.u.value[0]); };
  const auto go = [&](State& state, Index steps, std::ostream& out) {
    run(state, steps, callback::Validation(metric, {.every = 4}), callback::Log(out),
        [&](const FitProgress& p) { seen.push_back(p); });
  };
  go(part, 4, resumed), go(part, 8, resumed);
  seen.clear();
  go(whole, 8, all);
  CHECK(all.str() == resumed.str());
  std::istringstream in(all.str());
  std::string line;
  std::getline(in, line);
  CHECK(line == "step,loss,smoothed_loss,learning_rate,gradient_norm,metric");
  for (const FitProgress& p : seen) {
    REQUIRE(std::getline(in, line));
    std::replace(line.begin(), line.end(), ',', ' ');
    std::istringstream numbers(line);
    double step = 0, loss = 0, smoothed = 0, rate = 0, norm = 0, judged = 0;
    numbers >> step >> loss >> smoothed >> rate >> norm;
    CHECK(step == static_cast<double>(p.step));
    CHECK(loss == p.loss);
    CHECK(smoothed == p.smoothed_loss);
    CHECK(rate == p.learning_rate);
    CHECK(norm == p.gradient_norm);
    CHECK(static_cast<bool>(numbers >> judged) == p.metric.has_value());
    if (p.metric) CHECK(judged == *p.metric);
  }
  CHECK(seen[3].metric.has_value());
}

TEST_CASE("callbacks: every n-th step counts from the beginning of the whole run",
          "[train][callback]") {
  State state = fresh();
  std::vector<Index> steps;
  const auto go = [&](Index until) {
    run(state, until, callback::Every(3, [&](const State& s) { steps.push_back(s.step); }));
  };
  go(4), go(5), go(9);
  CHECK(steps == std::vector<Index>{3, 6, 9});
  CHECK_THROWS_AS(callback::Every(0, [](const FitProgress&) {}), ArgumentError);
  const auto metric = [](const Curve<float>&) { return 1.0; };
  CHECK_THROWS_AS(callback::Validation(metric, {.every = -1}), ArgumentError);
  CHECK_THROWS_AS(callback::Validation(metric, {.every = 1, .patience = -1}), ArgumentError);
  CHECK_THROWS_AS(callback::Validation(metric, {.patience = 3}), ArgumentError);
}

TEST_CASE("callbacks: a signal ends the run after its step", "[train][callback]") {
  State state = fresh();
  train::Interrupt interrupt;
  CHECK(run(state, 9, interrupt, [](const FitProgress& p) {
          if (p.step == 3) std::raise(SIGINT);
        }) == train::FitEnd::stopped);
  CHECK(state.step == 3);
  CHECK(interrupt.signal() == SIGINT);
}
