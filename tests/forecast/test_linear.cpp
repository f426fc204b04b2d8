// Covers: layers/linear methods/linear ops/linear probes/linear schedule/linear
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/linear.hpp"
#include "foglift/forecast/score/backtest.hpp"
#include "support/catch.hpp"

#include <cmath>

#include <Eigen/Dense>

using namespace foglift;
using namespace foglift::forecast;

namespace {

/// Sets the parameters of a model by name.
void set(Linear& model, const std::string& name, const Tensor<float>& value) {
  nn::for_each_parameter(model, [&](const std::string& own, auto& p) {
    if (own == name) p.value = value.reshaped(p.value.shape());
  });
}

Tensor<float> tensor(const Eigen::MatrixXd& m) {
  Tensor<float> out({m.rows(), m.cols()});
  for (Index i = 0; i < m.rows(); ++i)
    for (Index j = 0; j < m.cols(); ++j) out(i, j) = static_cast<float>(m(i, j));
  return out;
}

/// x[t] = 0.8 x[t-1] + e, e ~ N(0, 1), from its stationary law.
std::vector<Series> autoregressions(Index count, Index length) {
  std::vector<Series> out;
  const auto e = Rng(11).normal<double>({count, length});
  for (Index s = 0; s < count; ++s) {
    Series series{"ar", {0, {.seconds = 3600}}, {}};
    double x = e(s, 0) / 0.6;
    for (Index t = 0; t < length; ++t) {
      if (t > 0) x = 0.8 * x + e(s, t);
      series.values.push_back(x);
    }
    out.push_back(series);
  }
  return out;
}

}  // namespace

TEST_CASE("linear: its loss is least at least squares and the residuals' Cholesky factor",
          "[forecast][linear]") {
  const std::vector<Series> series = autoregressions(2, 60);
  const Linear::Options options{{.horizon = 3, .context = 5}};
  std::vector<Origin> origins;
  for (Index s = 0; s < 2; ++s)
    for (Index at = 10; at < 55; ++at) origins.push_back({s, at});
  const Frame frame = Framer(options.frame)(series, origins);
  const Index n = frame.size(), N = 3;

  // The five scaled cells of a context sum to 0, so four of them say it all.
  Eigen::MatrixXd x(n, 5), y(n, N);
  const Tensor<float> context = frame.scaled_context(), target = frame.scaled_target();
  for (Index b = 0; b < n; ++b) {
    for (Index c = 0; c < 4; ++c) x(b, c) = static_cast<double>(context(b, c + 1, 0));
    for (Index h = 0; h < N; ++h) y(b, h) = static_cast<double>(target(b, h, 0));
    x(b, 4) = 1;
  }
  const Eigen::MatrixXd w = x.colPivHouseholderQr().solve(y);
  const Eigen::MatrixXd r = y - x * w, sigma = r.transpose() * r / static_cast<double>(n);
  Eigen::MatrixXd mix = Eigen::MatrixXd::Zero(N, N), s(1, N);
  for (Index j = 0; j < N; ++j) {  // each residual regressed on those before it
    const Eigen::VectorXd to = sigma.topRows(j).col(j);
    const Eigen::VectorXd a = sigma.topLeftCorner(j, j).llt().solve(to);
    if (j > 0) mix.topRows(j).col(j) = a;
    s(0, j) = 0.5 * std::log(sigma(j, j) - (j > 0 ? a.dot(to) : 0));
  }

  Rng rng(1);
  Linear model(options, rng);
  const LossKeys keys{Rng(1), {.step = 0}};
  const auto gradient = [&] {
    Tape<float> tape;
    const auto grads = tape.backward(model.loss(frame, keys, tape));
    double largest = 0;
    nn::for_each_parameter(model, [&](const std::string&, auto& p) {
      for (const float g : grads[p]) largest = std::max(largest, std::abs(static_cast<double>(g)));
    });
    return largest;
  };
  CHECK(gradient() > 0.01);
  Eigen::MatrixXd weight = Eigen::MatrixXd::Zero(5, N);
  weight.bottomRows(4) = w.topRows(4);
  set(model, "mean.weight", tensor(weight));
  set(model, "mean.bias", tensor(w.row(4)));
  set(model, "mix", tensor(mix));
  set(model, "log_scale", tensor(s));
  // A gradient is a mean of 270 products of size 10 at most, each rounded to 6e-8 of itself.
  CHECK(gradient() < 1e-5);
  // There the mean of z^2 is 1.
  CHECK_THAT(model.loss(frame, keys).item(), WithinAbs(0.5 + s.mean(), 1e-5));
  // What stands on and under the diagonal of the mix is not read.
  const float least = model.loss(frame, keys).item();
  mix(2, 0) = mix(1, 1) = 7;
  set(model, "mix", tensor(mix));
  CHECK(model.loss(frame, keys).item() == least);
}

TEST_CASE("linear: paths have the mean and the covariance of the law that was learned",
          "[forecast][linear]") {
  std::vector<Series> series(1, {"x", {0, {.seconds = 3600}}, {4, 1, 3, 2}});
  Rng rng(1);
  Linear model({{.horizon = 3, .context = 2}}, rng);
  // r0 = 2 z0, r1 = 0.5 r0 + z1, r2 = -0.5 r1 + 0.25 r0 + 0.5 z2 around (1, 2, 3).
  set(model, "mean.bias", Tensor<float>({3}, {1, 2, 3}));
  set(model, "mix", Tensor<float>({3, 3}, {9, 0.5, 0.25, 9, 9, -0.5, 9, 9, 9}));
  set(model, "log_scale", Tensor<float>({3}, {std::log(2.F), 0, std::log(0.5F)}));
  const Frame frame = Framer(model.frame())(series, std::vector<Origin>{{0, 4}});
  const Index n = 20000;
  const Tensor<float> y = model.draw(frame, {Rng(3), 0, n});
  REQUIRE(y.shape() == Shape{n, 3, 1});
  // By hand: var r0 = 4, cov(r0, r1) = 2, var r1 = 2; r2 = 0.25 r0 - 0.5 r1 + ...: cov(r0, r2) =
  // 1 - 1 = 0, cov(r1, r2) = 0.5 - 1 = -0.5, var r2 = 0.25 + 0.5 - 0.5 + 0.25 = 0.5.
  const double law[3][3] = {{4, 2, 0}, {2, 2, -0.5}, {0, -0.5, 0.5}};
  for (Index i = 0; i < 3; ++i) {
    double mean = 0;
    for (Index p = 0; p < n; ++p) mean += static_cast<double>(y(p, i, 0)) / n;
    // Four standard errors: sqrt(var / n), and sqrt((var var + cov^2) / n) of a covariance.
    CHECK_THAT(mean, WithinAbs(static_cast<double>(i + 1), 4 * std::sqrt(law[i][i] / n)));
    for (Index j = 0; j < 3; ++j) {
      double cov = 0;
      for (Index p = 0; p < n; ++p)
        cov += static_cast<double>(y(p, i, 0) - static_cast<float>(i + 1)) *
               static_cast<double>(y(p, j, 0) - static_cast<float>(j + 1)) / n;
      CHECK_THAT(
          cov,
          WithinAbs(law[i][j], 4 * std::sqrt((law[i][i] * law[j][j] + law[i][j] * law[i][j]) / n)));
    }
  }
  // Path p is keyed by p.
  CHECK(model.draw(frame, {Rng(3), 7, 2}) == y.rows(7, 2));
}

TEST_CASE("linear: learns the predictive law of an autoregression, which is linear",
          "[forecast][linear]") {
  // As the diffusion model is judged, by paths of the true law on the same observations.
  const std::vector<Series> series = autoregressions(40, 220);
  std::vector<Series> past = series;
  for (Series& s : past) s.values.resize(160);
  const Index H = 4, S = 60;
  Forecaster<Linear> model({{.horizon = H, .context = 40, .scaling = Scaling::panel}},
                           {.steps = 600, .learning_rate = 1e-2, .ema = 0.98, .seed = 2});
  model.fit(past);
  std::vector<Origin> origins;
  for (Index s = 0; s < 40; ++s)
    for (Index at = 160; at <= 216; at += 8) origins.push_back({s, at});
  const Tensor<double> paths = model.paths(series, origins, S);
  const Tensor<double> actual = actual_values(series, origins, H);
  Tensor<double> exact(paths.shape());
  const auto z = Rng(9).normal<double>(paths.shape());
  for (Index w = 0; w < paths.dim(0); ++w) {
    const Origin& o = origins[static_cast<std::size_t>(w)];
    for (Index p = 0; p < S; ++p) {
      double v = series[static_cast<std::size_t>(o.series)].value(o.at - 1);
      for (Index h = 0; h < H; ++h) exact(w, p, h) = v = 0.8 * v + z(w, p, h);
    }
  }
  // 41 numbers for each mean from 40 * 160 / 4 windows that do not overlap: a variance larger by
  // 41 / 1600, so a CRPS larger by 1.3 %, with a standard error of as much.
  const double best = crps(exact, actual, Crps::fair), ours = crps(paths, actual, Crps::fair);
  CAPTURE(ours / best);
  CHECK(ours > 0.98 * best);
  CHECK(ours < 1.04 * best);
  CHECK_THAT(coverage(paths, actual, 0.8), WithinAbs(0.8, 0.1));
}
