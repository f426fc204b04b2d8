// Covers: hooks/cache
#include "foglift/nn/hooks/cache.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace foglift;
using Tensors = Tensor<double>;
using Cache = nn::hooks::Cache<Tensors>;

namespace {

double distance(const Tensors& x, const Tensors& y) {
  REQUIRE(x.shape() == y.shape());
  double out = 0;
  for (Index i = 0; i < x.size(); ++i) out = std::max(out, std::abs(x[i] - y[i]));
  return out;
}

/// Calls along a straight line of states at one time, with and without a cache.
struct Line {
  Tensors first = Rng(1).normal<double>({3, 2}), step = Rng(2).normal<double>({3, 2});
  Tensors at(Index k) const { return affine(first, step, 0.02 * static_cast<double>(k)); }
  static Tensors affine(Tensors x, const Tensors& y, double by) {
    for (Index i = 0; i < x.size(); ++i) x[i] += by * y[i];
    return x;
  }
};

nn::Mlp<double> network() {
  Rng rng(3);
  return nn::Mlp<double>({.in = 2, .width = 8, .depth = 3}, rng);
}
const Tensors at_half({3}, 0.5);

}  // namespace

TEST_CASE("cache: an interval computes every other call, and reuses the block's output",
          "[hook][cache]") {
  const auto net = network();
  const Line line;
  Cache cache({.interval = 2});
  for (Index k = 0; k < 6; ++k) {
    const auto said = net(line.at(k), at_half, {}, nn::Call(cache));
    // what the call before, or this one, would say alone
    CHECK(said == net(line.at(k - k % 2), at_half));
  }
  CHECK((cache.calls() == 6 && cache.reused() == 3));
  Cache never({.interval = 1});
  for (Index k = 0; k < 3; ++k)
    CHECK(net(line.at(k), at_half, {}, nn::Call(never)) == net(line.at(k), at_half));
  CHECK(never.reused() == 0);
}

TEST_CASE("cache: the first block's change decides", "[hook][cache]") {
  const auto net = network();
  const Line line;
  Cache still({.threshold = 1e-9}), loose({.threshold = 10});
  for (Index k = 0; k < 4; ++k) {
    CHECK(net(line.at(k), at_half, {}, nn::Call(still)) == net(line.at(k), at_half));
    CHECK(net(line.at(k), at_half, {}, nn::Call(loose)) == net(line.at(0), at_half));
  }
  CHECK((still.reused() == 0 && loose.reused() == 3));
  // the same state again has not changed at all
  CHECK(net(line.at(3), at_half, {}, nn::Call(still)) == net(line.at(3), at_half));
  CHECK(still.reused() == 1);
}

TEST_CASE("cache: extrapolation is of second order in the distance of calls", "[hook][cache]") {
  const auto net = network();
  const auto worst = [&](double scale, int order) {
    Line line;
    for (double& v : line.step) v *= scale;
    Cache cache({.interval = 2, .order = order});
    double out = 0;
    for (Index k = 0; k < 8; ++k) {
      const auto said = net(line.at(k), at_half, {}, nn::Call(cache));
      if (k > 2) out = std::max(out, distance(said, net(line.at(k), at_half)));
    }
    return out;
  };
  // halving the steps: by 2 for the last output, by 4 for the line
  CHECK_THAT(worst(1, 0) / worst(0.5, 0), WithinAbs(2, 0.3));
  CHECK_THAT(worst(1, 1) / worst(0.5, 1), WithinAbs(4, 0.8));
  CHECK(worst(1, 1) < 0.2 * worst(1, 0));
}

TEST_CASE("cache: a transformer's blocks are skipped, another shape is computed", "[hook][cache]") {
  Rng rng(5);
  const nn::Dit<1, double> net(
      {.in = 1, .patch = 2, .width = 16, .depth = 3, .heads = 2, .zero = false}, rng);
  Cache cache({.interval = 3});
  const auto x = Rng(6).normal<double>({2, 8, 1}), y = Rng(7).normal<double>({4, 8, 1});
  const Tensors two({2}, 0.5), four({4}, 0.5);
  CHECK(net(x, two, {}, nn::Call(cache)) == net(x, two));
  CHECK(net(x, two, {}, nn::Call(cache)) == net(x, two));
  CHECK(cache.reused() == 1);
  CHECK(net(y, four, {}, nn::Call(cache)) == net(y, four));
  CHECK(cache.reused() == 1);
  cache.reset();
  CHECK((cache.calls() == 0 && cache.reused() == 0));
  CHECK_THROWS_AS(Cache({}), ArgumentError);
  CHECK_THROWS_AS(Cache({.interval = 2, .order = 2}), ArgumentError);
}
