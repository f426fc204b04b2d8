// Covers: summary
#include "bench/reference_models.hpp"
#include "foglift/nn/summary.hpp"
#include "support/catch.hpp"

using namespace foglift;

// The counts are those of the same four networks written in PyTorch.
TEST_CASE("reference models: parameters are as many as in the originals", "[nn][reference]") {
  const Rng rng(1);
  CHECK(nn::parameter_count(bench::mlp2d(rng)) == 50'178);
  CHECK(nn::parameter_count(bench::unet1d(rng)) == 1'475'521);
  CHECK(nn::parameter_count(bench::dit1d(rng)) == 1'859'713);
  CHECK(nn::parameter_count(bench::unet2d(rng)) == 9'831'619);
}

TEST_CASE("reference models: outputs have the shape of the inputs", "[nn][reference]") {
  const Rng rng(1);
  const Tensor<float> t({2}, 0.5f);
  const auto same = [&](const auto& net, const Shape& shape) {
    CHECK(net(rng.normal<float>(shape), t).shape() == shape);
  };
  same(bench::mlp2d(rng), {2, 2});
  same(bench::unet1d(rng), {2, 96, 1});
  same(bench::dit1d(rng), {2, 96, 1});
  same(bench::unet2d(rng), {2, 32, 32, 3});
}

TEST_CASE("reference models: parameters carry dotted names", "[nn][reference]") {
  const std::string table = nn::summary(bench::unet1d(Rng(1)));
  CHECK_THAT(table, ContainsSubstring("down.0.blocks.1.conv2.weight"));
  CHECK_THAT(table, ContainsSubstring("middle.attention.0.attention.qkv.weight"));
  CHECK_THAT(table, ContainsSubstring("total"));
}
