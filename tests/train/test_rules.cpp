// Covers: clip denormals ema gradient_blocks lr_schedule shuffle
#include "foglift/core/parallel.hpp"
#include "foglift/core/rng.hpp"
#include "foglift/train/clip.hpp"
#include "foglift/train/denormals.hpp"
#include "foglift/train/ema.hpp"
#include "foglift/train/lr_schedule.hpp"
#include "foglift/train/shuffle.hpp"
#include "support/catch.hpp"
#include "train/toy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace foglift;

static_assert(train::LearningRate<train::ConstantRate> && train::LearningRate<train::WarmUpRate> &&
              train::LearningRate<train::CosineRate> && !train::LearningRate<train::Shuffle>);

namespace {
struct Many {
  std::vector<toy::Pair<float>> layers;
  static void each(auto& self, auto&& f) { f("layers", self.layers); }
};
}  // namespace

TEST_CASE("ema: of a constant model it follows the geometric closed form", "[train][ema]") {
  // e_n = w + decay^n (e_0 - w).
  const auto model = toy::make_pair<double>(1);
  const auto start = toy::make_pair<double>(2);
  auto ema = start;
  for (int n = 0; n < 30; ++n) train::ema_update(ema, model, 0.9);
  for (Index i = 0; i < 7; ++i) {
    const double w = model.b.value[i], expected = w + std::pow(0.9, 30) * (start.b.value[i] - w);
    CHECK_THAT(ema.b.value[i], WithinAbs(expected, 1e-14));
  }
  train::ema_update(ema, model, 0);
  CHECK_THAT(ema.a.value[3], WithinAbs(model.a.value[3], 1e-15));
}

TEST_CASE("ema: the warm-up of the decay by hand", "[train][ema]") {
  const train::EmaDecay decay{.decay = 0.99};
  CHECK(decay(0) == 0.1);
  CHECK(decay(8) == 0.5);
  CHECK(decay(890) == 0.99);  // 891 / 900 = 0.99
  CHECK(decay(100'000) == 0.99);
  CHECK(train::EmaDecay{.decay = 0.99, .warm_up = false}(0) == 0.99);
}

TEST_CASE("ema: models built differently are refused and left alone", "[train][ema]") {
  auto ema = toy::make_pair<float>(1);
  const auto before = ema;
  CHECK_THROWS_AS(train::ema_update(ema, toy::make_pair<float>(2, {3, 5}, {8}), 0.5), ShapeError);
  CHECK_THROWS_AS(train::ema_update(ema, toy::make_pair<float>(2), 1.5), ArgumentError);
  CHECK_THROWS_AS(train::ema_update(ema, toy::make_pair<float>(2), std::nan("")), ArgumentError);
  CHECK(ema.a.value == before.a.value);

  Many one{{toy::make_pair<float>(1)}};
  const Many two{{toy::make_pair<float>(1), toy::make_pair<float>(2)}};
  Many more = two;
  CHECK_THROWS_WITH(train::ema_update(one, two, 0.5), ContainsSubstring("layers.1.a"));
  CHECK_THROWS_WITH(train::ema_update(more, one, 0.5), ContainsSubstring("layers.1.a"));
}

TEST_CASE("clip: norm and scaling of gradients known by hand", "[train][clip]") {
  const auto model = toy::make_pair<double>(1, {2}, {1});
  auto g = toy::gradients(model, Tensor<double>({2}, {3, 4}), Tensor<double>({1}, {12}));
  CHECK(train::global_norm(model, g) == 13);
  CHECK(train::clip_norm(model, g, 13) == 13);
  CHECK(g[model.a][0] == 3);
  CHECK(train::clip_norm(model, g, 6.5) == 13);
  CHECK(g[model.a][0] == 1.5);
  CHECK(g[model.a][1] == 2);
  CHECK(g[model.b][0] == 6);
  CHECK(train::global_norm(model, Gradients<double>()) == 0);
  CHECK_THROWS_AS(train::clip_norm(model, g, 0), ArgumentError);
}

TEST_CASE("clip: the norm of floats is exact where float sums are not", "[train][clip]") {
  // 2^24 + 1 ones: a float sum stops at 2^24. sqrt(2^24 + 1 + 0) = 4096.0001220703...
  const Index n = (Index{1} << 24) + 1;
  const toy::Pair<float> model{Parameter<float>(Tensor<float>({n})), {}};
  Gradients<float> g;
  g.add(model.a, Tensor<float>({n}, 1.f));
  CHECK(train::global_norm(model, g) == std::sqrt(static_cast<double>(n)));
}

TEST_CASE("clip: sizes around the unrolled eight", "[train][clip]") {
  for (Index n : {0, 1, 7, 8, 9, 15, 16, 17}) {
    const auto model = toy::make_pair<double>(1, {n}, {1});
    Gradients<double> g;
    Tensor<double> da({n});
    double sum = 0;  // integers: exact in any order
    for (Index i = 0; i < n; ++i) {
      da[i] = static_cast<double>(i + 1);
      sum += da[i] * da[i];
    }
    g.add(model.a, da);
    CHECK(train::global_norm(model, g) == std::sqrt(sum));
  }
}

TEST_CASE("clip: the same bits for any number of threads", "[train][clip]") {
  // Several blocks of elements_per_thread, one of them cut short, in tensors that begin within one.
  const auto model =
      toy::make_pair<float>(1, {3 * elements_per_thread + 5}, {2 * elements_per_thread});
  const auto gradients = [&] {
    return toy::gradients(model, Rng(2).normal<float>(model.a.value.shape()),
                          Rng(3).normal<float>(model.b.value.shape()));
  };
  // In long double with one sum: an oracle of another order.
  long double sum = 0;
  auto expected = gradients();
  for (const auto* p : {&model.a, &model.b})
    for (const float v : expected[*p]) sum += static_cast<long double>(v) * v;
  // n terms of a sum in double, each of which is exact: at most n epsilon, n the additions in a
  // row.
  const auto norm = static_cast<double>(std::sqrt(sum));
  const double n = elements_per_thread / 8.0 + 3 + 6;
  const int before = threads();
  double first = 0;
  for (const int count : {1, 2, 3, 8}) {
    set_threads(count);
    auto g = gradients();
    const double found = train::clip_norm(model, g, 1.0);
    CHECK_THAT(found, WithinAbs(norm, norm * n * 0x1p-53));
    if (count == 1) first = found;
    CHECK(found == first);
    const auto factor = static_cast<float>(1.0 / first);
    for (const auto* p : {&model.a, &model.b}) {
      Tensor<float> scaled = expected[*p];
      for (float& v : scaled) v *= factor;
      CHECK(g[*p] == scaled);
    }
  }
  set_threads(before);
}

TEST_CASE("clip: an infinite gradient is named and nothing is scaled", "[train][clip]") {
  const auto model = toy::make_pair<float>(1, {2}, {1});
  auto g = toy::gradients(model, Tensor<float>({2}, {3, 4}),
                          Tensor<float>({1}, {std::numeric_limits<float>::infinity()}));
  CHECK_THROWS_AS(train::clip_norm(model, g, 1), NumericError);
  CHECK_THROWS_WITH(train::clip_norm(model, g, 1), ContainsSubstring("inner.b"));
  CHECK(g[model.a][0] == 3);
}

TEST_CASE("learning rate: warm-up and cosine by hand", "[train][rate]") {
  CHECK(train::ConstantRate{}(12) == 1);
  const train::WarmUpRate warm{.warm_up = 4};
  CHECK(warm(0) == 0.25);
  CHECK(warm(2) == 0.75);
  CHECK(warm(3) == 1);
  CHECK(warm(1000) == 1);
  CHECK(train::WarmUpRate{}(0) == 1);
  const train::CosineRate cosine{.steps = 104, .warm_up = 4, .floor = 0.2};
  CHECK(cosine(0) == 0.25);
  CHECK(cosine(4) == 1);
  // Half way: floor + (1 - floor) / 2; a third: cos(pi / 3) = 1/2, so floor + 3/4 (1 - floor).
  CHECK_THAT(cosine(54), WithinAbs(0.6, 1e-15));
  CHECK_THAT((train::CosineRate{.steps = 99}(33)), WithinAbs(0.75, 1e-15));
  CHECK(cosine(104) == 0.2);
  CHECK(cosine(1000) == 0.2);
}

TEST_CASE("shuffle: every epoch visits every example once, in an order of its own",
          "[train][shuffle]") {
  // 100 examples, batches of 25: four steps an epoch.
  train::Shuffle batches(100, 25, 7);
  std::vector<std::vector<Index>> epochs;
  for (Index epoch = 0; epoch < 3; ++epoch) {
    std::vector<Index> seen;
    for (Index k = 0; k < 4; ++k)
      for (Index i : batches(4 * epoch + k)) seen.push_back(i);
    epochs.push_back(seen);
    std::sort(seen.begin(), seen.end());
    for (Index i = 0; i < 100; ++i) REQUIRE(seen[static_cast<std::size_t>(i)] == i);
  }
  CHECK(epochs[0] != epochs[1]);
  CHECK(epochs[1] != epochs[2]);
  CHECK(train::Shuffle(100, 100, 8)(0) != epochs[0]);
}

TEST_CASE("shuffle: a batch follows from its step alone", "[train][shuffle]") {
  // 10 examples in batches of 4: step 2 spans two epochs. Also batches larger than the set.
  for (Index batch : {4, 10, 23}) {
    train::Shuffle forward(10, batch, 3);
    std::vector<std::vector<Index>> in_order;
    for (Index k = 0; k < 12; ++k) in_order.push_back(forward(k));
    for (Index k = 11; k >= 0; --k) {
      CHECK(train::Shuffle(10, batch, 3)(k) == in_order[static_cast<std::size_t>(k)]);
      CHECK(forward(k) == in_order[static_cast<std::size_t>(k)]);
    }
  }
  CHECK_THROWS_AS(train::Shuffle(0, 1, 0), ArgumentError);
  CHECK_THROWS_AS(train::Shuffle(1, 0, 0), ArgumentError);
  CHECK_THROWS_AS(train::Shuffle(1, 1, 0)(-1), ArgumentError);
  constexpr Index largest = std::numeric_limits<Index>::max();
  CHECK_THROWS_AS(train::Shuffle(largest, 1, 0), ArgumentError);
  CHECK_THROWS_AS(train::Shuffle(Index{1} << 62, 1, 0), ArgumentError);
  CHECK_THROWS_AS(train::Shuffle(1, largest, 0), ArgumentError);
  CHECK_THROWS_AS(train::Shuffle(3, 2, 0)(largest), ArgumentError);
  CHECK_THROWS_AS(train::Shuffle(3, 2, 0)(largest / 2), ArgumentError);
}

TEST_CASE("shuffle: every order of three examples is as likely", "[train][shuffle]") {
  // 6000 epochs, 6 orders: counts 1000 +- 29 (sqrt(6000 * 1/6 * 5/6)); 5 sigma = 145.
  train::Shuffle batches(3, 3, 11);
  std::vector<int> count(27);
  for (Index k = 0; k < 6000; ++k) {
    const auto p = batches(k);
    ++count[static_cast<std::size_t>(9 * p[0] + 3 * p[1] + p[2])];
  }
  for (int c : count) CHECK((c == 0 || std::abs(c - 1000) < 145));
  CHECK(std::count(count.begin(), count.end(), 0) == 21);
}

#if defined(__SSE2__)
TEST_CASE("denormals: are zero under the guard, in workers too, and return after it", "[train]") {
  const int before = threads();
  set_threads(4);
  const auto halves =
      [] {  // half of the smallest normal float, computed at run time in every thread
        std::vector<float> out(4);
        volatile float smallest = std::numeric_limits<float>::min();
        parallel_for(4, 1, [&](Index i) { out[static_cast<std::size_t>(i)] = smallest * 0.5f; });
        return out;
      };
  const std::vector<float> kept(4, std::numeric_limits<float>::min() / 2), flushed(4, 0.f);
  CHECK(halves() == kept);
  {
    const train::FlushDenormals flush;
    CHECK(halves() == flushed);
    { const train::FlushDenormals nested; }
    CHECK(halves() == flushed);
  }
  CHECK(halves() == kept);
  set_threads(before);
}
#endif
