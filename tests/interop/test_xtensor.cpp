// Covers: xtensor
#include "support/catch.hpp"

#if __has_include(<xtensor/containers/xarray.hpp>) || __has_include(<xtensor/xarray.hpp>)

#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/interop/xtensor.hpp"

#include <numeric>

using namespace foglift;

namespace {
using Columns = xt::xarray<float, xt::layout_type::column_major>;
static_assert(State<xt::xarray<float>> && State<xt::xtensor<double, 2>> && State<Columns>);
static_assert(!State<xt::xarray<int>>);

Tensor<float> counting(Shape shape) {
  Tensor<float> t(shape);
  std::iota(t.begin(), t.end(), 0.f);
  return t;
}
}  // namespace

TEST_CASE("xtensor: views share the tensor's memory", "[interop][xtensor]") {
  auto t = counting({2, 3, 4});
  auto view = as_xarray(t);
  CHECK(view.dimension() == 3);
  CHECK(view(1, 2, 3) == t(1, 2, 3));
  view(1, 2, 3) = -1;
  CHECK(t(1, 2, 3) == -1);
  const auto& constant = t;
  CHECK(as_xarray(constant)(1, 2, 3) == -1);
}

TEST_CASE("xtensor: containers of every layout keep every index", "[interop][xtensor]") {
  const auto check = [](const auto& x, const Tensor<float>& t) {
    for (Index i = 0; i < t.dim(0); ++i)
      for (Index j = 0; j < t.dim(1); ++j)
        for (Index k = 0; k < t.dim(2); ++k) CHECK(x(i, j, k) == t(i, j, k));
    CHECK(to_tensor(x) == t);
  };
  for (const Shape& s : {Shape{2, 3, 4}, Shape{2, 1, 3}, Shape{1, 1, 1}}) {
    const auto t = counting(s);
    check(from_tensor<xt::xarray<float>>(t), t);
    check(from_tensor<xt::xtensor<float, 3>>(t), t);
    check(from_tensor<Columns>(t), t);
  }
  CHECK_THROWS_AS((from_tensor<xt::xtensor<float, 2>>(counting({2, 3, 4}))), ShapeError);
  const xt::xarray<double> literal{{1, 2, 3}, {4, 5, 6}};
  CHECK(to_tensor(literal) == Tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6}));
}

TEST_CASE("xtensor: sample takes and returns xtensor objects", "[interop][xtensor]") {
  // A denoiser written on xt::xarray: data at 3.
  const auto denoise = [](const xt::xarray<float>& x, const Level&) {
    return xt::xarray<float>(x.shape(), 3.f);
  };
  const TimeGrid grid = grid::uniform(schedule::Cosine{}, 4);
  const auto x = sample<xt::xarray<float>>(solver::Ddim{}, denoise, {2, 8, 1}, grid, Rng(7));
  CHECK(x(1, 7, 0) == 3);

  const auto exact = analytic::gaussian({.mean = 2, .variance = 0.25});
  const auto t = sample(solver::Ddim{}, exact, {2, 8, 1}, grid, Rng(7));
  CHECK(to_tensor(sample<xt::xtensor<float, 3>>(solver::Ddim{}, exact, {2, 8, 1}, grid, Rng(7))) ==
        t);
  const auto start = from_tensor<xt::xarray<float>>(counting({3, 2}));
  CHECK(to_tensor(sample_from(solver::Ddim{}, exact, start, grid, Rng(7))) ==
        sample_from(solver::Ddim{}, exact, counting({3, 2}), grid, Rng(7)));
}

#else

TEST_CASE("xtensor: not installed and not tested", "[interop][xtensor]") { SUCCEED(); }

#endif
