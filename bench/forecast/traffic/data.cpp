#include "bench/forecast/number_lines.hpp"
#include "foglift/forecast/score/point.hpp"
#include "traffic.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

using namespace foglift;

namespace {

/// Values in units of their deviation in the training cells.
void standardize(Traffic& t) {
  double square = 0;
  t.training = t.values.dim(0) * 4 / 5;
  const Index n = t.training * t.nodes();
  for (Index i = 0; i < n; ++i) {
    const auto v = static_cast<double>(t.values[i]);
    t.mean += v / static_cast<double>(n), square += v * v / static_cast<double>(n);
  }
  t.deviation = std::sqrt(square - t.mean * t.mean);
  for (float& v : t.values) v = static_cast<float>((static_cast<double>(v) - t.mean) / t.deviation);
}

}  // namespace

Traffic los_loop(const std::string& folder) {
  auto cells = number_lines(folder + "/los_speed.csv");
  const auto edges = number_lines(folder + "/los_adj.csv");
  if (cells.size() < 2 || cells[0].size() != edges.size())
    raise<FormatError>(folder, ": ", cells.size(), " lines of speeds, ", edges.size(),
                       " lines of edges; needed as many of these as columns of speeds");
  cells.erase(cells.begin());  // numbers of sensors
  const Index nodes = std::ssize(edges);
  Traffic t{.name = "Los-loop",
            .unit = "mph",
            .values = Tensor<float>({std::ssize(cells), nodes}),
            .graph = Csr<float>(nodes, nodes, {}),
            .others = {"| published: T-GCN | 5.13 | 7.27 | | | | |"}};
  for (Index i = 0; i < t.values.size(); ++i)
    t.values[i] = static_cast<float>(
        cells[static_cast<std::size_t>(i / nodes)].at(static_cast<std::size_t>(i % nodes)));
  Tensor<float> weights({nodes, nodes});
  for (Index i = 0; i < weights.size(); ++i) {
    const Index a = i / nodes, b = i % nodes;
    if (a != b)
      weights[i] =
          static_cast<float>(edges[static_cast<std::size_t>(a)].at(static_cast<std::size_t>(b)));
  }
  for (Index a = 0; a < nodes; ++a)  // ST-GCN's is without directions
    for (Index b = 0; b < a; ++b)
      weights(a, b) = weights(b, a) = std::max(weights(a, b), weights(b, a));
  t.graph = Csr<float>::of(weights);
  standardize(t);
  return t;
}

Traffic vessels() {
  constexpr Index side = 8, cells = 1500;
  constexpr std::array<std::array<double, 2>, 6> ports = {
      {{0.5, 0.5}, {7.2, 1}, {1, 7}, {7, 6.5}, {4, 0.3}, {3.5, 7.5}}};
  Traffic t{.name = "vessels",
            .unit = "vessels",
            .values = Tensor<float>({cells, side * side}),
            .graph = Csr<float>(side * side, side * side, {})};
  const Rng rng(1);
  std::uint64_t vessel = 0;
  for (Index start = -60; start < cells; ++start) {
    // As many leave as the hour has it: some 1 to 7 in ten minutes.
    const double wave =
        0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(start) / 144);
    const Index leaving = static_cast<Index>(
        1 + 6 * wave * rng.stream(1).uniform(static_cast<std::uint64_t>(start + 60)));
    for (Index i = 0; i < leaving; ++i, ++vessel) {
      const auto pick = [&](std::uint64_t stream) { return rng.stream(stream).uniform(vessel); };
      const auto& from = ports[static_cast<std::size_t>(pick(2) * 6)];
      const auto& to = ports[static_cast<std::size_t>(pick(3) * 6)];
      const double length = std::hypot(to[0] - from[0], to[1] - from[1]);
      const double speed = 0.15 + 0.25 * pick(4), bow = pick(5) - 0.5;
      for (Index step = 0; static_cast<double>(step) * speed < length; ++step) {
        if (start + step < 0 || start + step >= cells) continue;
        // Along a bow between the ports.
        const double s = static_cast<double>(step) * speed / length, off = 4 * bow * s * (1 - s);
        const double x = from[0] + s * (to[0] - from[0]) - off * (to[1] - from[1]) / length;
        const double y = from[1] + s * (to[1] - from[1]) + off * (to[0] - from[0]) / length;
        const auto at = [](double v) {
          return std::clamp(static_cast<Index>(std::floor(v)), Index{0}, side - 1);
        };
        t.values(start + step, at(y) * side + at(x)) += 1;
      }
    }
  }
  Tensor<float> weights({side * side, side * side});
  for (Index i = 0; i < weights.size(); ++i) {
    const Index a = i / (side * side), b = i % (side * side);
    weights[i] = a != b && std::abs(a / side - b / side) <= 1 && std::abs(a % side - b % side) <= 1;
  }
  t.graph = Csr<float>::of(weights);
  standardize(t);
  return t;
}

std::vector<Index> places(const Traffic& t, bool test, Index stride) {
  std::vector<Index> out;
  const Index end = (test ? t.values.dim(0) : t.training) - shown - ahead;
  for (Index at = test ? t.training : 0; at < end; at += stride) out.push_back(at);
  return out;
}

Tensor<float> windows(const Traffic& t, const std::vector<Index>& first) {
  const Index L = shown + ahead, N = t.nodes();
  Tensor<float> out({std::ssize(first), N, L});
  for (Index w = 0; w < out.dim(0); ++w)
    for (Index n = 0; n < N; ++n)
      for (Index l = 0; l < L; ++l)
        out(w, n, l) = t.values(first[static_cast<std::size_t>(w)] + l, n);
  return out;
}

Result judged(std::string method, const Traffic& t, const std::vector<Index>& places,
              const Tensor<float>& paths) {
  const Index W = paths.dim(0), S = paths.dim(1), N = t.nodes();
  const auto scores = [&](Index cells, const auto& f) {
    Tensor<double> drawn({W * N, S, cells}), came({W * N, cells});
    for (Index i = 0; i < came.size(); ++i) {
      const Index c = i % cells, n = i / cells % N, w = i / cells / N;
      const auto value = [&](float z) { return t.mean + t.deviation * static_cast<double>(z); };
      came[i] = value(t.values(places[static_cast<std::size_t>(w)] + shown + c, n));
      for (Index s = 0; s < S; ++s)
        drawn(w * N + n, s, c) = value(paths[((w * S + s) * N + n) * ahead + c]);
    }
    f(drawn, came);
  };
  Result out{.method = std::move(method)};
  const auto rmse = [](const auto& drawn, const auto& came) {
    return forecast::rmse(drawn, came, forecast::Point::median);
  };
  scores(early, [&](const auto& drawn, const auto& came) { out.early = rmse(drawn, came); });
  scores(ahead, [&](const auto& drawn, const auto& came) {
    out.all = rmse(drawn, came);
    out.crps = forecast::crps(drawn, came);
    out.coverage = forecast::coverage(drawn, came, 0.8);
  });
  return out;
}

Tensor<float> with_errors(const Tensor<float>& forecasts, const Tensor<float>& errors, Index paths,
                          std::uint64_t seed) {
  const Index W = forecasts.dim(0), n = forecasts.row_size();
  Tensor<float> out({W, paths, forecasts.dim(1), forecasts.dim(2)});
  for (Index w = 0; w < W; ++w)
    for (Index p = 0; p < paths; ++p) {
      const Index m = Rng(seed).index(errors.dim(0), static_cast<std::uint64_t>(w * paths + p));
      for (Index i = 0; i < n; ++i)
        out[(w * paths + p) * n + i] = forecasts[w * n + i] + errors[m * n + i];
    }
  return out;
}

std::vector<Result> baselines(const Task& task) {
  const auto by = [&](const char* name, const auto& value) {
    const auto forecasts = [&](const Tensor<float>& w) {
      Tensor<float> out({w.dim(0), w.dim(1), ahead});
      for (Index i = 0; i < out.size(); ++i) out[i] = value(w.data() + i / ahead * (shown + ahead));
      return out;
    };
    const Tensor<float> past = windows(task.traffic, places(task.traffic, false, 16));
    Tensor<float> errors = forecasts(past);
    for (Index i = 0; i < errors.size(); ++i)
      errors[i] = past[i / ahead * (shown + ahead) + shown + i % ahead] - errors[i];
    const auto test = places(task.traffic, true, task.stride);
    return judged(
        name, task.traffic, test,
        with_errors(forecasts(windows(task.traffic, test)), errors, task.paths, task.seed));
  };
  return {by("last value", [](const float* w) { return w[shown - 1]; }),
          by("historical average", [](const float* w) {
            float sum = 0;
            for (Index i = 0; i < shown; ++i) sum += w[i] / static_cast<float>(shown);
            return sum;
          })};
}
