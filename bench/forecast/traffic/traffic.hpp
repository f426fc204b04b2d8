#pragma once
// Values at the nodes of a graph, and forecasts of them: twelve cells are shown, twelve forecast.

#include "foglift/core/rng.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/kernels/graph/csr.hpp"
#include "foglift/nn/nets/stgcn.hpp"
#include "foglift/nn/nets/ugnet.hpp"

#include <memory>
#include <string>
#include <vector>

constexpr foglift::Index shown = 12, ahead = 12, early = 3;

struct Traffic {
  std::string name, unit;
  foglift::Tensor<float> values;         ///< [cells, nodes], less `mean`, over `deviation`
  double mean = 0, deviation = 1;        ///< of the training cells
  foglift::Csr<float> graph;             ///< weights of edges
  foglift::Index training = 0;           ///< cells, the first ones
  std::vector<std::string> others = {};  ///< rows of what is published

  foglift::Index nodes() const { return values.dim(1); }
};

/// FOLDER/los_speed.csv and los_adj.csv, a week of 207 sensors on the roads of Los Angeles (Zhao et
/// al. 2019; of METR-LA, Li et al. 2018), the first 80 % for training.
Traffic los_loop(const std::string& folder);
/// Vessels between ports: how many are in each cell of an 8 x 8 grid, every ten minutes.
Traffic vessels();

/// First cells of windows of training or test, every so many.
std::vector<foglift::Index> places(const Traffic&, bool test, foglift::Index stride = 1);
/// Windows [n, nodes, shown + ahead] from these cells on.
foglift::Tensor<float> windows(const Traffic&, const std::vector<foglift::Index>& first);

struct Task {
  const Traffic& traffic;
  double seconds = 10;  ///< of each training
  std::uint64_t seed = 1;
  foglift::Index stride = 4;  ///< of the test windows that point forecasts are judged on
  foglift::Index paths = 50;
};

/// Scores in the unit of the data: of the median's RMSE over the first `early` cells and over all,
/// CRPS and coverage of the 80 % band over all, and the RMSE of a point forecast whose inputs were
/// attacked.
struct Result {
  std::string method;
  double early = 0, all = 0, crps = 0, coverage = 0, attacked = 0;
  foglift::Index steps = 0;  ///< of training
};

/// Of paths [n, paths, nodes, ahead] at these places.
Result judged(std::string method, const Traffic&, const std::vector<foglift::Index>& places,
              const foglift::Tensor<float>& paths);
/// Paths around point forecasts [n, nodes, ahead]: errors [m, nodes, ahead] of whole windows, drawn
/// anew for each path.
foglift::Tensor<float> with_errors(const foglift::Tensor<float>& forecasts,
                                   const foglift::Tensor<float>& errors, foglift::Index paths,
                                   std::uint64_t seed);

/// Copies of the last value, and the mean of what is shown.
std::vector<Result> baselines(const Task&);

/// A diffusion model of windows of any length, without a condition.
using Features = std::shared_ptr<const foglift::nn::UGnet<float>>;
Features window_model(const Task&);
/// Windows [count, nodes, length] that it draws.
foglift::Tensor<float> drawn_windows(const Features&, const Task&, foglift::Index count,
                                     foglift::Index length);
/// x [n, nodes, length], noised a little and denoised again, by draw number `draw`.
foglift::Tensor<float> perturbed_windows(const Features&, const Task&,
                                         const foglift::Tensor<float>& x, std::uint64_t draw);

/// Forecasts [n, nodes, ahead] of a trained ST-GCN, and its errors in training.
struct External {
  foglift::Tensor<float> errors;  ///< [m, nodes, ahead]
  foglift::nn::Stgcn<float> net;

  foglift::Tensor<float> operator()(const foglift::Tensor<float>& windows) const;
};

/// ST-GCN by itself, then with each of its aids.
std::vector<Result> stgcn(const Task&, const Features&, std::shared_ptr<External>& plain);
/// DiffSTG by itself, with feedback of its samples' errors, and guided by the ST-GCN; beside it the
/// ST-GCN on the same windows.
std::vector<Result> diffusion(const Task&, const External& plain);
