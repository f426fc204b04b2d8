// Covers: descent grid/groups train/groups
#include "foglift/train/rules/adagrad.hpp"
#include "foglift/train/rules/adam.hpp"
#include "foglift/train/rules/sgd.hpp"
#include "support/catch.hpp"
#include "train/scalar_rule.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

using namespace foglift;
using toy::Pair, toy::wave_like;

namespace {

template <class T>
Gradients<T> gradients_at(const Pair<T>& m, Index k) {
  return toy::gradients(m, wave_like(m.a.value, k), wave_like(m.b.value, k));
}

/// Five steps of the rule.
template <class T, class Rule>
Pair<T> stepped(Pair<T> model, Rule rule) {
  for (Index k = 0; k < 5; ++k) rule.step(model, gradients_at(model, k));
  return model;
}

}  // namespace

TEST_CASE("groups: factors of all that hold a parameter multiply", "[train][groups]") {
  const auto start = toy::make_pair<double>(3);
  const train::AdamWOptions options{.lr = 0.1, .weight_decay = 0.2};
  using Rule = train::AdamW<double>;
  const auto b = train::inside("inner");
  // The groups of one parameter are a rule of its own options: a [3, 5], inner.b [7].
  const auto same_b = [&](const Pair<double>& grouped, const train::AdamWOptions& of_b) {
    CHECK(grouped.a.value == stepped(start, Rule(options)).a.value);
    CHECK(grouped.b.value == stepped(start, Rule(of_b)).b.value);
  };
  same_b(stepped(start, Rule(options, {{.holds = train::is_vector, .decay = 0}})),
         {.lr = 0.1, .weight_decay = 0});
  same_b(stepped(start, Rule(options, {{.holds = b, .rate = 0.25}})),
         {.lr = 0.1 * 0.25, .weight_decay = 0.2});
  same_b(stepped(start, Rule(options, {{.holds = train::is_vector, .rate = 0.5, .decay = 0.5},
                                       {.holds = b, .rate = 0.5, .decay = 2}})),
         {.lr = 0.1 * 0.25, .weight_decay = 0.2});
  const auto still =
      stepped(start, Rule(options, {{.holds = train::inside("inner.b"), .rate = 0}}));
  CHECK(still.b.value == start.b.value);
}

TEST_CASE("groups: a copy, other moments and a rate of the step keep them", "[train][groups]") {
  auto a = toy::make_pair<float>(3), b = a;
  train::Sgd<float> rule({.lr = 1, .momentum = 0.5}, {{.holds = train::is_vector, .rate = 0.5}});
  train::Sgd<float> plain({.lr = 1, .momentum = 0.5});
  rule.step(a, gradients_at(a, 0), 0.02), plain.step(b, gradients_at(b, 0), 0.01);
  auto copy = rule;
  train::Sgd<float> restored({.lr = 1, .momentum = 0.5},
                             {{.holds = train::is_vector, .rate = 0.5}});
  restored.slots = rule.slots;  // as a checkpoint brings them back
  auto c = a, d = a;
  rule.step(a, gradients_at(a, 1), 0.02), plain.step(b, gradients_at(b, 1), 0.01);
  copy.step(c, gradients_at(c, 1), 0.02), restored.step(d, gradients_at(d, 1), 0.02);
  CHECK(a.b.value == b.b.value);
  CHECK(a.b.value == c.b.value);
  CHECK(a.b.value == d.b.value);
  CHECK_FALSE(a.a.value == b.a.value);
}

TEST_CASE("groups: names are whole parts of a path", "[train][groups]") {
  const Shape shape{3, 4};
  CHECK(train::inside("net.out")("net.out", shape));
  CHECK(train::inside("net.out")("net.out.weight", shape));
  CHECK_FALSE(train::inside("net.out")("net.outer.weight", shape));
  CHECK_FALSE(train::inside("net.out")("net", shape));
  CHECK(train::is_vector("b", {4}));
  CHECK(train::is_vector("b", {}));
  CHECK_FALSE(train::is_vector("b", {1, 4}));
}

TEST_CASE("groups: without meaning they are refused", "[train][groups]") {
  using Rule = train::AdamW<float>;
  const auto all = [](const std::string&, const Shape&) { return true; };
  CHECK_THROWS_AS(Rule({.lr = 0.1}, {{.holds = {}, .rate = 2}}), ArgumentError);
  CHECK_THROWS_AS(Rule({.lr = 0.1}, {{.holds = all, .rate = -1}}), ArgumentError);
  CHECK_THROWS_AS(Rule({.lr = 0.1}, {{.holds = all, .decay = std::nan("")}}), ArgumentError);
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(Rule({.lr = 0.1}, {{.holds = all, .rate = infinite}}), ArgumentError);
  auto model = toy::make_pair<float>(3);
  const auto start = model;
  Rule rule({.lr = 0.1}, {{.holds = all, .decay = 0}, {.holds = train::inside("typo")}});
  CHECK_THROWS_AS(rule.step(model, gradients_at(model, 0)), ArgumentError);
  CHECK_THROWS_WITH(rule.step(model, gradients_at(model, 0)),
                    "adamw: group 1 holds none of the model's 2 parameters");
  CHECK(model.a.value == start.a.value);
}
