// Covers: window_imputer target_strategy
#include "foglift/diffusion/solver/dpm_multi.hpp"
#include "foglift/forecast/impute/window_imputer.hpp"
#include "foglift/forecast/methods/csdi.hpp"
#include "forecast/mask_checks.hpp"

#include <array>
#include <cmath>

using namespace foglift;
using namespace foglift::forecast;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr double half = 0.5;

/// Windows of six cells of two channels.
CsdiOptions tiny() {
  return {.frame = {.horizon = 2, .context = 4, .columns = {.channels = 2}},
          .width = 16,
          .layers = 1,
          .heads = 4,
          .time_features = 8,
          .channel_features = 4,
          .steps = 20,
          .sampling_steps = 20};
}
using Model = WindowImputer<Csdi>;

/// 20 + 3 a, -5 + b: a is an autoregression of 0.8 of variance 1, b = (a + noise) / sqrt(2).
Series pair(Index n, std::uint64_t seed) {
  Series s{.name = "pair", .time = {0, {.seconds = 3600}}, .channels = 2};
  const auto z = Rng(seed).normal<double>({n, 2});
  double a = 0;
  for (Index t = 0; t < n; ++t) {
    a = t > 0 ? 0.8 * a + 0.6 * z(t, 0) : z(t, 0);
    s.values.push_back(20 + 3 * a);
    s.values.push_back(-5 + (a + z(t, 1)) * std::sqrt(half));
  }
  return s;
}
/// Of cells s and t of six, counted by channel within.
double covariance(Index s, Index t) {
  const double a = std::pow(0.8, std::abs(static_cast<double>(s / 2 - t / 2)));
  const double of_b = (s % 2 == 1 ? std::sqrt(half) : 1) * (t % 2 == 1 ? std::sqrt(half) : 1);
  return a * of_b + (s == t && s % 2 == 1 ? half : 0);
}

/// Swept over all known ones, what is left of the matrix is the law of the rest given them:
/// regression on the known in their columns, covariance among the rest.
using Matrix = std::array<std::array<double, 12>, 12>;
Matrix given(const std::vector<Index>& known) {
  Matrix m;
  for (std::size_t i = 0; i < 12; ++i)
    for (std::size_t j = 0; j < 12; ++j)
      m[i][j] = covariance(static_cast<Index>(i), static_cast<Index>(j));
  for (const Index which : known) {
    const auto k = static_cast<std::size_t>(which);
    const double pivot = m[k][k];
    const Matrix old = m;
    for (std::size_t i = 0; i < 12; ++i)
      for (std::size_t j = 0; j < 12; ++j)
        m[i][j] = i == k && j == k   ? -1 / pivot
                  : i == k || j == k ? old[i][j] / pivot
                                     : old[i][j] - old[i][k] * old[k][j] / pivot;
  }
  return m;
}

double at(const Matrix& m, Index i, Index j) {
  return m[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)];
}
/// A value of cell i as the law has it.
double standard(double v, Index i) { return i % 2 == 0 ? (v - 20) / 3 : v + 5; }

/// Location and scale of the channels, as a model shows them.
struct Units {
  std::array<double, 2> location = {}, scale = {};
};
Units units(const Series& s) {
  Units u;
  const auto n = static_cast<double>(s.size());
  for (std::size_t k = 0; k < 2; ++k) {
    for (Index t = 0; t < s.size(); ++t) u.location[k] += s.value(t, static_cast<Index>(k)) / n;
    for (Index t = 0; t < s.size(); ++t)
      u.scale[k] += std::pow(s.value(t, static_cast<Index>(k)) - u.location[k], 2) / n;
    u.scale[k] = std::sqrt(u.scale[k]);
  }
  return u;
}

/// A method that has nothing to learn: its denoiser is that of the law of pair().
class Gaussian {
 public:
  struct Options {
    FrameOptions frame = {.horizon = 2, .context = 4, .columns = {.channels = 2}};
    Index sampling_steps = 200;
    Units units = {};
  };
  Gaussian(const Options& o, Rng&) : options_(o), gain_(Tensor<float>({1}, 1.0F)) {
    options_.frame = Window::frame(o.frame, o.frame.context, "Gaussian");
  }
  const Options& options() const { return options_; }
  const FrameOptions& frame() const { return options_.frame; }

  auto denoiser(const Window& window) const {
    const auto schedule = DiscreteSchedule::scaled_linear(200, {.first = 1e-4, .last = 0.1});
    return NetworkDenoiser(
        [this, window, schedule]<class X>(const X& x, const Tensor<float>& time) {
          if constexpr (std::same_as<X, Tensor<float>>)
            return mean(window, x, schedule.at(static_cast<double>(time[0])));
          else
            return x * use(gain_, x);
        },
        predict::X0{}, schedule);
  }
  auto denoiser(const Window& window, Index paths) const {
    return denoiser(window.repeated(paths));
  }
  FOGLIFT_PRIVATE_CHILDREN(gain);

 private:
  /// E[x0 given x and what is known], for windows that know the same cells: each cell is observed,
  /// one after the other, a known one as it is, another as alpha x0 + sigma eps (Kalman's update).
  Tensor<float> mean(const Window& w, const Tensor<float>& x, const Level& level) const {
    std::array<double, 12> prior{}, alpha{};
    Matrix s{}, gain{};
    const auto zero = [&](std::size_t i) {
      return standard(options_.units.location[i % 2], static_cast<Index>(i));
    };
    const auto size = [&](std::size_t i) { return options_.units.scale[i % 2] / (i % 2 ? 1 : 3); };
    for (std::size_t i = 0; i < 12; ++i) {
      prior[i] = -zero(i) / size(i);
      for (std::size_t j = 0; j < 12; ++j)
        s[i][j] = covariance(static_cast<Index>(i), static_cast<Index>(j)) / size(i) / size(j);
    }
    const auto known = [&](std::size_t i) { return w.mask[static_cast<Index>(i)] != 0; };
    for (std::size_t k = 0; k < 12; ++k) {
      alpha[k] = known(k) ? 1 : level.alpha;
      const double sigma = known(k) ? 0 : level.sigma;
      const double variance = alpha[k] * alpha[k] * s[k][k] + sigma * sigma;
      for (std::size_t i = 0; i < 12; ++i) gain[k][i] = alpha[k] * s[i][k] / variance;
      const auto row = s[k];
      for (std::size_t i = 0; i < 12; ++i)
        for (std::size_t j = 0; j < 12; ++j) s[i][j] -= gain[k][i] * alpha[k] * row[j];
    }
    Tensor<float> out(x.shape());
    for (Index b = 0; b < x.dim(0); ++b) {
      std::array<double, 12> m = prior;
      for (std::size_t k = 0; k < 12; ++k) {
        const Index at = b * 12 + static_cast<Index>(k);
        const double seen = static_cast<double>(known(k) ? w.values[at] : x[at]);
        const double d = seen - alpha[k] * m[k];
        for (std::size_t i = 0; i < 12; ++i) m[i] += gain[k][i] * d;
      }
      for (std::size_t i = 0; i < 12; ++i)
        out[b * 12 + static_cast<Index>(i)] = static_cast<float>(m[i]);
    }
    return out;
  }

  Options options_;
  Parameter<float> gain_;
};

std::vector<float> chosen(TargetStrategy strategy, std::vector<float> known,
                          const std::vector<std::vector<float>>& pool, std::vector<float> u) {
  std::vector<float> hide(known.size(), 7);
  choose_targets(strategy, {3, 2, 1}, known, pool, u, hide);
  return hide;
}

}  // namespace

TEST_CASE("target strategy: masks by hand", "[forecast][impute]") {
  using enum TargetStrategy;
  const std::vector<float> known = {1, 1, 0, 1, 1, 1};
  const std::vector<std::vector<float>> pool = {{1, 1, 1, 1, 1, 1}, {0, 1, 0, 1, 1, 0}};
  const auto u = [](float mix, float pattern, float share, float one) {
    return std::vector<float>{mix, pattern, share, one, 0.1F, 0.5F, 0.2F, 0.3F, 0.9F, 0.4F};
  };
  const std::vector<float> below = {1, 0, 0, 1, 0, 0}, gaps = {1, 0, 0, 0, 0, 1};
  CHECK(chosen(random, known, pool, u(0, 0, 0.4F, 0)) == below);
  CHECK(chosen(historical, known, pool, u(0, 0.6F, 0, 0)) == gaps);
  CHECK(chosen(mix, known, pool, u(0.4F, 0.6F, 0.4F, 0)) == below);
  CHECK(chosen(mix, known, pool, u(0.6F, 0.6F, 0.4F, 0)) == gaps);
  CHECK(chosen(forecast, known, {}, u(0, 0, 0, 0)) == std::vector<float>{0, 0, 0, 0, 1, 1});
  // Where none is hidden, one is: the fourth of five that are known.
  CHECK(chosen(random, known, pool, u(0, 0, 0, 0.7F)) == std::vector<float>{0, 0, 0, 0, 1, 0});
  CHECK(chosen(historical, known, pool, u(0, 0.2F, 0, 0)) == std::vector<float>{1, 0, 0, 0, 0, 0});
  CHECK(chosen(random, {0, 0, 0, 0, 0, 0}, pool, u(0, 0, 0.4F, 0)) == std::vector<float>(6, 0.0F));
  CHECK_THROWS_AS(chosen(mix, known, {}, u(0.6F, 0, 0, 0)), ArgumentError);
}

TEST_CASE("target strategy: blocks by hand", "[forecast][impute]") {
  // Six cells of two channels, blocks of three to five cells. Shares of 15 %: in channel 0 the
  // second cell begins one of 3 + 1 cells, 0.08 being in the middle third of 0.15, of which the
  // second is not known, and no target; in channel 1 the fifth one of 3, of which two are in the
  // window. The first cell of channel 1 is hidden by itself.
  const float half_way = 0.08F, alone = 0.97F;
  const std::vector<float> known = {1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1};
  std::vector<float> u(16, 0.5F), hide(12, 7);
  u[2] = 1;
  u[4 + 2] = half_way, u[4 + 9] = 0, u[4 + 1] = alone;
  choose_targets(TargetStrategy::block, {6, 2, 1}, known, {}, u, hide);
  CHECK(hide == std::vector<float>{0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 1});
  u[2] = 0.4F;  // 6 %: the second cell begins none
  choose_targets(TargetStrategy::block, {6, 2, 1}, known, {}, u, hide);
  CHECK(hide == std::vector<float>{0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1});
}

TEST_CASE("window imputer: what a method knows of a gap is what is drawn", "[forecast][impute]") {
  // Windows miss two cells of a, all of b, or the end of both. Distances from the conditional mean
  // over the 20 windows of a kind and 150 paths; 4.5 standard errors of 3000 draws: of a variance
  // 4.5 sqrt(2 / 3000) = 12 % of it, of a mean 8 % of a deviation.
  const std::vector<Series> train{pair(400, 5)};
  WindowImputer<Gaussian> model({.units = units(train[0])}, {.steps = 1, .learning_rate = 0});
  model.fit({.train = train});
  const std::vector<std::vector<Index>> kinds = {{4, 6}, {1, 3, 5, 7, 9, 11}, {8, 9, 10, 11}};
  std::vector<Series> panel{pair(360, 6)};
  const std::vector<double> whole = panel[0].values;
  for (Index w = 0; w < 60; ++w)
    for (const Index i : kinds[static_cast<std::size_t>(w % 3)])
      panel[0].values[static_cast<std::size_t>(12 * w + i)] = missing;
  const auto check = [&](const Tensor<double>& y) {
    for (Index kind = 0; kind < 3; ++kind) {
      const auto& gap = kinds[static_cast<std::size_t>(kind)];
      std::vector<Index> known;
      for (Index i = 0; i < 12; ++i)
        if (std::find(gap.begin(), gap.end(), i) == gap.end()) known.push_back(i);
      const Matrix law = given(known);
      const auto distance = [&](Index w, Index p, Index i) {
        double d = standard(y(p, 6 * w + i / 2, i % 2), i);
        for (const Index k : known)
          d -= at(law, i, k) * standard(whole[static_cast<std::size_t>(12 * w + k)], k);
        return d;
      };
      const Index first = gap[0], second = gap[1];
      double mean = 0, square = 0, product = 0;
      for (Index w = kind; w < 60; w += 3)
        for (Index p = 0; p < 150; ++p) {
          const double d = distance(w, p, first);
          mean += d / 3000, square += d * d / 3000, product += d * distance(w, p, second) / 3000;
        }
      const double v = at(law, first, first), other = at(law, second, second);
      INFO("kind " << kind << ": mean " << mean << " variance " << square << ", law " << v
                   << ", covariance " << product << ", law " << at(law, first, second));
      CHECK(std::abs(mean) < 0.08 * std::sqrt(v));
      CHECK(std::abs(square - v) < 0.12 * v);
      CHECK(std::abs(product - at(law, first, second)) < 0.12 * std::sqrt(v * other));
    }
    for (Index i = 0; i < 720; ++i)
      if (!std::isnan(panel[0].values[static_cast<std::size_t>(i)]))
        REQUIRE(y(7, i / 2, i % 2) == whole[static_cast<std::size_t>(i)]);
  };
  check(model.paths(panel, 0, 150));
  check(model.paths(panel, 0, 150, solver::DpmMulti<2>{}, 40));
}

TEST_CASE("window imputer: a gap is learned", "[forecast][impute][csdi]") {
  // Cells 2 and 3 of a are missing; given the rest, b with it, the variance is 0.21, without
  // anything 1. What 600 short steps learn is nearer to the first.
  const std::vector<Series> train{pair(1200, 5)};
  std::vector<Series> gaps{pair(6, 7)}, panel{pair(360, 6)};
  gaps[0].values[4] = gaps[0].values[6] = missing;
  const std::vector<double> whole = panel[0].values;
  for (std::size_t w = 0; w < 60; ++w)
    panel[0].values[12 * w + 4] = panel[0].values[12 * w + 6] = missing;
  Model model(tiny(), {.strategy = TargetStrategy::historical,
                       .batch = 32,
                       .steps = 600,
                       .learning_rate = 5e-3,
                       .seed = 3});
  model.fit({.train = train, .patterns = gaps});
  const Tensor<double> y = model.paths(panel, 0, 20);
  Matrix law = given({0, 1, 2, 3, 5, 7, 8, 9, 10, 11});
  double variance = 0;
  for (Index w = 0; w < 60; ++w)
    for (Index p = 0; p < 20; ++p) {
      double d = standard(y(p, 6 * w + 2, 0), 4);
      for (Index k = 0; k < 12; ++k)
        if (k != 4 && k != 6)
          d -= at(law, 4, k) * standard(whole[static_cast<std::size_t>(12 * w + k)], k);
      variance += d * d / 1200;
    }
  INFO("variance " << variance);
  CHECK(variance < (at(law, 4, 4) + 1) / 2);
  CHECK(variance > at(law, 4, 4) / 2);
}

TEST_CASE("window imputer: a draw depends on its window, the seed and the path",
          "[forecast][impute]") {
  std::vector<Series> panel{pair(20, 1)};  // windows from 0, 6, 12 and, for two cells, from 14 on
  for (const std::size_t i : {3U, 16U, 37U, 38U, 39U}) panel[0].values[i] = missing;
  WindowImputerOptions o{.batch = 4, .steps = 4, .learning_rate = 1e-2};
  Model model(tiny(), o);
  CHECK_THROWS_AS(model.paths(panel, 0, 1), ArgumentError);
  model.fit({.train = panel});
  set_threads(2);
  const Tensor<double> y = model.paths(panel, 0, 60);
  set_threads(1);
  const Tensor<double> few = model.paths(panel, 0, 30);
  set_threads(2);
  for (Index i = 0; i < few.size(); ++i) REQUIRE(few[i] == y[i]);
  CHECK(y(0, 18, 1) != y(1, 18, 1));
  CHECK(y(0, 18, 1) != y(25, 18, 1));

  const auto changed = [&](Index cell) {
    std::vector<Series> other = panel;
    other[0].values[static_cast<std::size_t>(2 * cell)] += 5;
    return model.paths(other, 0, 2);
  };
  // Cell 13 is in the third window, 14 in the last one too.
  CHECK(changed(13)(0, 18, 1) == y(0, 18, 1));
  CHECK(changed(14)(0, 18, 1) != y(0, 18, 1));
  CHECK(changed(13)(0, 8, 0) == y(0, 8, 0));
  CHECK(changed(7)(0, 8, 0) != y(0, 8, 0));

  std::vector<Series> twice{pair(6, 2)};
  twice[0].values[4] = missing;
  twice[0].values.insert(twice[0].values.end(), twice[0].values.begin(),
                         twice[0].values.begin() + 12);
  const Tensor<double> z = model.paths(twice, 0, 1);
  CHECK(z(0, 2, 0) != z(0, 8, 0));
}

TEST_CASE("window imputer: what is hidden is not read", "[forecast][impute]") {
  Window window{Tensor<float>({1, 6, 2}, 0.5F), Tensor<float>({1, 6, 2}, 1.0F),
                Tensor<float>({1, 6, 0})};
  Tensor<float> hide({1, 6, 2});
  hide(0, 2, 0) = hide(0, 5, 1) = 1;
  Rng rng(2);
  Csdi net(tiny(), rng);
  nn::for_each_parameter(net, [&](const std::string& name, auto& p) {
    if (name == "output.weight") p.value.fill(0.1F);
  });
  const Tensor<float> x = Rng(3).normal<float>({1, 6, 2});
  const Level level{0.5, 0.8, 0.6};
  const Tensor<float> y = net.denoiser(window.without(hide))(x, level);
  for (const float v : {1e9F, std::numeric_limits<float>::quiet_NaN()}) {
    window.values(0, 2, 0) = window.values(0, 5, 1) = v;
    CHECK(net.denoiser(window.without(hide))(x, level) == y);
  }
  // What noise stands at known values is not, either.
  Tensor<float> other = x;
  other(0, 0, 0) = 1e6F;
  const Tensor<float> z = net.denoiser(window.without(hide))(other, level);
  CHECK(z(0, 2, 0) == y(0, 2, 0));
  CHECK(z(0, 5, 1) == y(0, 5, 1));
}

TEST_CASE("window imputer: the horizon is one mask of many", "[forecast][impute][csdi]") {
  owed::check_any_mask<Csdi>(tiny(), [](const Window& w) {
    return Csdi::Seen{w.values.reshaped({1, 6, 2, 1}), w.places(tiny().time_features)};
  });
}

TEST_CASE("window imputer: stopped and resumed, the same bits", "[forecast][impute]") {
  const std::vector<Series> panel{pair(60, 1)}, held_out{pair(14, 2)};
  std::vector<Series> gaps{pair(30, 3)};
  for (std::size_t i = 10; i < 20; ++i) gaps[0].values[i] = missing;
  const WindowImputerOptions o{.batch = 4, .steps = 8, .validate_every = 2};
  const ImputeData data{.train = panel, .held_out = held_out, .patterns = gaps};
  Model whole(tiny(), o), parts(tiny(), o);
  whole.fit(data);
  REQUIRE(whole.state().best);
  const auto at_five = [](const auto& state) -> std::optional<train::FitEnd> {
    if (state.step == 5) return train::FitEnd::stopped;
    return std::nullopt;
  };
  struct Stop {
    decltype(at_five) before_step;
  } stop{at_five};
  CHECK(parts.fit(data, stop) == train::FitEnd::stopped);
  CHECK(parts.fit(data) == train::FitEnd::steps);
  CHECK(parts.paths(gaps, 0, 2)(1, 7, 1) == whole.paths(gaps, 0, 2)(1, 7, 1));
  CHECK(parts.state().best_metric == whole.state().best_metric);
}

TEST_CASE("window imputer: what can not be", "[forecast][impute]") {
  const WindowImputerOptions o{.batch = 2, .steps = 1};
  const std::vector<Series> panel{pair(20, 1)}, brief{pair(5, 1)};
  Model model(tiny(), o);
  CHECK_THROWS_AS(model.fit({.train = brief}), ArgumentError);
  model.fit({.train = panel});
  CHECK_THROWS_AS(model.paths(panel, 1, 1), ArgumentError);
  CHECK_THROWS_AS(model.paths(panel, 0, 0), ArgumentError);
  CHECK_THROWS_AS(model.paths(brief, 0, 1), ArgumentError);
  std::vector<Series> gap = panel;
  gap[0].values[4] = missing;
  CHECK_THROWS_AS(model.paths(gap, 0, 1, solver::Ddpm{}, 21), ArgumentError);
  std::vector<Series> wide = panel;
  wide[0].statics = {1};
  CHECK_THROWS_AS(model.fit({.train = wide}), ArgumentError);
}
