// Covers: eigen
#include "foglift/diffusion/analytic.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/diffusion/solver/heun.hpp"
#include "foglift/interop/eigen.hpp"
#include "support/catch.hpp"

#include <numeric>

using namespace foglift;

namespace {

static_assert(State<Tensor<float>> && State<Eigen::ArrayXXf> && State<Eigen::MatrixXd>);
static_assert(State<Eigen::Array<float, Eigen::Dynamic, 3>> && State<Eigen::VectorXf>);
static_assert(!State<int> && !State<Eigen::ArrayXXi> && !State<std::vector<float>>);

Tensor<float> counting(Shape shape) {
  Tensor<float> t(shape);
  std::iota(t.begin(), t.end(), 0.f);
  return t;
}

}  // namespace

TEST_CASE("eigen: views share the tensor's memory", "[interop][eigen]") {
  auto t = counting({2, 3, 4});
  auto m = as_matrix(t);
  CHECK((m.rows() == 6 && m.cols() == 4));
  CHECK(m(4, 2) == t(1, 1, 2));
  m(4, 2) = -1;
  CHECK(t(1, 1, 2) == -1);
  as_array(t) *= 2;
  CHECK(t(1, 1, 2) == -2);
  const auto& constant = t;
  CHECK(as_array(constant).data() == t.data());
  const Tensor<float> scalar(Shape{}, 7.f);
  CHECK(as_matrix(scalar)(0, 0) == 7);
  CHECK(as_matrix(constant).rows() == 6);
}

TEST_CASE("eigen: matrices and expressions become tensors", "[interop][eigen]") {
  Eigen::MatrixXf columns(2, 3);  // column-major
  columns << 1, 2, 3, 4, 5, 6;
  CHECK(to_tensor(columns) == Tensor<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  CHECK(to_tensor(2 * columns.transpose()) == Tensor<float>({3, 2}, {2, 8, 4, 10, 6, 12}));
  CHECK(to_tensor(columns.array().row(1)) == Tensor<float>({3}, {4, 5, 6}));
  CHECK(to_tensor(Eigen::Vector3d(1, 2, 3)) == Tensor<double>({3}, {1, 2, 3}));
}

TEST_CASE("eigen: from_tensor inverts to_tensor and checks fixed sizes", "[interop][eigen]") {
  const auto t = counting({5, 3});
  const auto round_trip = [&](auto like) { return to_tensor(from_tensor<decltype(like)>(t)); };
  CHECK(round_trip(Eigen::ArrayXXf()) == t);
  CHECK(round_trip(Eigen::MatrixXf()) == t);
  CHECK(round_trip(Eigen::Array<float, Eigen::Dynamic, 3, Eigen::RowMajor>()) == t);
  CHECK(from_tensor<Eigen::Array<float, 5, 3>>(t)(4, 1) == t(4, 1));
  CHECK(from_tensor<Eigen::VectorXf>(counting({4}))(3) == 3);
  CHECK(from_tensor<Eigen::RowVectorXf>(counting({4}))(3) == 3);
  CHECK_THROWS_AS((from_tensor<Eigen::Array<float, Eigen::Dynamic, 4>>(t)), ShapeError);
  CHECK_THROWS_AS(from_tensor<Eigen::ArrayXXf>(counting({2, 3, 4})), ShapeError);
  CHECK_THROWS_AS(from_tensor<Eigen::ArrayXXf>(counting({4})), ShapeError);
  CHECK_THROWS_AS(from_tensor<Eigen::VectorXf>(t), ShapeError);
}

TEST_CASE("eigen: an Eigen user samples without seeing a tensor", "[interop][eigen]") {
  // The denoiser of N(2, 0.5^2) written on Eigen arrays, sampled into one.
  const auto denoise = [](const Eigen::ArrayXXf& x, const Level& l) -> Eigen::ArrayXXf {
    const double gain = l.alpha * 0.25 / (l.alpha * l.alpha * 0.25 + l.sigma * l.sigma);
    return 2.f + static_cast<float>(gain) * (x - static_cast<float>(2 * l.alpha));
  };
  const TimeGrid grid = grid::uniform(schedule::Cosine{}, 20);
  const auto x = sample<Eigen::ArrayXXf>(solver::Ddim{}, denoise, {64, 24}, grid, Rng(7));
  CHECK((x.rows() == 64 && x.cols() == 24));

  // The same run in tensors; float gains differ in the last digit over 20 steps.
  const auto exact = analytic::gaussian({.mean = 2, .variance = 0.25});
  const auto t = sample(solver::Ddim{}, exact, {64, 24}, grid, Rng(7));
  CHECK((x - as_array(t)).abs().maxCoeff() < 1e-4f);
}

TEST_CASE("eigen: library denoisers and given states work in Eigen types", "[interop][eigen]") {
  const auto exact = analytic::gaussian({.mean = 2, .variance = 0.25});
  const TimeGrid grid = grid::karras(schedule::Linear{}, 6);
  const auto t = sample<double>(solver::Heun{}, exact, {5, 3}, grid, Rng(9));
  const auto x = sample<Eigen::MatrixXd>(solver::Heun{}, exact, {5, 3}, grid, Rng(9));
  CHECK(to_tensor(x) == t);
  const Eigen::ArrayXXd start = Eigen::ArrayXXd::Constant(5, 3, 1.5);
  const Eigen::ArrayXXd end = sample_from(solver::Heun{}, exact, start, grid, Rng(9));
  CHECK(to_tensor(end) == sample_from(solver::Heun{}, exact, to_tensor(start), grid, Rng(9)));
}
