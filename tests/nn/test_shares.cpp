// Covers: layers/dropout nn/condition shares
#include "foglift/nn/nets/dit.hpp"
#include "foglift/nn/nets/mlp.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/nn/nets/uvit.hpp"
#include "foglift/nn/shares.hpp"
#include "nn/denoiser_checks.hpp"

using namespace foglift;

namespace {

/// All that a network can be told, and dropout: 23 samples, which no number of threads divides.
template <class Net>
void check_shares(const Net& net, const Shape& batch, bool sequence = true) {
  nn::Condition<float> condition = test::told<float>(batch[0], 3, 4);
  if (!sequence) condition.sequence = condition.mask = std::nullopt;
  const nn::Call call(nn::DropoutNoise{.rng = Rng(9), .first_sample = 40, .step = 3});
  const auto x = Rng(1).normal<float>(batch);
  const auto t = test::times<float>(batch[0]);
  set_threads(1);
  const Tensor<float> whole = net(x, t, condition, call);
  REQUIRE(std::all_of(whole.begin(), whole.end(), [](float v) { return std::isfinite(v); }));
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    for (const Index widest : {1, 1 << 16, 1 << 19})  // tiles of more than the batch, of 4, of 1
      for (const Index live : {0, 1 << 20})           // 8 samples
        CHECK(test::same_bits(nn::detail::in_parts(net, x, t, condition, call, whole.shape(),
                                                   {Index{1} << 20, widest, live}),
                              whole));
  }
  set_threads(1);
}

}  // namespace

TEST_CASE("shares: networks give each sample the same bits", "[nn]") {
  Rng rng(2);
  check_shares(nn::Mlp<float>({.in = 2,
                               .out = 3,
                               .width = 16,
                               .dropout = 0.2,
                               .embedding = {.classes = 3, .vector = 2}},
                              rng),
               {23, 2}, false);
  check_shares(nn::UNet1d<float>({.in = 2,
                                  .out = 3,
                                  .width = 8,
                                  .multipliers = {1, 2},
                                  .blocks = 1,
                                  .dropout = 0.2,
                                  .sequence = 3,
                                  .embedding = {.classes = 3, .vector = 2}},
                                 rng),
               {23, 9, 2});
  const nn::TransformerOptions transformer{.in = 2,
                                           .out = 3,
                                           .patch = 2,
                                           .width = 16,
                                           .depth = 3,
                                           .heads = 2,
                                           .zero = false,
                                           .dropout = 0.2,
                                           .sequence = 3,
                                           .embedding = {.classes = 3, .vector = 2}};
  check_shares(nn::Dit1d<float>(transformer, rng), {23, 8, 2});
  check_shares(nn::UVit2d<float>(transformer, rng), {23, 4, 4, 2});
}

TEST_CASE("shares: a pass is shared where each thread has samples and work enough", "[nn]") {
  constexpr Index enough = nn::detail::multiply_adds_a_share;
  set_threads(1);
  CHECK_FALSE(nn::detail::worth_sharing(100, {enough, 1}));
  set_threads(3);
  CHECK(nn::detail::worth_sharing(6, {enough / 2, 1}));
  CHECK_FALSE(nn::detail::worth_sharing(6, {enough / 2 - 1, 1}));
  CHECK_FALSE(nn::detail::worth_sharing(5, {enough, 1}));
  bool inside = true;
  parallel_for(3, 1, [&](Index i) {
    if (i == 0) inside = nn::detail::worth_sharing(100, {enough, 1});
  });
  CHECK_FALSE(inside);
  set_threads(1);
}

TEST_CASE("shares: a batch is parted into tiles that fill a megabyte, or 32 with all that lives",
          "[nn]") {
  CHECK(nn::detail::SampleCost{1, 1 << 18}.tile() == 1);
  CHECK(nn::detail::SampleCost{1, 1 << 20}.tile() == 1);
  CHECK(nn::detail::SampleCost{1, 1 << 16}.tile() == 4);
  CHECK(nn::detail::SampleCost{1, 0, 1 << 20}.tile() == 8);
  CHECK(nn::detail::SampleCost{1, 1 << 17, 1 << 20}.tile() == 2);
  CHECK(nn::detail::SampleCost{1, 0, 1 << 24}.tile() == 1);
  set_threads(1);
  CHECK_FALSE(nn::detail::worth_parting(4, {1, 1 << 16}));
  CHECK(nn::detail::worth_parting(5, {1, 1 << 16}));
  CHECK_FALSE(nn::detail::worth_parting(1 << 20, {1}));
}

TEST_CASE("shares: rows of a condition are those of its fields", "[nn]") {
  auto c = test::told<float>(5, 3, 4);
  c.map = Rng(1).normal<float>({5, 4, 2});
  c.present = Tensor<float>({5}, {1, 0, 1, 0, 1});
  const auto part = nn::rows(c, 1, 3);
  CHECK(part.labels == std::vector<Index>(c.labels.begin() + 1, c.labels.begin() + 4));
  CHECK(*part.vector == c.vector->rows(1, 3));
  CHECK(*part.sequence == c.sequence->rows(1, 3));
  CHECK(*part.mask == c.mask->rows(1, 3));
  CHECK(*part.map == c.map->rows(1, 3));
  CHECK(*part.present == c.present->rows(1, 3));
  CHECK(nn::rows(nn::Condition<float>{}, 1, 3).labels.empty());
}
