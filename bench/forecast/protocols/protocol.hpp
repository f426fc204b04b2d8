#pragma once
// The protocols by which papers compare probabilistic forecasts, as far as public files go.

#include "bench/forecast/number_lines.hpp"
#include "foglift/forecast/baselines.hpp"
#include "foglift/forecast/forecaster.hpp"
#include "foglift/forecast/score/backtest.hpp"

#include <cmath>
#include <functional>
#include <string>
#include <vector>

struct Published {
  const char* name;
  const char* number;
};

/// Data, windows and the trivial forecast of one protocol.
struct Protocol {
  std::string title;       ///< in words
  std::string convention;  ///< what its CRPS is
  std::vector<foglift::forecast::Series> past, series;
  std::vector<foglift::forecast::Origin> origins = {};
  foglift::forecast::FrameOptions frame = {};
  foglift::Index validation = 0;
  /// The number that papers print, of paths [cells, paths, horizon] and what came.
  std::function<double(const foglift::Tensor<double>&, const foglift::Tensor<double>&)> crps;
  /// Paths [paths, horizon] without a model.
  std::string trivial_name;
  std::function<foglift::Tensor<double>(
      std::span<const double>, const foglift::forecast::BaselineOptions&, const foglift::Rng&)>
      trivial;
  std::vector<Published> published = {};
};

/// Paths [W, S, H] or [W, S, H, K] with every channel a window of its own: [W K, S, H].
inline foglift::Tensor<double> each_channel(const foglift::Tensor<double>& paths) {
  using foglift::Index;
  const Index W = paths.dim(0), S = paths.dim(1), H = paths.dim(2);
  const Index K = paths.shape().rank() > 3 ? paths.dim(3) : 1;
  foglift::Tensor<double> out({W * K, S, H});
  for (Index i = 0; i < paths.size(); ++i) {
    const Index k = i % K, h = i / K % H, s = i / K / H % S, w = i / K / H / S;
    out(w * K + k, s, h) = paths[i];
  }
  return out;
}

Protocol m4_hourly(const std::string& folder);
Protocol exchange(const std::string& folder);
Protocol etth1(const std::string& folder);
