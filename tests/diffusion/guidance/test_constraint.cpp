// Covers: constraint
// Alone: it takes long to compile.
#include "diffusion/guidance/fixtures.hpp"
#include "foglift/autograd/ops/reduce.hpp"
#include "foglift/autograd/ops/shape_ops.hpp"
#include "foglift/diffusion/analytic/full_gaussian.hpp"
#include "foglift/diffusion/guidance/constraint.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/schedule.hpp"
#include "foglift/diffusion/solver/ddim.hpp"

#include <Eigen/Dense>

using namespace foglift;
using namespace foglift::test;

namespace {

constexpr Index n = 5;
const std::vector<double> mean = {0.3, -0.2, 0.5, 1, -0.6};

Eigen::MatrixXd covariance() {
  const auto z = Rng(3).normal<double>({n, n});
  const Eigen::Map<const Eigen::Matrix<double, n, n>> half(z.data());
  return half * half.transpose() / n + 0.1 * Eigen::MatrixXd::Identity(n, n);
}
Tensor<double> as_tensor(const Eigen::MatrixXd& m) {
  Tensor<double> out({m.rows(), m.cols()});
  for (Index i = 0; i < out.size(); ++i) out[i] = m(i / m.cols(), i % m.cols());
  return out;
}
const analytic::FullGaussian data(mean, as_tensor(covariance()));
const Tensor<double> x = Rng(1).normal<double>({4, n});

/// The sum is 2, and the first element twice the last one.
const auto two = [](const auto& x0) {
  const auto total = sum(x0, 1) - 2.0;
  const auto rest = slice(x0, 1, 0, 1) - slice(x0, 1, n - 1, 1) * 2.0;
  return concat({reshape(total, {x0.dim(0), 1}), rest}, 1);
};
Eigen::MatrixXd rows_of_two() {
  Eigen::MatrixXd a = Eigen::MatrixXd::Zero(2, n);
  a.row(0).setOnes();
  a(1, 0) = 1, a(1, n - 1) = -2;
  return a;
}

/// E[x0 | x, A x0 + noise = y], of the observations x and y together.
Eigen::VectorXd law(const double* state, const Level& l, double variance) {
  const Eigen::MatrixXd C = covariance(), A = rows_of_two();
  Eigen::MatrixXd all(n + 2, n), noise = Eigen::MatrixXd::Zero(n + 2, n + 2);
  all << l.alpha * Eigen::MatrixXd::Identity(n, n), A;
  noise.diagonal() << Eigen::VectorXd::Constant(n, l.sigma * l.sigma),
      Eigen::VectorXd::Constant(2, variance);
  const Eigen::VectorXd m = Eigen::Map<const Eigen::VectorXd>(mean.data(), n);
  Eigen::VectorXd seen(n + 2);
  seen << Eigen::Map<const Eigen::VectorXd>(state, n), 2, 0;
  const Eigen::MatrixXd S = all * C * all.transpose() + noise;
  return m + C * all.transpose() * S.fullPivLu().solve(seen - all * m);
}

}  // namespace

TEST_CASE("constraint: the mean given the state and linear functions", "[diffusion][guidance]") {
  for (const double variance : {0.0, 0.5}) {
    const auto guided = data | guide::Constraint{two, {.variance = variance}};
    for (const Level& l : all_levels) {
      if (l.alpha == 0 || l.sigma < 0.01) continue;
      const auto x0 = guided(x, l);
      for (Index b = 0; b < 4; ++b) {
        const Eigen::VectorXd truth = law(x.data() + b * n, l, variance);
        for (Index i = 0; i < n; ++i) CHECK_THAT(x0(b, i), WithinAbs(truth[i], 1e-11));
      }
    }
  }
}

TEST_CASE("constraint: nothing at both ends, and in each sample by itself",
          "[diffusion][guidance]") {
  const auto guided = data | guide::Constraint{two};
  const std::vector<Level> each{{0.5, 0.6, 0.8}, {0.9, 0.1, 1}, {1, 0, 1}, {0, 1, 0}};
  const auto x0 = guided(x, each), plain = data(x, each);
  for (Index b = 0; b < 4; ++b)
    CHECK(x0.rows(b, 1) == guided(x.rows(b, 1), each[static_cast<std::size_t>(b)]));
  for (const Index b : {2, 3}) CHECK(x0.rows(b, 1) == plain.rows(b, 1));
}

TEST_CASE("constraint: what is drawn keeps it", "[diffusion][guidance]") {
  // The last step ends on the guided x0, where both functions are 0 but for rounding.
  const auto guided = data | guide::Constraint{two};
  const auto y = sample<double>(solver::Ddim{}, guided, {50, n},
                                grid::uniform(schedule::Cosine{}, 20), Rng(4));
  double free = 0;
  for (Index b = 0; b < 50; ++b) {
    const auto f = two(y.rows(b, 1));
    CHECK_THAT(f(0, 0), WithinAbs(0, 1e-12));
    CHECK_THAT(f(0, 1), WithinAbs(0, 1e-12));
    free += std::abs(y(b, 1) - y(0, 1));
  }
  CHECK(free > 1);  // they are not all one point
}

TEST_CASE("projection: the nearest point where a linear function holds", "[diffusion][guidance]") {
  const auto guided = data | guide::Projection{two};
  const Eigen::MatrixXd A = rows_of_two();
  for (const Level& l : all_levels) {
    const auto x0 = guided(x, l), plain = data(x, l);
    for (Index b = 0; b < 4; ++b) {
      const Eigen::VectorXd from = Eigen::Map<const Eigen::VectorXd>(plain.data() + b * n, n);
      Eigen::VectorXd f = A * from;
      f[0] -= 2;
      const Eigen::MatrixXd squares = A * A.transpose();
      const Eigen::VectorXd to = from - A.transpose() * squares.fullPivLu().solve(f);
      for (Index i = 0; i < n; ++i) CHECK_THAT(x0(b, i), WithinAbs(to[i], 1e-12));
    }
  }
}

TEST_CASE("constraint: what can not be", "[diffusion][guidance]") {
  CHECK_THROWS_AS((guide::Constraint{two, {.variance = -1}}), ArgumentError);
  CHECK_THROWS_AS((guide::Projection{two, {.variance = INFINITY}}), ArgumentError);
  const auto flat = [](const auto& x0) { return sum(x0, 1); };
  CHECK_THROWS_AS((data | guide::Constraint{flat})(x, Level{0.5, 0.6, 0.8}), ShapeError);
  CHECK_THROWS_AS((data | guide::Projection{flat})(x, Level{0.5, 0.6, 0.8}), ShapeError);
}
