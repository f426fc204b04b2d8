// Covers: forgotten module nn/state parameter
#include "foglift/core/rng.hpp"
#include "foglift/nn/module.hpp"
#include "foglift/nn/state.hpp"
#include "foglift/nn/summary.hpp"
#include "support/catch.hpp"

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

using namespace foglift;

namespace {

/// The least that is a module.
struct Scale {
  Parameter<float> gain{Tensor<float>({2}, 1.f)};
  static void each(auto& self, auto&& f) { f("gain", self.gain); }
};
/// Every kind of child.
struct Tree {
  Parameter<float> weight{Tensor<float>({2, 3}, 2.f)};
  std::vector<Scale> scales = std::vector<Scale>(2);
  std::optional<Scale> extra, absent;
  Tree() { extra.emplace(); }
  static void each(auto& self, auto&& f) {
    f("weight", self.weight);
    f("scales", self.scales);
    f("extra", self.extra);
    f("absent", self.absent);
  }
};
struct NoEach {
  Parameter<float> gain;
};
struct EachIsMember {
  void each(auto&&) {}
};

/// Children by name alone.
struct Open {
  Scale first, second, third;
  FOGLIFT_CHILDREN(third, first);
};
class Closed {
 public:
  FOGLIFT_PRIVATE_CHILDREN(inner);

 private:
  Open inner_;
};
struct Many {
  int a = 1, b = 1, c = 1, d = 1, e = 1;
  FOGLIFT_CHILDREN(a, b, c, d, e, a, b, c, d, e, a, b, c, d, e, a, b, c, d, e, a, b, c, d, e, a, b,
                   c, d, e, a, b, c, d, e, a, b, c, d, e);
};

static_assert(nn::Module<Scale>);
static_assert(nn::Module<const Tree>);
static_assert(!nn::Module<NoEach>);
static_assert(!nn::Module<EachIsMember>);
static_assert(!nn::Module<Tensor<float>>);

static_assert(nn::ValueOf<Tensor<float>, float> && nn::ValueOf<Var<double>, double>);
static_assert(!nn::ValueOf<Tensor<float>, double> && !nn::ValueOf<float, float>);

}  // namespace

TEST_CASE("module: FOGLIFT_CHILDREN names members, private ones without their underscore",
          "[nn][module]") {
  std::vector<std::string> names;
  Closed model;
  nn::for_each_parameter(model, [&](const std::string& name, auto&) { names.push_back(name); });
  CHECK(names == std::vector<std::string>{"inner.third.gain", "inner.first.gain"});
  int count = 0;
  const Many many;
  Many::each(many, [&](const char*, int one) { count += one; });
  CHECK(count == 40);
}

TEST_CASE("module: parameters are named in the order of each", "[nn][module]") {
  const Tree tree;
  std::vector<std::string> names;
  nn::for_each_parameter(tree,
                         [&](const std::string& name, const auto&) { names.push_back(name); });
  CHECK(names ==
        std::vector<std::string>{"weight", "scales.0.gain", "scales.1.gain", "extra.gain"});
  CHECK(nn::parameter_count(tree) == 6 + 3 * 2);
}

TEST_CASE("module: a view names the same parameters, and a reference may write them",
          "[nn][module]") {
  Tree tree;
  std::vector<std::string> names;
  std::vector<const void*> places, inside;
  const ModelView view(tree);
  view.each_parameter([&](const ModelPath& path, const Parameter<float>& p) {
    names.push_back(path.name());
    places.push_back(&p);
    if (view.contains(&p)) inside.push_back(&p);
  });
  CHECK(names ==
        std::vector<std::string>{"weight", "scales.0.gain", "scales.1.gain", "extra.gain"});
  CHECK(places == std::vector<const void*>{&tree.weight, &tree.scales[0].gain, &tree.scales[1].gain,
                                           &tree.extra->gain});
  CHECK(inside == std::vector<const void*>{&tree.weight, &tree.extra->gain});
  ModelRef(tree).each_parameter([](const ModelPath&, Parameter<float>& p) { p.value.fill(7); });
  CHECK(tree.extra->gain.value[1] == 7);
}

static_assert(std::is_constructible_v<ModelView, const Tree&>);
static_assert(std::is_constructible_v<ModelRef, Tree&>);
static_assert(!std::is_constructible_v<ModelRef, const Tree&>);
static_assert(!std::is_constructible_v<ModelView, const NoEach&>);

TEST_CASE("module: what is of another element type is refused by name", "[nn][module]") {
  Tree tree;
  CHECK_THROWS_WITH(
      ModelView(tree).each_parameter([](const ModelPath&, const Parameter<double>&) {}),
      "model: 'weight' is of float, needed double");
  CHECK_THROWS_WITH(ModelRef(tree).each_parameter([](const ModelPath&, Parameter<double>&) {}),
                    "model: 'weight' is of float, needed double");
}

TEST_CASE("module: a copy is a deep copy", "[nn][module]") {
  Tree a;
  const Tree b = a;
  a.scales[1].gain.value[0] = 9;
  CHECK(b.scales[1].gain.value[0] == 1);
}

namespace {

/// Forgets a parameter, a module and a vector; what it points to is another's.
struct Forgetful {
  Scale first;
  Parameter<float> lost{Tensor<float>({4, 5})};
  Scale second;
  std::vector<Scale> losts = std::vector<Scale>(2);
  std::shared_ptr<const Scale> teacher = std::make_shared<Scale>();
  Tensor<float> constant{Shape{3}};
  static void each(auto& self, auto&& f) { f("first", self.first), f("second", self.second); }
};
/// Names grandchildren instead of the child, and copies in steps of its own.
struct Roundabout {
  Tree tree;
  std::vector<Scale> more;
  Roundabout() = default;
  Roundabout(const Roundabout& other) : tree(other.tree) {
    for (const Scale& s : other.more) more.push_back(s);  // moves what it holds as it grows
  }
  static void each(auto& self, auto&& f) {
    f("w", self.tree.weight), f("s", self.tree.scales), f("e", self.tree.extra);
    f("more", self.more);
  }
};

}  // namespace

TEST_CASE("forgotten: parameters that each does not name are found, and no others",
          "[nn][module]") {
  CHECK_NOTHROW(nn::check_children(Tree()));
  Roundabout around;
  around.more.resize(5);
  CHECK_NOTHROW(nn::check_children(around));
  CHECK_THROWS_AS(nn::check_children(Forgetful()), ArgumentError);
  CHECK_THROWS_WITH(nn::check_children(Forgetful()),
                    ContainsSubstring("3 parameters that the model's each() does not name") &&
                        ContainsSubstring("[4, 5] (behind 'first.gain')") &&
                        ContainsSubstring("it names 2: first.gain [2], second.gain [2]"));
  CHECK_THROWS_AS(nn::state(Forgetful()), ArgumentError);
  Forgetful into;
  CHECK_THROWS_AS(nn::load_state(into, {{"first.gain", Tensor<float>(Shape{2})},
                                        {"second.gain", Tensor<float>(Shape{2})}}),
                  ArgumentError);
}

TEST_CASE("summary: one line a parameter and the total", "[nn][summary]") {
  CHECK(nn::summary(Tree()) ==
        "name            shape    elements\n"
        "weight          [2, 3]          6\n"
        "scales.0.gain   [2]             2\n"
        "scales.1.gain   [2]             2\n"
        "extra.gain      [2]             2\n"
        "total                          12\n");
}

TEST_CASE("state: what is saved loads back", "[nn][state]") {
  Tree from;
  from.weight.value[5] = 7;
  from.extra->gain.value[1] = 8;
  std::map<std::string, Tensor<float>> saved;
  for (const auto& [name, tensor] : nn::state(from)) saved.emplace(name, *tensor);
  Tree to;
  nn::load_state(to, saved);
  CHECK(to.weight.value == from.weight.value);
  CHECK(to.extra->gain.value == from.extra->gain.value);
}

TEST_CASE("state: an error names every misfit and changes nothing", "[nn][state]") {
  Tree tree;
  const std::map<std::string, Tensor<float>> wrong{{"weight", Tensor<float>({3, 2})},
                                                   {"scales.0.gain", Tensor<float>({2})},
                                                   {"extra.gain", Tensor<float>({2})},
                                                   {"tail", Tensor<float>({1})}};
  CHECK_THROWS_AS(nn::load_state(tree, wrong), ArgumentError);
  CHECK_THROWS_WITH(nn::load_state(tree, wrong),
                    "load_state: the tensors do not fit the model\n"
                    "  shape: weight is [3, 2], the model needs [2, 3]\n"
                    "  missing: scales.1.gain [2]\n"
                    "  unexpected: tail");
  CHECK(tree.scales[0].gain.value[0] == 1);
}
