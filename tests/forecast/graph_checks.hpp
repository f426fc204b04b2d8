#pragma once
// What methods over a graph of channels owe beside the rest.

#include "foglift/forecast/frame/channel_graph.hpp"
#include "forecast/method_checks.hpp"

#include <cmath>

namespace foglift::forecast::owed {

/// One edge of n channels, by which `to` hears of `from`.
inline ChannelGraph edge(Index n, Index to, Index from, float weight = 1) {
  return Csr<float>(n, n, std::vector<Csr<float>::Entry>{{to, from, weight}});
}

/// Channels hear of each other along edges, either way, and not at all without.
template <Method M>
void check_edges() {
  const FrameOptions frame{.horizon = 4, .context = 8, .columns = {3, 0, 0, 0}};
  Series shown{.name = "three", .time = {0, {.seconds = 3600}}, .channels = 3};
  const auto z = Rng(1).normal<double>({12, 3});
  shown.values.assign(z.begin(), z.end());
  Series other = shown;
  for (std::size_t t = 0; t < 8; ++t) other.values[3 * t] = 50 * std::cos(static_cast<double>(t));
  for (const bool joined : {false, true}) {
    auto o = options_of<M>(frame);
    if (joined) o.graph = edge(3, 1, 0);
    Rng rng(1);
    M method(o, rng);
    nn::for_each_parameter(method, [&](const std::string&, auto& p) {  // no weight is 0
      p.value = rng.split().template normal<float>(p.value.shape());
      for (float& v : p.value) v *= 0.2F;
    });
    const auto draws = [&](const Series& s) {
      const Frame f = Framer(method.frame())(std::vector<Series>{s}, std::vector<Origin>{{0, 8}});
      return method.draw(f, {Rng(2), 0, 3});
    };
    const Tensor<float> a = draws(shown), b = draws(other);
    const auto same = [&](int k) { return slice(a, 2, k, 1) == slice(b, 2, k, 1); };
    CHECK_FALSE(same(0));
    CHECK(same(1) == !joined);
    CHECK(same(2));
  }
}

/// A value that is missing is told from one at its location, which both are 0 to a network.
template <Method M>
void check_missing() {
  const std::vector<Series> series = {wave("a", 60, 2, 1)};
  Rng rng(1);
  M method(options_of<M>(frame_of(2)), rng);
  nn::for_each_parameter(method, [&](const std::string&, auto& p) {  // no weight is 0
    p.value = rng.split().template normal<float>(p.value.shape());
    for (float& v : p.value) v *= 0.2F;
  });
  Frame there = Framer(method.frame())(series, std::vector<Origin>{{0, 22}});
  there.context(0, 3, 0) = there.location(0, 0);
  there.context_mask(0, 3, 0) = 1;
  Frame missing_there = there;
  missing_there.context_mask(0, 3, 0) = 0;
  CHECK(there.scaled_context() == missing_there.scaled_context());
  const PathKeys paths{Rng(3), 0, 5};
  CHECK_FALSE(method.draw(there, paths) == method.draw(missing_there, paths));
}

/// Channel 0 is white noise and channel 1 the same a step later, joined to it by an edge: the
/// correlation of the mean of paths with its next value, which the last value of channel 0 tells.
/// It is 0 with a standard error of 0.1 for a method that hears nothing; 250 steps begin to hear.
template <Method M>
double follower_correlation(typename M::Options o) {
  o.frame = {.horizon = 1, .context = 2, .scaling = Scaling::panel, .columns = {2, 0, 0, 0}};
  o.graph = edge(2, 1, 0);
  const Index n = 400, origins = 100, paths = 8;
  Series s{.name = "pair", .time = {0, {.seconds = 3600}}, .channels = 2};
  const auto z = Rng(4).normal<double>({n + 1});
  for (Index t = 0; t < n; ++t) s.values.insert(s.values.end(), {z[t + 1], z[t]});
  const std::vector<Series> panel{s};
  Forecaster<M> model(o, {.batch = 32, .steps = 250, .learning_rate = 5e-3, .seed = 2});
  model.fit(panel);
  std::vector<Origin> last;
  for (Index i = 0; i < origins; ++i) last.push_back({0, n - origins + i});
  const Tensor<double> y = model.paths(panel, last, paths);
  double xx = 0, xy = 0, yy = 0;
  for (Index i = 0; i < origins; ++i) {
    const double x = z[n - origins + i];
    double mean = 0;
    for (Index p = 0; p < paths; ++p) mean += y(i, p, 0, 1) / static_cast<double>(paths);
    xx += x * x, xy += x * mean, yy += mean * mean;
  }
  return xy / std::sqrt(xx * yy);
}

}  // namespace foglift::forecast::owed
