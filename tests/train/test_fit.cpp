// Covers: fit shards validation
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/train/callbacks/every.hpp"
#include "foglift/train/callbacks/stop_when.hpp"
#include "foglift/train/callbacks/validation.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"
#include "foglift/train/rules/sgd.hpp"
#include "support/catch.hpp"
#include "train/curve.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

using namespace foglift;
using toy::Curve;
using toy::Series;
using State = train::FitState<Curve<float>, train::AdamW<float>>;

namespace {

State fresh(std::uint64_t seed = 9) {
  return State(Curve<float>(), train::AdamW({.lr = 0.02}), seed);
}

train::FitOptions options(Index steps) {
  return {.examples = 50,
          .batch = 16,
          .shard = 3,  // six shards, the last with one example
          .steps = steps,
          .rate = train::CosineRate{.steps = 40, .warm_up = 3},
          .clip = 0.5};
}

bool same(const State& a, const State& b) {
  bool slots = a.optimizer.slots.size() == b.optimizer.slots.size();
  for (std::size_t i = 0; slots && i < a.optimizer.slots.size(); ++i)
    slots = a.optimizer.slots[i].moments == b.optimizer.slots[i].moments &&
            a.optimizer.slots[i].updates == b.optimizer.slots[i].updates;
  return slots && toy::same(a.model, b.model) && toy::same(a.ema, b.ema) &&
         a.best.has_value() == b.best.has_value() && (!a.best || toy::same(*a.best, *b.best)) &&
         a.seed == b.seed && a.step == b.step && a.smoothed_loss == b.smoothed_loss &&
         a.best_metric == b.best_metric && a.best_step == b.best_step && a.misses == b.misses;
}

}  // namespace

TEST_CASE("fit: is the loop one would write by hand", "[train][fit]") {
  const Series<double> data(50);
  const auto loss = toy::squared_error(data);
  train::FitState state(Curve<double>(), train::Adam<double>({.lr = 0.02}), 9);
  std::vector<train::FitProgress> seen;
  train::FitOptions o = options(30);
  o.smoothing = 0.9;
  CHECK(train::fit(state, loss, o, [&](const auto& p) { seen.push_back(p); }) ==
        train::FitEnd::steps);

  Curve<double> net, ema;
  train::Adam<double> opt({.lr = 0.02});
  train::Shuffle batches(50, 16, 9);
  double smoothed = 0;
  REQUIRE(seen.size() == 30);
  // Sums of 16 terms in another order: 16 * 1e-16 relative; Adam divides by sqrt(v), which is not
  // small here, 30 steps: 1e-12 leaves two digits.
  const double eps = 1e-12;
  for (Index k = 0; k < 30; ++k) {
    Tape<double> tape;
    const std::vector<Index> batch = batches(k);
    const auto value = loss(net, tape, {.index = batch, .draws = {.step = k}});
    auto g = tape.backward(value);
    const double norm = train::clip_norm(net, g, 0.5);
    const double lr = 0.02 * train::CosineRate{.steps = 40, .warm_up = 3}(k);
    opt.step(net, g, lr);
    train::ema_update(
        ema, net,
        std::min(0.999, (1.0 + static_cast<double>(k)) / (10.0 + static_cast<double>(k))));
    smoothed = k == 0 ? value.value()[0] : 0.9 * smoothed + 0.1 * value.value()[0];
    const auto& p = seen[static_cast<std::size_t>(k)];
    CHECK(p.step == k + 1);
    CHECK(p.steps == 30);
    CHECK_THAT(p.loss, WithinAbs(value.value()[0], eps));
    CHECK_THAT(p.smoothed_loss, WithinAbs(smoothed, eps));
    CHECK_THAT(p.gradient_norm, WithinAbs(norm, eps));
    CHECK(p.learning_rate == lr);
    CHECK(!p.metric);
  }
  CHECK(seen.back().loss < 0.5 * seen.front().loss);
  for (Index j = 0; j < 6; ++j) {
    CHECK_THAT(state.model.u.value[j], WithinAbs(net.u.value[j], eps));
    CHECK_THAT(state.ema.v.value[j], WithinAbs(ema.v.value[j], eps));
  }
  CHECK(&state.result() == &state.ema);
}

TEST_CASE("fit: gives the same bits for any number of threads", "[train][fit]") {
  const int before = threads();
  const Series<float> data(50);
  for (const Index shard : {1, 3, 5, 16}) {  // 16, 6, 4 and 1 shards: more and fewer than threads
    std::vector<State> results;
    for (int n : {1, 2, 3, 4}) {
      set_threads(n);
      State state = fresh();
      auto o = options(12);
      o.shard = shard;
      train::fit(state, toy::squared_error(data), o);
      results.push_back(std::move(state));
    }
    for (const State& r : results) CHECK(same(r, results[0]));
  }
  set_threads(before);
}

TEST_CASE("fit: tells the loss who its examples are, and where in the whole batch",
          "[train][fit]") {
  const int before = threads();
  const Series<float> data(50);
  const auto inner = toy::squared_error(data);
  const auto drawn_times = [&](Index shard, int n) {
    set_threads(n);
    std::map<std::pair<Index, Index>, double> times;  // of (step, example)
    std::mutex mutex;
    const auto loss = [&](const Curve<float>& net, Tape<float>& tape, const train::Examples& e) {
      CHECK(e.draws.strata == 16);
      const auto t = draw_times(Times::stratified, Rng(5), std::ssize(e.index), e.draws);
      const std::lock_guard lock(mutex);
      for (std::size_t i = 0; i < t.size(); ++i) times[{e.draws.step, e.index[i]}] = t[i];
      return inner(net, tape, e);
    };
    auto o = options(12);
    o.examples = 48;  // whole batches an epoch: no example twice in one
    o.shard = shard;
    State state = fresh();
    train::fit(state, loss, o);
    return times;
  };
  const auto whole = drawn_times(16, 1);
  CHECK(drawn_times(3, 2) == whole);
  CHECK(drawn_times(1, 4) == whole);
  set_threads(before);
  train::Shuffle batches(48, 16, 9);
  for (Index step = 0; step < 12; ++step) {
    const std::vector<Index> batch = batches(step);
    const std::vector<std::uint64_t> samples(batch.begin(), batch.end());
    std::vector<double> t;
    for (const Index e : batch) t.push_back(whole.at({step, e}));
    std::sort(t.begin(), t.end());  // one in each sixteenth of the circle: no gap of two
    for (std::size_t i = 0; i + 1 < 16; ++i) CHECK(t[i + 1] - t[i] < 2.0 / 16);
    CHECK(t[0] + 1 - t[15] < 2.0 / 16);
    // The numbers are the examples', as a loss by hand would draw them.
    const auto own = draw_times(Times::uniform, Rng(5), 16, {.samples = samples, .step = step});
    const double shift = Rng(5).stream(1).uniform(0, static_cast<std::uint32_t>(step));
    const double first = own[0] / 16 + shift;
    CHECK_THAT(whole.at({step, batch[0]}), WithinAbs(first - std::floor(first), 1e-15));
  }
}

TEST_CASE("fit: a run ended anywhere and resumed ends in the same state", "[train][fit]") {
  const Series<float> data(50);
  const auto metric = [&](const Curve<float>& net) {
    return static_cast<double>(std::abs(net.u.value[0] - 1.3f));
  };
  const auto o = options(40);
  train::callback::Validation validation(metric, {.every = 5});
  State whole = fresh();
  train::fit(whole, toy::squared_error(data), o, validation);
  // 50 / 16: an epoch is no whole number of steps; 25 steps are 8 epochs.
  for (const Index at : {1, 5, 7, 25, 39}) {
    State state = fresh();
    const auto there = [&] { return state.step == at; };
    CHECK(train::fit(state, toy::squared_error(data), o, validation,
                     train::callback::StopWhen(there)) == train::FitEnd::stopped);
    CHECK(state.step == at);
    State resumed = state;  // another place in memory
    CHECK(train::fit(resumed, toy::squared_error(data), o, validation) == train::FitEnd::steps);
    CHECK(same(resumed, whole));
  }
}

TEST_CASE("fit: a network of real layers has the same bits for any threads and when resumed",
          "[train][fit]") {
  // Width 256 and shards of 32: a product has 2 M multiply-adds, enough for two threads of its own;
  // a batch of 96 is three shards, 160 five: fewer than the threads, which then share a product,
  // and more.
  using Net = nn::Mlp<float>;
  using NetState = train::FitState<Net, train::AdamW<float>>;
  const auto x = Rng(3).normal<float>({200, 8}), y = Rng(4).normal<float>({200, 8});
  const auto time = Rng(5).uniform<float>({200});
  const auto loss = [&](const Net& net, Tape<float>& tape, const train::Examples& examples) {
    const auto n = static_cast<Index>(examples.index.size());
    Tensor<float> in({n, 8}), out({n, 8}), at(Shape{n});
    for (Index i = 0; i < n; ++i) {
      const Index e = examples.index[static_cast<std::size_t>(i)];
      at[i] = time[e];
      for (Index c = 0; c < 8; ++c) in(i, c) = x(e, c), out(i, c) = y(e, c);
    }
    return mse(net(tape.constant(std::move(in)), at), out);
  };
  const auto make = [] {
    Rng rng(1);
    return NetState(Net({.in = 8, .width = 256, .depth = 2}, rng), train::AdamW({.lr = 1e-3}), 9);
  };
  const auto same_weights = [](Net& a, const Net& b) {
    bool equal = true;
    train::for_each_pair("test", a, b, [&](const std::string&, const auto& p, const auto& q) {
      equal = equal && p.value == q.value;
    });
    return equal;
  };
  const int before = threads();
  for (const Index batch : {96, 160}) {
    train::FitOptions o{.examples = 200, .batch = batch, .shard = 32, .steps = 4, .clip = 0.5};
    set_threads(1);
    NetState one = make();
    train::fit(one, loss, o);
    CHECK(!same_weights(one.model, make().model));
    for (const int n : {2, 3, 4}) {
      set_threads(n);
      NetState state = make();
      train::fit(state, loss, o, train::callback::StopWhen([&] { return state.step == 2; }));
      CHECK(state.step == 2);
      NetState resumed = state;
      train::fit(resumed, loss, o);
      CHECK(same_weights(resumed.model, one.model));
      CHECK(same_weights(resumed.ema, one.ema));
      CHECK(resumed.smoothed_loss == one.smoothed_loss);
    }
  }
  set_threads(before);
}

TEST_CASE("fit: early stopping keeps the weights of the best metric", "[train][fit]") {
  const Series<float> data(50);
  const std::array<double, 8> metrics{5, 4, 3, 3.5, 3, 3.1, 1, 1};
  std::size_t asked = 0;
  std::vector<Curve<float>> averages;
  std::vector<bool> best;
  State state = fresh();
  const auto run = [&] {
    const auto metric = [&](const Curve<float>& net) {
      averages.push_back(net);
      return metrics.at(asked++);
    };
    return train::fit(state, toy::squared_error(data), options(100),
                      train::callback::Validation(metric, {.every = 2, .patience = 3}),
                      [&](const train::FitProgress& p) {
                        CHECK(p.metric.has_value() == (p.step % 2 == 0));
                        if (p.metric) best.push_back(p.best);
                      });
  };
  CHECK(run() == train::FitEnd::patience);
  // The third is the best: 3.5, an equal 3 and 3.1 are three misses.
  CHECK(state.step == 12);
  CHECK(state.best_step == 6);
  CHECK(state.best_metric == 3);
  CHECK(best == std::vector<bool>{true, true, true, false, false, false});
  CHECK(toy::same(state.result(), averages[2]));
  CHECK(!toy::same(state.result(), state.ema));
  CHECK(run() == train::FitEnd::patience);  // and it stays ended
  CHECK(asked == 6);
}

TEST_CASE("fit: the last step is validated too", "[train][fit]") {
  const Series<float> data(50);
  std::vector<Index> at;
  State state = fresh();
  const auto metric = [&](const auto&) {
    at.push_back(state.step);
    return 1.0;
  };
  train::fit(state, toy::squared_error(data), options(7),
             train::callback::Validation(metric, {.every = 5}));
  CHECK(at == std::vector<Index>{5, 7});
}

TEST_CASE("fit: a loss that is not finite ends the run before the step", "[train][fit]") {
  Series<float> data(50);
  const State start = fresh();
  const Index bad = train::Shuffle(50, 16, 9)(2)[7];  // of the third of six shards: its batch 6..8
  data.y[static_cast<std::size_t>(bad)] = std::numeric_limits<float>::quiet_NaN();
  Index first = 0;  // the step that meets the example first
  for (bool found = false; !found; first += !found)
    for (const Index i : train::Shuffle(50, 16, 9)(first)) found = found || i == bad;

  State state = fresh(), expected = fresh();
  train::fit(expected, toy::squared_error(data), options(first));
  const auto run = [&] { train::fit(state, toy::squared_error(data), options(40)); };
  CHECK_THROWS_AS(run(), NumericError);
  CHECK(same(state, expected));
  CHECK_THROWS_WITH(run(), ContainsSubstring("step " + std::to_string(first) + ":"));
  CHECK_THROWS_WITH(run(), ContainsSubstring(std::to_string(bad)));
  CHECK(same(state, expected));
}

TEST_CASE("fit: a gradient that is not finite is named, with nothing changed", "[train][fit]") {
  const auto loss = [](const Curve<float>& net, Tape<float>& tape,
                       const train::Examples& examples) {
    const Index step = examples.draws.step;
    const auto u = tape.parameter(net.u), c = tape.parameter(net.c);
    return tape.record(Tensor<float>({}, 1.f), {u, c}, [=](const auto&, const auto& grad) {
      grad(u, Tensor<float>({6}, 0.1f));
      grad(c, Tensor<float>({6}, step < 4 ? 0.1f : std::numeric_limits<float>::infinity()));
    });
  };
  State state = fresh(), expected = fresh();
  train::fit(expected, loss, options(4));
  CHECK_THROWS_AS(train::fit(state, loss, options(9)), NumericError);
  CHECK(same(state, expected));
  CHECK_THROWS_WITH(train::fit(state, loss, options(9)),
                    ContainsSubstring("step 4") && ContainsSubstring("'c'"));
}

TEST_CASE("fit: a metric or rate that is not finite is an error", "[train][fit]") {
  const Series<float> data(50);
  auto o = options(10);
  o.rate = [](Index step) { return step < 3 ? 1.0 : std::nan(""); };
  State state = fresh();
  CHECK_THROWS_AS(train::fit(state, toy::squared_error(data), o), NumericError);
  CHECK(state.step == 3);
  train::callback::Validation validation([](const auto&) { return std::nan(""); }, {.every = 4});
  CHECK_THROWS_AS(train::fit(state, toy::squared_error(data), options(10), validation),
                  NumericError);
  CHECK(state.step == 4);
}

TEST_CASE("fit: checkpoints come at their steps with the state complete", "[train][fit]") {
  const Series<float> data(50);
  const auto o = options(10);
  std::vector<State> saved;
  State state = fresh();
  train::fit(state, toy::squared_error(data), o,
             train::callback::Every(4, [&](const State& s) { saved.push_back(s); }));
  REQUIRE(saved.size() == 2);
  CHECK(saved[0].step == 4);
  CHECK(saved[1].step == 8);
  train::fit(saved[0], toy::squared_error(data), o);
  CHECK(same(saved[0], state));
}

TEST_CASE("fit: a shard larger than any batch is one shard", "[train][fit]") {
  const Series<float> data(50);
  auto o = options(3), largest = o;
  o.shard = o.batch;
  largest.shard = std::numeric_limits<Index>::max();
  State a = fresh(), b = fresh();
  train::fit(a, toy::squared_error(data), o);
  train::fit(b, toy::squared_error(data), largest);
  CHECK(same(a, b));
}

TEST_CASE("fit: wrong options and losses are refused", "[train][fit]") {
  const Series<float> data(50);
  const auto loss = toy::squared_error(data);
  const auto refuses = [&](auto change) {
    auto o = options(3);
    change(o);
    State state = fresh();
    CHECK_THROWS_AS(train::fit(state, loss, o), ArgumentError);
    CHECK(state.step == 0);
  };
  refuses([](auto& o) { o.examples = 0; });
  refuses([](auto& o) { o.examples = Index{1} << 62; });
  refuses([](auto& o) { o.batch = 0; });
  refuses([](auto& o) { o.batch = std::numeric_limits<Index>::max(); });
  refuses([](auto& o) { o.shard = 0; });
  refuses([](auto& o) { o.steps = -1; });
  refuses([](auto& o) { o.clip = -1; });
  refuses([](auto& o) { o.smoothing = 1; });
  refuses([](auto& o) { o.ema = {.decay = 1.5, .warm_up = false}; });
  refuses([](auto& o) { o.ema.decay = std::nan(""); });

  CHECK_THROWS_AS(train::Shards<float>(2)(Curve<float>(), loss, {}, 0), ArgumentError);

  State state = fresh();
  const auto vector_loss = [](const Curve<float>& net, Tape<float>& tape, const train::Examples&) {
    return tape.parameter(net.u);
  };
  CHECK_THROWS_AS(train::fit(state, vector_loss, options(3)), ShapeError);
  Tape<float> elsewhere;
  const auto foreign = [&](const Curve<float>&, Tape<float>&, const train::Examples&) {
    return elsewhere.constant(Tensor<float>({}, 1.f));
  };
  auto one_shard = options(3);
  one_shard.shard = one_shard.batch;
  CHECK_THROWS_AS(train::fit(state, foreign, one_shard), ArgumentError);
  CHECK(state.step == 0);
}

#if defined(__SSE2__)
TEST_CASE("fit: flushes denormals in the step and nowhere else", "[train][fit]") {
  const auto flushed = [] { return (_mm_getcsr() & 0x8040u) == 0x8040u; };
  const Series<float> data(50);
  const auto inner = toy::squared_error(data);
  std::atomic<int> inside{0};
  const auto loss = [&](const Curve<float>& net, Tape<float>& tape,
                        const train::Examples& examples) {
    if (flushed()) ++inside;
    return inner(net, tape, examples);
  };
  State state = fresh();
  int outside = 0;
  const auto count = [&] { outside += flushed(); };
  const auto metric = [&](const auto&) {
    count();
    return 1.0;
  };
  const auto stop = [&] {
    count();
    return false;
  };
  train::fit(
      state, loss, options(2), [&](const auto&) { count(); },
      train::callback::Validation(metric, {.every = 1}), train::callback::StopWhen(stop));
  CHECK(inside == 12);  // six shards a step
  CHECK(outside == 0);
  CHECK(!flushed());
}
#endif
