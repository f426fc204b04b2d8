// Covers: eigen_tensor strided
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/interop/eigen_tensor.hpp"
#include "support/catch.hpp"

#include <numeric>

using namespace foglift;

namespace {
using Columns = Eigen::Tensor<float, 3>;
using RowMajor = Eigen::Tensor<float, 3, Eigen::RowMajor>;
static_assert(State<Columns> && State<RowMajor> && !State<Eigen::Tensor<int, 3>>);

Tensor<float> counting(Shape shape) {
  Tensor<float> t(shape);
  std::iota(t.begin(), t.end(), 0.f);
  return t;
}
}  // namespace

TEST_CASE("eigen tensor: views share the tensor's memory", "[interop][eigen]") {
  auto t = counting({2, 3, 4});
  auto view = as_tensor<3>(t);
  CHECK(view(1, 2, 3) == t(1, 2, 3));
  view(1, 2, 3) = -1;
  CHECK(t(1, 2, 3) == -1);
  const auto& constant = t;
  CHECK(as_tensor<3>(constant).data() == t.data());
  CHECK_THROWS_AS(as_tensor<2>(t), ShapeError);
}

TEST_CASE("eigen tensor: both layouts keep every index", "[interop][eigen]") {
  const auto t = counting({2, 3, 4});
  const auto check = [&](const auto& x) {
    for (Index i = 0; i < 2; ++i)
      for (Index j = 0; j < 3; ++j)
        for (Index k = 0; k < 4; ++k) CHECK(x(i, j, k) == t(i, j, k));
    CHECK(to_tensor(x) == t);
  };
  check(from_tensor<Columns>(t));
  check(from_tensor<RowMajor>(t));
  CHECK_THROWS_AS((from_tensor<Eigen::Tensor<float, 2>>(t)), ShapeError);
}

TEST_CASE("eigen tensor: sample takes and returns Eigen tensors", "[interop][eigen]") {
  // A denoiser written on Eigen::Tensor: data at 3.
  const auto denoise = [](const Columns& x, const Level&) -> Columns { return x.constant(3.f); };
  const TimeGrid grid = grid::uniform(schedule::Cosine{}, 4);
  const auto x = sample<Columns>(solver::Ddim{}, denoise, {2, 8, 1}, grid, Rng(7));
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 8; ++j) CHECK(x(i, j, 0) == 3);

  const auto exact = analytic::gaussian({.mean = 2, .variance = 0.25});
  CHECK(to_tensor(sample<RowMajor>(solver::Ddim{}, exact, {2, 8, 1}, grid, Rng(7))) ==
        sample(solver::Ddim{}, exact, {2, 8, 1}, grid, Rng(7)));
}
