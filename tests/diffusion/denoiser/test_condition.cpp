// Covers: denoiser diffusion/condition nn/condition
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/guidance.hpp"
#include "foglift/diffusion/loss/self_conditioning.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/variance_denoiser.hpp"
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "support/catch.hpp"

#include <vector>

using namespace foglift;

namespace {

const schedule::Cosine cosine;
const Level level = cosine.at(0.4);
const TimeGrid grid5 = grid::uniform(cosine, 5);
const std::vector<Index> labels{2, 0, -1, 1};

nn::Mlp<float> mlp(Index in = 3, Index out = 3) {
  Rng rng(1);
  return nn::Mlp<float>(
      {.in = in, .out = out, .width = 16, .embedding = {.classes = 3, .vector = 2}}, rng);
}
nn::Dit1d<float> dit() {
  Rng rng(1);
  return nn::Dit1d<float>(
      {.in = 2, .width = 16, .depth = 2, .heads = 2, .zero = false, .sequence = 3}, rng);
}

/// A network inside another that adds what it is told.
struct Added {
  const nn::Mlp<float>& net;
  template <Value X>
  X operator()(const X& x, const Tensor<float>& time, const Tensor<float>& told) const {
    return net(x, time) + constant(told, x);
  }
  template <class F>
  void each_part(const F& f) const {
    f(net);
  }
};

}  // namespace

TEST_CASE("condition: bound to a denoiser it says what a lambda says, to the bit",
          "[diffusion][denoiser][condition]") {
  const auto same = [](const auto& net, const Tensor<float>& x, const nn::Condition<float>& told) {
    const auto lambda = [&](const auto& at, const auto& time) { return net(at, time, told); };
    const NetworkDenoiser hidden(lambda, predict::Velocity{}, cosine);
    const NetworkDenoiser bound(net, predict::Velocity{}, cosine, told);
    CHECK(bound(x, level) == hidden(x, level));
    const auto square_of = [](const auto& x0) { return x0; };
    CHECK(pullback(bound, x, level, square_of).gradient ==
          pullback(hidden, x, level, square_of).gradient);
    CHECK(sample(solver::Ddim{}, bound, x.shape(), grid5, Rng(1)) ==
          sample(solver::Ddim{}, hidden, x.shape(), grid5, Rng(1)));
    const NetworkDenoiser plain(net, predict::Velocity{}, cosine);
    CHECK_FALSE(plain(x, level) == bound(x, level));
    CHECK(plain.with(told)(x, level) == bound(x, level));
    CHECK(bound.without_condition()(x, level) == plain(x, level));
  };
  const auto net = mlp();
  const auto x = Rng(2).normal({4, 3});
  same(net, x, {.labels = labels});
  same(net, x, {.labels = {}, .vector = Rng(3).normal({4, 2})});
  const Tensor<float> mask({4, 5}, 1.0f);
  same(dit(), Rng(2).normal({4, 8, 2}),
       {.labels = {}, .sequence = Rng(3).normal({4, 5, 3}), .mask = mask});
  // "No class" is what a network without its condition is told.
  const NetworkDenoiser of_class(net, predict::Velocity{}, cosine, {.labels = labels});
  CHECK(of_class.with({.labels = {-1, -1, -1, -1}})(x, level) ==
        of_class.without_condition()(x, level));
  CHECK(of_class.condition().labels == labels);
}

TEST_CASE("condition: of any type that the network takes", "[diffusion][denoiser][condition]") {
  const auto net = mlp();
  const auto x = Rng(2).normal({4, 3}), told = Rng(3).normal({4, 3});
  const NetworkDenoiser added(Added{net}, predict::X0{}, cosine, told);
  const NetworkDenoiser plain(net, predict::X0{}, cosine);
  const auto with = added(x, level), without = plain(x, level);
  for (Index i = 0; i < 12; ++i) CHECK_THAT(with[i], WithinAbs(without[i] + told[i], 1e-6));
  const std::vector<double> shift{1, 2, 3, 4};
  const Alike shifted([](const auto& at, const auto&, const std::vector<double>& by) {
    return affine(at, Tensor<float>(at.shape(), 1.0f),
                  [&](Index b) { return Mix{0, by[static_cast<std::size_t>(b)]}; });
  });
  const NetworkDenoiser listed(shifted, predict::X0{}, cosine, shift);
  const std::vector<Index> index{3, 1};
  CHECK(listed(x, level) == Tensor<float>({4, 3}, {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}));
  CHECK(listed.rows({index, 4})(x.rows(0, 2), level) == Tensor<float>({2, 3}, {4, 4, 4, 2, 2, 2}));
  const std::vector<Index> outside{4};
  CHECK_THROWS_AS(listed.rows({outside, 5}), ShapeError);
}

TEST_CASE("condition: a run's promises reach the network through it",
          "[diffusion][denoiser][condition]") {
  const auto net = dit();
  const auto told = [&](const auto& denoise, const Shape& shape) {
    const float* const weight = net.embedding.fc1.weight.value.data();
    int known = 0;
    sample(solver::Ddim{}, denoise, shape, grid5, Rng(1), {}, [&](const StepView<float>&) {
      known += PackedWeights::ahead(weight) != nullptr ? 1 : 0;
    });
    return known;
  };
  const NetworkDenoiser bound(net, predict::Velocity{}, cosine,
                              {.labels = {}, .sequence = Rng(3).normal({2, 5, 3})});
  CHECK(told(bound, {2, 8, 2}) == 5);
  CHECK(told(bound | guide::ClassifierFree{bound.without_condition(), 2.0}, {2, 8, 2}) == 5);
  // Through a network around the network too.
  Rng rng(1);
  const nn::Mlp<float> inner({.in = 3, .width = 16}, rng);
  const NetworkDenoiser around(Added{inner}, predict::X0{}, cosine, Tensor<float>({2, 3}, 1.0f));
  PackedWeights promise(around);
  precompute(promise, around, grid5);
  CHECK(PackedWeights::ahead(inner.embedding.fc1.weight.value.data()) != nullptr);
}

TEST_CASE("condition: of networks with a variance head and self-conditioned ones",
          "[diffusion][denoiser][condition]") {
  const auto x = Rng(2).normal({4, 3});
  const auto wide = mlp(3, 6), deep = mlp(6, 3);
  const auto tell = [&](const auto& net) {
    return [&](const auto& at, const auto& time) { return net(at, time, {.labels = labels}); };
  };
  const auto wide_told = tell(wide), deep_told = tell(deep);
  const VarianceNetwork hidden(wide_told, predict::Velocity{}, cosine);
  const VarianceNetwork bound(wide, predict::Velocity{}, cosine, {.labels = labels});
  CHECK(bound.moments(x, level).v == hidden.moments(x, level).v);
  CHECK(bound(x, level) == hidden(x, level));
  CHECK(bound.rows({std::vector<Index>{2, 3}, 4})(x.rows(2, 2), level) ==
        bound(x, level).rows(2, 2));
  Tensor<float> one, two;
  CHECK(sample(solver::Ddim{},
               SelfConditioned(deep, predict::Velocity{}, cosine, one, {.labels = labels}), {4, 3},
               grid5, Rng(1)) ==
        sample(solver::Ddim{}, SelfConditioned(deep_told, predict::Velocity{}, cosine, two), {4, 3},
               grid5, Rng(1)));
}

TEST_CASE("condition: some samples of it", "[diffusion][denoiser][condition]") {
  const nn::Condition<float> all{.labels = labels,
                                 .vector = Rng(1).normal({4, 2}),
                                 .sequence = Rng(2).normal({4, 5, 3}),
                                 .mask = Tensor<float>({4, 5}, 1.0f)};
  const std::vector<Index> index{3, 0};
  const auto part = rows(all, index);
  CHECK(part.labels == std::vector<Index>{1, 2});
  CHECK(*part.vector == all.vector->rows(index));
  CHECK(*part.sequence == all.sequence->rows(index));
  CHECK(part.mask->shape() == Shape{2, 5});
  CHECK(rows(all, 1, 2).labels == std::vector<Index>{0, -1});
  const std::vector<Index> outside{4};
  CHECK_THROWS_AS(rows(nn::Condition<float>{.labels = labels}, outside), ArgumentError);
}
