#pragma once

#include "foglift/forecast/dynamics/stretches.hpp"
#include "foglift/nn/nets/unet_options.hpp"

#include <string>
#include <vector>

/// A system that is forecast: courses in units of their channels' deviations.
struct System {
  std::string name;
  foglift::Tensor<float> training, test;  ///< [count, time, ..., channels]
  foglift::nn::UNetOptions net;           ///< but for channels and dropout

  foglift::Index channels() const { return training.dim(-1); }
};

struct Task {
  const System& system;
  foglift::Index horizon = 8;
  foglift::Index members = 10;  ///< of an ensemble
  double seconds = 3;           ///< of training
  std::uint64_t seed = 1;
  double dropout = 0.005;              ///< of the methods whose ensembles are made by it
  double first_stage = 0.4;            ///< of DYffusion's seconds, the share of its interpolator
  foglift::Index extra = 0;            ///< steps of DYffusion beside the whole ones
  double look_ahead = 0.5;             ///< share of it in the loss of DYffusion's forecaster
  foglift::Index sampling_steps = 16;  ///< of diffusion
};

struct Result {
  std::string method;
  double crps = 0, square = 0, spread_skill = 0;
  double drawing = 0;              ///< seconds of all forecasts
  foglift::Index evaluations = 0;  ///< of networks for a member
  foglift::Index steps = 0;        ///< of training
};

std::vector<System> systems();

/// Each is compiled in a file of its own.
Result persistence(const Task&);
std::vector<Result> dropout(const Task&);
std::vector<Result> ddpm(const Task&);
std::vector<Result> video(const Task&);
std::vector<Result> dyffusion(const Task&);  ///< and what becomes of it without its parts
