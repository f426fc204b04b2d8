// Covers: layers/dropout
#include "foglift/nn/layers/dropout.hpp"
#include "support/catch.hpp"

#include <cmath>

using namespace foglift;

namespace {

constexpr Index n = 4000;

Tensor<float> ones() { return Tensor<float>({2, n / 2}, 1.f); }

/// Elements that are dropped in both or in neither. Of independent masks of rate 1/2 it is n / 2
/// +- sqrt(n) / 2; 5 of those deviations are 158.
Index agreements(const Tensor<float>& a, const Tensor<float>& b) {
  Index count = 0;
  for (Index i = 0; i < n; ++i) count += (a[i] == 0) == (b[i] == 0);
  return count;
}
bool independent(const Tensor<float>& a, const Tensor<float>& b) {
  return std::abs(agreements(a, b) - n / 2) < 158;
}

const nn::DropoutNoise noise{.rng = Rng(3), .first_sample = 7, .step = 2};

}  // namespace

TEST_CASE("dropout: every dropout of a call has a mask of its own", "[nn][dropout]") {
  nn::DropoutCalls calls(noise);
  const auto a = calls(ones(), 0.5), b = calls(ones(), 0.5), c = calls(ones(), 0.5);
  CHECK(independent(a, b));
  CHECK(independent(b, c));
  CHECK(independent(a, c));
  for (const float v : a) CHECK((v == 0 || v == 2));  // kept elements are scaled by 1 / (1 - rate)
  nn::DropoutCalls again(noise);
  CHECK(again(ones(), 0.5) == a);
  CHECK(again(ones(), 0.5) == b);
}

TEST_CASE("dropout: masks follow seed, sample and step", "[nn][dropout]") {
  const auto first = [](nn::DropoutNoise changed) {
    nn::DropoutCalls calls(changed);
    return calls(ones(), 0.5);
  };
  const auto a = first(noise);
  CHECK(independent(a, first({.rng = Rng(4), .first_sample = 7, .step = 2})));
  CHECK(independent(a, first({.rng = Rng(3), .first_sample = 7, .step = 3})));
  const auto shifted = first({.rng = Rng(3), .first_sample = 8, .step = 2});
  CHECK(shifted.rows(0, 1) == a.rows(1, 1));
}

TEST_CASE("dropout: a part that is run again takes its own and leaves the next to the rest",
          "[nn][dropout]") {
  nn::DropoutCalls whole(noise), parted(noise);
  const auto a = whole(ones(), 0.5), b = whole(ones(), 0.5), c = whole(ones(), 0.5);
  nn::DropoutCalls part = parted.take(2, 0.5);
  CHECK(part(ones(), 0.5) == a);
  CHECK(part(ones(), 0.5) == b);
  CHECK(parted(ones(), 0.5) == c);
}

TEST_CASE("dropout: nothing is dropped without noise or at rate 0, and no mask is used up",
          "[nn][dropout]") {
  nn::DropoutCalls none, calls(noise), fresh(noise);
  CHECK(none(ones(), 0.5) == ones());
  CHECK(calls(ones(), 0) == ones());
  CHECK(calls(ones(), 0.5) == fresh(ones(), 0.5));
}
