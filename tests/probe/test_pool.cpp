// Covers: probe/pool
#include "foglift/probe/pool.hpp"
#include "support/catch.hpp"

using namespace foglift;

TEST_CASE("pool: the global mean over space", "[probe][pool]") {
  const Tensor<double> h({2, 1, 2, 3}, {1, 2, 3, 5, 6, 7, -1, 0, 1, 1, 0, 3});
  CHECK(probe::pool(h) == Tensor<double>({2, 3}, {3, 4, 5, 0, 0, 2}));
  CHECK(probe::pool(Tensor<double>({1, 4, 1}, {1, 2, 3, 6})) == Tensor<double>({1, 1}, {3}));
  const Tensor<double> flat({2, 2}, {1, 2, 3, 4});
  CHECK(probe::pool(flat) == flat);
  CHECK(probe::pool(flat, 4) == flat);
}

TEST_CASE("pool: the cells of a grid", "[probe][pool]") {
  // Rows 0, 1 | 2 and columns 0, 1 | 1, 2: of three positions the cells of two share the middle.
  const Tensor<double> h({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(probe::pool(h, 2) == Tensor<double>({1, 4}, {3, 4, 6, 7}));
  CHECK(probe::pool(h, 3) == h.reshaped({1, 9}));
  CHECK(probe::pool(h, 5) == h.reshaped({1, 9}));  // a shorter axis keeps its positions
  const Tensor<double> series({1, 4, 2}, {1, 10, 3, 30, 5, 50, 7, 70});
  CHECK(probe::pool(series, 2) == Tensor<double>({1, 4}, {2, 20, 6, 60}));
}

TEST_CASE("pool: sums of floats are in double", "[probe][pool]") {
  // 2^24 + 1 is no float: a running float sum would lose every one of the ones.
  Tensor<float> h({1, 257, 1}, 1.0F);
  h[0] = 0x1p24F;
  CHECK(probe::pool(h)[0] == static_cast<float>((0x1p24 + 256) / 257));
}

TEST_CASE("pool: wrong arguments are refused", "[probe][pool]") {
  CHECK_THROWS_AS(probe::pool(Tensor<float>({3})), ShapeError);
  CHECK_THROWS_AS(probe::pool(Tensor<float>({1, 2, 2, 2, 2})), ShapeError);
  CHECK_THROWS_AS(probe::pool(Tensor<float>({1, 0, 2})), ShapeError);
  CHECK_THROWS_AS(probe::pool(Tensor<float>({1, 2, 2}), 0), ArgumentError);
}
