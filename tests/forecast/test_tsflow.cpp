// Covers: tsflow process_prior
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/methods/tsflow.hpp"
#include "method_checks.hpp"

#include <Eigen/Dense>

using namespace foglift;
using namespace foglift::forecast;

namespace {

constexpr Index C = 8, H = 4;

TsflowOptions tiny() {
  TsflowOptions o = TsflowOptions::small(owed::frame_of(2));
  o.width = 4, o.layers = 1, o.modes = 2, o.time_features = 4;
  o.process = {.kernel = Kernel::squared_exponential, .length = 2, .noise = 0.2};
  return o;
}

Frame frame_of(const Tsflow& m, Index at = 30) {
  return Framer(m.frame())(std::vector<Series>{owed::wave("a", 60, 2, 1)},
                           std::vector<Origin>{{0, at}});
}

struct Law {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};
/// By the textbook: K_ho (K_oo + s^2 I)^-1 y and K_hh + s^2 I - K_ho (K_oo + s^2 I)^-1 K_oh.
Law posterior(const Window& window, const ProcessOptions& o, Index k) {
  std::vector<Index> seen;
  std::vector<double> y;
  for (Index t = 0; t < C; ++t)
    if (window.mask(0, t, k) != 0)
      seen.push_back(t), y.push_back(static_cast<double>(window.values(0, t, k)));
  const auto kernel = [&](double d) {
    if (o.kernel == Kernel::ornstein_uhlenbeck) return std::exp(-std::abs(d) / o.length);
    if (o.kernel == Kernel::squared_exponential) return std::exp(-0.5 * std::pow(d / o.length, 2));
    return std::exp(-2 * std::pow(std::sin(3.14159265358979324 * d / o.period) / o.length, 2));
  };
  const auto n = std::ssize(seen);
  Eigen::MatrixXd oo(n, n), ho(H, n), hh(H, H);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j)
      oo(i, j) = kernel(double(seen[size_t(i)] - seen[size_t(j)])) + (i == j) * o.noise * o.noise;
    for (Index h = 0; h < H; ++h) ho(h, i) = kernel(double(C + h - seen[size_t(i)]));
  }
  for (Index h = 0; h < H; ++h)
    for (Index g = 0; g < H; ++g) hh(h, g) = kernel(double(h - g)) + (h == g) * o.noise * o.noise;
  const Eigen::MatrixXd inverse = oo.inverse();
  return {ho * inverse * Eigen::Map<Eigen::VectorXd>(y.data(), n),
          hh - ho * inverse * ho.transpose()};
}

}  // namespace

TEST_CASE("process_prior: is the Gaussian process given the context", "[forecast][tsflow]") {
  Rng rng(1);
  const Tsflow m(tiny(), rng);
  Window window = Window::known(frame_of(m));
  for (const bool nothing : {false, true}) {
    if (nothing) window.mask = Tensor<float>(window.mask.shape());
    for (const Kernel kernel :
         {Kernel::ornstein_uhlenbeck, Kernel::squared_exponential, Kernel::periodic}) {
      const ProcessOptions o{.kernel = kernel, .length = 1.7, .period = 6, .noise = 0.3};
      const ProcessPrior prior(window, H, o);
      for (Index k = 0; k < 2; ++k) {
        const Law law =
            nothing ? Law{Eigen::VectorXd::Zero(H), Eigen::MatrixXd()} : posterior(window, o, k);
        for (Index h = 0; h < H; ++h) {
          CHECK_THAT(prior.mean(0, h, k), WithinAbs(law.mean[h], 1e-12));
          for (Index g = 0; g < H; ++g) {
            double sum = 0;
            for (Index i = 0; i < H; ++i)
              sum += prior.factor(0, k, h, i) * prior.factor(0, k, g, i);
            const double expected = nothing ? o(h - g) + (h == g ? 0.09 : 0) : law.covariance(h, g);
            CHECK_THAT(sum, WithinAbs(expected, 1e-12));
          }
        }
      }
    }
  }
  const ProcessPrior prior(window, H, {});
  CHECK_THROWS_AS(prior.shifted(Tensor<float>({2, 3, 2})), ShapeError);
}

TEST_CASE("process_prior: whitened targets lead back", "[forecast][tsflow]") {
  Rng rng(1);
  const Tsflow m(tiny(), rng);
  const ProcessPrior prior(Window::known(frame_of(m)), H, tiny().process);
  const auto z = Rng(2).normal<float>({3, H, 2});
  const Tensor<float> all({3, H, 2}, 1.0F);
  const Tensor<float> back = prior.whitened(prior.shifted(z), all),
                      again = prior.unscaled(prior.scaled(z));
  for (Index i = 0; i < z.size(); ++i) {
    // The factor's condition is below 100: a hundred roundings of float.
    CHECK_THAT(back[i], WithinAbs(z[i], 5e-5));
    CHECK_THAT(again[i], WithinAbs(z[i], 5e-5));
  }
  CHECK(prior.whitened(z, Tensor<float>({3, H, 2})) == Tensor<float>({3, H, 2}));
}

TEST_CASE("tsflow: what every method owes", "[forecast][tsflow]") { owed::check_method<Tsflow>(); }

TEST_CASE("tsflow: before training, paths are the prior, and the loss its distance",
          "[forecast][tsflow]") {
  Rng rng(1);
  const Tsflow m(tiny(), rng);  // its velocity is 0
  const Frame frame = frame_of(m);
  const Window window = Window::known(frame);
  const Index paths = 1000;
  const Tensor<float> y = m.draw(frame, {Rng(2), 0, paths});
  for (Index k = 0; k < 2; ++k) {
    const Law law = posterior(window, tiny().process, k);
    Eigen::MatrixXd x(paths, H);
    for (Index p = 0; p < paths; ++p)
      for (Index h = 0; h < H; ++h) x(p, h) = static_cast<double>(y(p, h, k)) - law.mean[h];
    const Eigen::MatrixXd covariance = x.transpose() * x / double(paths);
    for (Index h = 0; h < H; ++h)
      for (Index g = 0; g < H; ++g) {
        const double size = std::sqrt(law.covariance(h, h) * law.covariance(g, g));
        // Four standard errors: of a covariance at most sqrt(2 / n) of the product of deviations.
        CHECK_THAT(covariance(h, g),
                   WithinAbs(law.covariance(h, g), 4 * size * std::sqrt(2.0 / double(paths))));
        CHECK_THAT(x.col(h).mean(),
                   WithinAbs(0, 4 * std::sqrt(law.covariance(h, h) / double(paths))));
      }
  }
  double sum = 0, square = 0, expected = 0, count = 0;
  const Index steps = 200;
  for (Index step = 0; step < steps; ++step) {
    const double v = static_cast<double>(m.loss(frame, {Rng(3), {.step = step}}).item());
    sum += v, square += v * v;
  }
  const Tensor<float> target = frame.scaled_target();
  for (Index k = 0; k < 2; ++k) {
    const Law law = posterior(window, tiny().process, k);
    for (Index h = 0; h < H; ++h)
      if (frame.target_mask(0, h, k) != 0) {
        expected +=
            std::pow(static_cast<double>(target(0, h, k)) - law.mean[h], 2) + law.covariance(h, h);
        ++count;
      }
  }
  const double mean = sum / steps, error = std::sqrt((square / steps - mean * mean) / steps);
  CHECK_THAT(mean, WithinAbs(expected / count, 4 * error));
}

TEST_CASE("tsflow: the published size, and bad options", "[forecast][tsflow]") {
  Rng rng(1);
  // The paper has some 176 thousand with S4, whose low-rank part S4D lacks.
  const Tsflow published(TsflowOptions::published({.horizon = 30, .context = 30}), rng);
  CHECK(nn::parameter_count(published) == 162'625);
  const auto refused = [&](auto change) {
    TsflowOptions o = tiny();
    change(o);
    CHECK_THROWS_AS(Tsflow(o, rng), ArgumentError);
  };
  refused([](auto& o) { o.process.length = 0; });
  refused([](auto& o) { o.process.noise = 0; });
  refused([](auto& o) { o.sampling_steps = 0; });
}
