#pragma once

// The names that examples in the comments of headers take as given. They are members, so that a
// variable may be called grid and grid::karras is still found. Nothing is run.

#include "foglift/autograd/gradcheck.hpp"
#include "foglift/diffusion/verify.hpp"
#include "foglift/foglift.hpp"
#include "foglift/forecast/dynamics/dyffusion.hpp"
#include "foglift/forecast/ensemble.hpp"
#include "foglift/forecast/impute/imputer.hpp"
#include "foglift/forecast/impute/window_imputer.hpp"
#include "foglift/forecast/methods/csdi.hpp"
#include "foglift/forecast/methods/horizon_diffusion.hpp"
#include "foglift/forecast/methods/time_grad.hpp"
#include "foglift/forecast/simulate/wave.hpp"
#include "foglift/forecast/stream/recurrent_stream.hpp"
#include "foglift/forecast/stream/warm_stream.hpp"
#include "foglift/interop/eigen.hpp"
#include "foglift/probe/sink/collect.hpp"

#include <vector>

using namespace foglift;

struct Names {
  using Net = nn::Mlp<float>;
  using Denoise = decltype(NetworkDenoiser(std::declval<const Net&>(), predict::Velocity{},
                                           schedule::Cosine{}));
  using Told = decltype(std::declval<Denoise>().with({}));
  using Variable = Var<float>;

  // values
  Rng& rng;
  const Tensor<float>&x, &x0, &y0, &time, &values, &mask, &noise, &data, &target, &w;
  const Level& level;
  const TimeGrid& grid;
  const Shape& shape;
  const std::vector<Index>& labels;
  const std::vector<Tensor<float>>& batches;
  std::vector<Tensor<float>>& outputs;
  const std::vector<forecast::Series>& series;
  const std::vector<forecast::Origin>& origins;
  const forecast::Forecaster<forecast::TimeGrad>& time_grad;
  const forecast::Forecaster<forecast::HorizonDiffusion<>>& horizon_diffusion;
  const Index &step, &steps;
  std::uint64_t &seed, &k;
  const double& variance;

  // networks and denoisers; a block of a network, and what it is given on a tape
  Net &net, &encoder;
  const nn::Linear<float>& linear;
  static Variable block(const Variable& x, const Variable& e);
  const Variable &h, &e;
  const schedule::Cosine& schedule;
  const process::VariancePreserving<schedule::Linear>& process;
  const DiscreteSchedule& chain;
  const Denoise &denoise, &unconditional, &u, &perturbed, &none, &image;
  const Told &conditional, &c, &both;
  const solver::Known<float>& known;

  // training
  Tape<float>& tape;
  train::FitState<Net, train::AdamW<float>>& state;
  const train::FitOptions& options;
  struct Loss {
    Variable operator()(const Net&, Tape<float>&, const train::Examples&) const;
    operator const Variable&() const;
  };
  struct OfSample {  // for guidance
    template <class X>
    X operator()(const X& x0) const;
    template <class X>
    X operator()(const X& x, const Levels& levels) const;
  };
  const Loss& loss;
  const OfSample& log_p;
  const io::Checkpoint& file;
  train::Adam<float>&opt, &adam, &slow;
};
