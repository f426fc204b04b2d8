// Covers: adam descent optimizer pieces sgd
#include "foglift/core/parallel.hpp"
#include "foglift/train/rules/adam.hpp"
#include "foglift/train/rules/sgd.hpp"
#include "support/catch.hpp"
#include "train/scalar_rule.hpp"

#include <cmath>
#include <limits>
#include <vector>

using namespace foglift;
using toy::distance_to_naive, toy::Pair, toy::tolerance, toy::wave, toy::wave_like;

namespace {

static_assert(train::Optimizer<train::Adam<float>> && train::Optimizer<train::AdamW<double>> &&
              train::Optimizer<train::Sgd<float>>);
static_assert(!train::Optimizer<Pair<float>>);

/// Kingma & Ba 2015, algorithm 1, one scalar at a time, as it is printed there.
struct NaiveAdam {
  double lr, beta1, beta2, eps, decay;
  bool decoupled;
  double m = 0, v = 0;
  int t = 0;
  double step(double w, double g) {
    ++t;
    if (decoupled)
      w -= lr * decay * w;
    else
      g += decay * w;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    const double m_hat = m / (1 - std::pow(beta1, t)), v_hat = v / (1 - std::pow(beta2, t));
    return w - lr * m_hat / (std::sqrt(v_hat) + eps);
  }
};

}  // namespace

TEMPLATE_TEST_CASE("adam: 50 steps agree with the algorithm as printed", "[train][adam]", float,
                   double) {
  using T = TestType;
  CHECK(distance_to_naive<T>(train::Adam<T>({.lr = 0.1}),
                             NaiveAdam{0.1, 0.9, 0.999, 1e-8, 0, false}) < tolerance<T>);
  CHECK(distance_to_naive<T>(train::Adam<T>({.lr = 0.1, .beta1 = 0.5, .weight_decay = 0.2}),
                             NaiveAdam{0.1, 0.5, 0.999, 1e-8, 0.2, false}) < tolerance<T>);
  CHECK(distance_to_naive<T>(train::AdamW<T>({.lr = 0.1, .beta2 = 0.9, .eps = 1e-3}),
                             NaiveAdam{0.1, 0.9, 0.9, 1e-3, 0.01, true}) < tolerance<T>);
  CHECK(distance_to_naive<T>(train::AdamW<T>({.lr = 0.1, .weight_decay = 0.3}),
                             NaiveAdam{0.1, 0.9, 0.999, 1e-8, 0.3, true}) < tolerance<T>);
}

TEST_CASE("adam: the first step is lr times the sign of the gradient", "[train][adam]") {
  // m_hat = g and sqrt(v_hat) = |g| after one step, whatever the betas.
  auto model = toy::make_pair<double>(4);
  const auto start = model;
  train::Adam<double> opt({.lr = 0.25, .beta1 = 0.7, .beta2 = 0.95, .eps = 0});
  const auto da = wave_like(model.a.value, 1), db = wave_like(model.b.value, 1);
  opt.step(model, toy::gradients(model, da, db));
  for (Index i = 0; i < da.size(); ++i)
    CHECK_THAT(model.a.value[i] - start.a.value[i], WithinAbs(std::copysign(0.25, -da[i]), 1e-14));
}

TEST_CASE("sgd: a quadratic follows its closed form", "[train][sgd]") {
  // Gradient of h w^2 / 2 is h w: w_k = (1 - lr h)^k w_0.
  auto model = toy::make_pair<double>(5);
  const auto start = model;
  train::Sgd<double> opt({.lr = 0.1});
  const double h = 3;
  for (int k = 0; k < 20; ++k) {
    auto da = model.a.value, db = model.b.value;
    for (double& v : da) v *= h;
    for (double& v : db) v *= h;
    opt.step(model, toy::gradients(model, da, db));
  }
  for (Index i = 0; i < model.a.value.size(); ++i)
    CHECK_THAT(model.a.value[i], WithinRel(std::pow(0.7, 20) * start.a.value[i], 1e-13));
}

TEMPLATE_TEST_CASE("sgd: momentum, Nesterov and decay agree with the scalar rule", "[train][sgd]",
                   float, double) {
  struct Naive {
    double lr, momentum, decay;
    bool nesterov;
    double b = 0;
    double step(double w, double g) {
      g += decay * w;
      b = momentum * b + g;
      return w - lr * (nesterov ? g + momentum * b : b);
    }
  };
  using T = TestType;
  const train::SgdOptions cases[] = {
      {.lr = 0.02, .momentum = 0.9},
      {.lr = 0.02, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true},
      {.lr = 0.1, .weight_decay = 0.3}};
  for (const auto& o : cases)
    CHECK(distance_to_naive<T>(train::Sgd<T>(o),
                               Naive{o.lr, o.momentum, o.weight_decay, o.nesterov}) < tolerance<T>);
}

TEST_CASE("optimizer: deduces float and takes a rate a step", "[train]") {
  auto model = toy::make_pair<float>(6);
  const auto start = model;
  train::Adam opt({.lr = 1});
  static_assert(std::is_same_v<decltype(opt), train::Adam<float>>);
  opt.step(model, toy::gradients(model, wave_like(model.a.value, 0), wave_like(model.b.value, 0)),
           0);
  CHECK(model.a.value == start.a.value);
  CHECK(opt.slots[0].updates == 1);
}

TEST_CASE("optimizer: the rate of a step rules all of it, decay too", "[train]") {
  const auto same = [](auto slow, auto fast) {
    auto a = toy::make_pair<float>(6), b = a;
    for (Index k = 0; k < 3; ++k) {
      fast.step(a, toy::gradients(a, wave_like(a.a.value, k), wave_like(a.b.value, k)), 0.01);
      slow.step(b, toy::gradients(b, wave_like(b.a.value, k), wave_like(b.b.value, k)));
    }
    CHECK(a.a.value == b.a.value);
    CHECK(a.b.value == b.b.value);
  };
  same(train::Adam<float>({.lr = 0.01, .weight_decay = 0.3}),
       train::Adam<float>({.lr = 1, .weight_decay = 0.3}));
  same(train::AdamW<float>({.lr = 0.01, .weight_decay = 0.3}),
       train::AdamW<float>({.lr = 1, .weight_decay = 0.3}));
  same(train::Sgd<float>({.lr = 0.01, .momentum = 0.9, .weight_decay = 0.3}),
       train::Sgd<float>({.lr = 1, .momentum = 0.9, .weight_decay = 0.3}));
}

TEST_CASE("optimizer: a parameter without gradient stays, with its moments", "[train]") {
  auto model = toy::make_pair<double>(7);
  const auto start = model;
  train::AdamW<double> opt({.lr = 0.1});
  Gradients<double> only_b;
  only_b.add(model.b, wave_like(model.b.value, 2));
  opt.step(model, only_b);
  CHECK(model.a.value == start.a.value);
  CHECK(!(model.b.value == start.b.value));
  CHECK(opt.slots[0].updates == 0);
  CHECK(opt.slots[1].updates == 1);
  // Its own first update is a first step of Adam, bias correction included.
  opt.step(model, toy::gradients(model, wave_like(model.a.value, 1), wave_like(model.b.value, 1)));
  const double g = wave<double>(1, 0);
  CHECK_THAT(
      model.a.value[0],
      WithinAbs(start.a.value[0] * (1 - 0.1 * 0.01) - 0.1 * g / (std::abs(g) + 1e-8), 1e-14));
}

TEST_CASE("optimizer: state follows a model that moves and an optimizer that is copied",
          "[train]") {
  auto model = toy::make_pair<float>(8);
  train::Adam opt;
  const auto step = [](train::Adam<float>& rule, Pair<float>& m, Index k) {
    rule.step(m, toy::gradients(m, wave_like(m.a.value, k), wave_like(m.b.value, k)));
  };
  step(opt, model, 0);
  auto copied_opt = opt;
  auto copy = std::make_unique<Pair<float>>(model);
  step(opt, model, 1);
  step(copied_opt, *copy, 1);
  CHECK(copy->a.value == model.a.value);
  CHECK(copy->b.value == model.b.value);
}

TEST_CASE("optimizer: a bad gradient is refused before any weight changes", "[train]") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    auto model = toy::make_pair<float>(9);
    const auto start = model;
    train::Adam opt;
    auto db = wave_like(model.b.value, 0);
    db[6] = bad;
    CHECK_THROWS_AS(opt.step(model, toy::gradients(model, wave_like(model.a.value, 0), db)),
                    NumericError);
    CHECK_THROWS_WITH(opt.step(model, toy::gradients(model, wave_like(model.a.value, 0), db)),
                      ContainsSubstring("inner.b"));
    CHECK(model.a.value == start.a.value);
    CHECK(model.b.value == start.b.value);
  }
}

TEST_CASE("optimizer: gradients and moments of another model are refused", "[train]") {
  auto model = toy::make_pair<float>(10), other = toy::make_pair<float>(11);
  auto wide = toy::make_pair<float>(12, {4, 5});
  train::Sgd opt({.lr = 0.1, .momentum = 0.9});
  const auto of = [](const Pair<float>& m) {
    return toy::gradients(m, wave_like(m.a.value, 0), wave_like(m.b.value, 0));
  };
  CHECK_THROWS_AS(opt.step(model, of(other)), ArgumentError);
  CHECK_THROWS_WITH(opt.step(model, Gradients<float>()),
                    "sgd: no gradients; the loss depends on no parameter");
  opt.step(model, of(model));
  const auto before = wide;
  CHECK_THROWS_AS(opt.step(wide, of(wide)), ShapeError);
  CHECK_THROWS_WITH(opt.step(wide, of(wide)), ContainsSubstring("'a' of shape [4, 5]"));
  CHECK(wide.b.value == before.b.value);
  Gradients<float> wrong;
  wrong.add(model.a, Tensor<float>({15}));
  CHECK_THROWS_AS(opt.step(model, wrong), ShapeError);
}

TEST_CASE("optimizer: options outside their range are refused", "[train]") {
  CHECK_THROWS_AS(train::Adam<float>({.lr = -1}), ArgumentError);
  CHECK_THROWS_AS(train::Adam<float>({.beta1 = 1}), ArgumentError);
  CHECK_THROWS_AS(train::AdamW<float>({.beta2 = std::nan("")}), ArgumentError);
  CHECK_THROWS_AS(train::AdamW<float>({.weight_decay = -0.1}), ArgumentError);
  CHECK_THROWS_AS(train::Sgd<float>({.momentum = 1}), ArgumentError);
  CHECK_THROWS_AS(train::Sgd<float>({.nesterov = true}), ArgumentError);
}

TEST_CASE("optimizer: large tensors give the same bits for any number of threads", "[train]") {
  const int before = threads();
  std::vector<Pair<float>> results;
  for (int n : {1, 2, 3, 4}) {
    set_threads(n);
    auto model = toy::make_pair<float>(13, {3, 16384 + 7}, {40'000});
    train::Adam opt({.lr = 0.1});
    for (Index k = 0; k < 3; ++k)
      opt.step(model,
               toy::gradients(model, wave_like(model.a.value, k), wave_like(model.b.value, k)));
    results.push_back(model);
  }
  set_threads(before);
  for (const auto& r : results) {
    CHECK(r.a.value == results[0].a.value);
    CHECK(r.b.value == results[0].b.value);
  }
}

TEST_CASE("optimizers: the average in the same pass is the one of ema_update", "[train][ema]") {
  const auto check = [](auto rule) {
    auto apart = rule, together = rule;
    // Parameters of whole packets, of less than one, and of several blocks of the pass.
    auto a = toy::make_pair<float>(1, {3, 5000}, {13});
    auto b = a, ema_a = toy::make_pair<float>(2, {3, 5000}, {13}), ema_b = ema_a;
    const int before = threads();
    for (int k = 0; k < 5; ++k) {
      const auto step = static_cast<std::uint64_t>(k);
      const auto da = Rng(3).normal<float>({3, 5000}, step), db = Rng(4).normal<float>({13}, step);
      auto ga = toy::gradients(a, da, db), gb = toy::gradients(b, da, db);
      if (k == 3) {  // a parameter without a gradient stays, and its average still follows
        ga = Gradients<float>(), gb = Gradients<float>();
        ga.add(a.a, da), gb.add(b.a, da);
      }
      set_threads(1);
      apart.step(a, ga, 0.01);
      train::ema_update(ema_a, a, 0.9);
      set_threads(3);
      together.step(b, gb, 0.01, {.ema = &ema_b, .decay = 0.9});
    }
    set_threads(before);
    CHECK(a.a.value == b.a.value);
    CHECK(a.b.value == b.b.value);
    CHECK(ema_a.a.value == ema_b.a.value);
    CHECK(ema_a.b.value == ema_b.b.value);

    auto other = toy::make_pair<float>(2, {3, 5}, {8});
    const auto g = toy::gradients(b, Tensor<float>({3, 5000}), Tensor<float>({13}));
    const auto kept = b;
    CHECK_THROWS_AS(together.step(b, g, 0.01, {.ema = &other}), ShapeError);
    CHECK_THROWS_AS(together.step(b, g, 0.01, {.ema = &ema_b, .decay = 2}), ArgumentError);
    CHECK(kept.a.value == b.a.value);
  };
  check(train::Adam<float>());
  check(train::AdamW<float>());
  check(train::Sgd<float>({.momentum = 0.9}));
}

TEST_CASE("optimizers: infinities and NaN are found wherever they stand", "[train]") {
  for (const Index n : {1, 7, 16, 63, 64, 65, 200, 5000})
    for (const float bad : {std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(), std::nanf("")}) {
      Tensor<float> x({n}, std::numeric_limits<float>::max());
      CHECK(train::all_finite(x));
      for (Index at = 0; at < n; at = 2 * at + 1) {
        Tensor<float> y = x;
        y[at] = bad;
        CHECK_FALSE(train::all_finite(y));
      }
      x[n - 1] = bad;
      CHECK_FALSE(train::all_finite(x));
    }
  Tensor<double> d({3}, 1e308);
  CHECK(train::all_finite(d));
}
