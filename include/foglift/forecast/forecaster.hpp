#pragma once

#include "foglift/autograd/packed_weights.hpp"
#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/forecast/window.hpp"
#include "foglift/nn/unet.hpp"
#include "foglift/train/adam.hpp"
#include "foglift/train/fit.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace foglift {
inline namespace v0 {
namespace forecast {

struct ForecasterOptions {
  WindowOptions window = {};
  Index validation =
      0;  ///< cells at the end of every series that choose the weights and train none
  Index batch = 64;
  Index steps = 1000;
  Index warm_up =
      50;  ///< steps until the learning rate is reached; half a cosine then takes it to 0
  double learning_rate = 2e-3;
  double weight_decay = 0.01;
  double clip = 1;
  double ema = 0.995;
  Index validate_every = 100;
  Index checkpoint_every = 0;  ///< steps between calls of the checkpoint callback; 0: never
  Index sampling_steps = 16;
  bool non_negative = false;  ///< cut paths off at 0
  std::uint64_t seed = 1;
};

/// Probabilistic forecasts by a conditional diffusion model, global over many series: the network
/// sees noisy targets of a window beside its features (see Windower) and learns their velocity on a
/// cosine schedule; forecasts are sample paths of the whole horizon. `Net` is a denoiser of
/// [B, horizon, channels] with Options that have `in` and `out`: nn::UNet1d, nn::Dit1d.
///
///   Forecaster<> model({.window = {.horizon = 24, .context = 168, .seasons = {24}}});
///   model.fit(series);
///   auto paths = model.paths(series, origins, 100);           // [origins, 100, 24]
///   io::save_checkpoint("model.safetensors", model.state(), "");
///   io::Checkpoint("model.safetensors").restore(other.state());   // built with the same options
template <class Net = nn::UNet1d<float>>
class Forecaster {
 public:
  using State = train::FitState<Net, train::AdamW<float>>;
  using Callbacks = train::FitCallbacks<Net, train::AdamW<float>>;

  /// `net` without its `in` and `out`, which follow from the windows. Throws what Windower and Net
  /// throw, and ArgumentError for a negative number.
  explicit Forecaster(const ForecasterOptions& options, typename Net::Options net = {})
      : options_(options), windower_(options.window), state_(initial(options, windower_, net)) {
    if (options.validation < 0 || options.sampling_steps < 1)
      raise<ArgumentError>("Forecaster: validation ", options.validation, ", sampling_steps ",
                           options.sampling_steps, "; needed at least 0 and 1");
  }

  const ForecasterOptions& options() const { return options_; }
  const Windower& windower() const { return windower_; }
  /// Everything that training has become: what a checkpoint keeps, and puts back before `fit`.
  State& state() { return state_; }
  const State& state() const { return state_; }
  /// Root mean square of the training targets; the network sees targets divided by it. It is a part
  /// of state(), so of its checkpoints. Throws ArgumentError if the model was never trained, or if
  /// its state is of a checkpoint that did not keep it: `fit` on the training series finds it
  /// again.
  double spread() const {
    if (state_.step == 0)
      raise<ArgumentError>("Forecaster: not trained; call fit, or restore a checkpoint");
    return fitted_spread();
  }

  /// Trains on every window of the series that ends before their validation cells, and keeps the
  /// averaged weights that are best on the windows of those cells (the last ones without
  /// validation). Goes on from state(): a fit that was stopped is resumed by another, and keeps the
  /// scale of the targets that it had. Throws ArgumentError if no window has a season before it and
  /// a value in it, NumericError for a value that is infinite, or a million scales away from the
  /// naive forecast of its window, and what train::fit does.
  train::FitEnd fit(std::span<const Series> series, const Callbacks& on = {}) {
    const std::vector<Origin> origins = training_origins(series);
    const std::vector<Origin> held_out = validation_origins(series);
    check_targets(series, origins);
    check_targets(series, held_out);
    if (state_.step == 0 || state_.fitted.count(spread_name) == 0)
      state_.fitted[spread_name] = Tensor<double>({1}, root_mean_square(series, origins));
    Callbacks callbacks = on;
    if (!held_out.empty())
      callbacks.metric = [&](const Net& net) { return validation_loss(net, series, held_out); };
    const train::FitOptions fit{.examples = static_cast<Index>(origins.size()),
                                .batch = options_.batch,
                                .steps = options_.steps,
                                .rate = train::CosineRate{options_.steps, options_.warm_up},
                                .clip = options_.clip,
                                .ema = {.decay = options_.ema},
                                .validate_every = held_out.empty() ? 0 : options_.validate_every,
                                .checkpoint_every = options_.checkpoint_every};
    const Rng noise = Rng(options_.seed).stream(train_stream);
    const Rng dropouts = Rng(options_.seed).stream(dropout_stream);
    const auto loss = [&](const Net& net, Tape<float>& tape, const train::Examples& examples) {
      std::vector<Origin> batch;
      for (const Index i : examples.index) batch.push_back(origins[static_cast<std::size_t>(i)]);
      const Draws keys{.samples = examples.draws.samples, .step = examples.draws.step};
      const Windows windows = windower_(series, batch);
      nn::Condition<float> condition;
      condition.dropout = {dropouts.stream(keys.samples.front()), 0, keys.step};
      return denoiser(net, windows.features, condition)
          .loss(tape, scaled_target(windows), noise, keys, {.weight = &windows.weight});
    };
    return train::fit(state_, loss, fit, callbacks);
  }

  /// Sample paths [origins, paths, horizon] of what follows each origin, in the unit of the series,
  /// by DDIM. Path p of an origin depends on the seed, the origin and p alone: not on the other
  /// origins, the number of paths or the threads. Throws what spread and Windower do.
  Tensor<double> paths(std::span<const Series> series, std::span<const Origin> origins,
                       Index paths) const {
    const Index H = options_.window.horizon, W = static_cast<Index>(origins.size());
    if (paths < 1) raise<ArgumentError>("Forecaster::paths: ", paths, " paths");
    const double spread = this->spread();
    const Windows windows = windower_(series, origins);
    Tensor<double> out({W, paths, H});
    const Index shards = (paths + shard - 1) / shard;
    parallel_for(W * shards, 1, [&](Index job) {
      const Index w = job / shards, first = job % shards * shard;
      const Index count = std::min(shard, paths - first);
      const Tensor<float> z = draw(windows, w, origins[static_cast<std::size_t>(w)], first, count);
      for (Index p = 0; p < count; ++p)
        for (Index h = 0; h < H; ++h) {
          const double v = windows.baseline(w, h) + windows.scale[static_cast<std::size_t>(w)] *
                                                        spread * static_cast<double>(z(p, h, 0));
          out(w, first + p, h) = options_.non_negative ? std::max(v, 0.0) : v;
        }
    });
    return out;
  }

 private:
  static constexpr std::uint64_t net_stream = 1, train_stream = 2, validation_stream = 3,
                                 path_stream = 4, dropout_stream = 5;
  static constexpr Index shard = 25;          // paths of one call of the network
  static constexpr Index repetitions = 4;     // noise levels at which a validation window is judged
  static constexpr Index most_windows = 64;   // of one validation
  static constexpr double most_scales = 1e6;  // of a target; more drown all others in float
  static constexpr const char* spread_name = "spread";

  double fitted_spread() const {
    const auto found = state_.fitted.find(spread_name);
    if (found == state_.fitted.end())
      raise<ArgumentError>("Forecaster: trained for ", state_.step,
                           " steps, but the state has no \"", spread_name,
                           "\", the scale of its targets; older checkpoints did not keep it: fit "
                           "on the series of the training finds it again");
    const Tensor<double>& s = found->second;
    if (s.size() != 1 || !(s[0] > 0 && s[0] < largest_value))
      raise<ArgumentError>("Forecaster: the state's \"", spread_name, "\" is no positive number");
    return s[0];
  }

  static State initial(const ForecasterOptions& o, const Windower& windower,
                       typename Net::Options net) {
    net.in = 1 + windower.features();
    net.out = 1;
    Rng rng = Rng(o.seed).stream(net_stream);
    State state(Net(net, rng),
                train::AdamW<float>({.lr = o.learning_rate, .weight_decay = o.weight_decay}),
                o.seed);
    state.made_for = windower.description();
    state.made_for.merge(denoiser(state.model, {}, {}).description());
    return state;
  }

  /// Every window that ends before the validation cells and holds a value.
  std::vector<Origin> training_origins(std::span<const Series> series) const {
    std::vector<Origin> origins;
    for (std::size_t s = 0; s < series.size(); ++s) {
      const Index last = series[s].size() - options_.validation - options_.window.horizon;
      for (Index at = windower_.season(); at <= last; ++at)
        add_origin(series, {static_cast<Index>(s), at}, origins);
    }
    if (origins.empty())
      raise<ArgumentError>("Forecaster::fit: no window to train on: ", series.size(),
                           " series, season ", windower_.season(), ", horizon ",
                           options_.window.horizon, ", validation ", options_.validation);
    return origins;
  }

  /// At most `most_windows` windows, evenly spaced over the validation cells of every series.
  std::vector<Origin> validation_origins(std::span<const Series> series) const {
    std::vector<Origin> origins;
    const Index room = options_.validation - options_.window.horizon;
    const Index each = std::max<Index>(1, most_windows / std::max<Index>(1, std::ssize(series)));
    for (std::size_t s = 0; s < series.size() && room >= 0; ++s)
      for (Index i = 0, count = std::min(each, room + 1); i < count; ++i) {
        const Index back = room * (count - 1 - i) / std::max<Index>(1, count - 1);
        const Index at = series[s].size() - options_.window.horizon - back;
        if (at >= windower_.season()) add_origin(series, {static_cast<Index>(s), at}, origins);
      }
    return origins;
  }

  void add_origin(std::span<const Series> series, const Origin& o,
                  std::vector<Origin>& origins) const {
    const double* x = series[static_cast<std::size_t>(o.series)].values.data() + o.at;
    if (std::any_of(x, x + options_.window.horizon, [](double v) { return !std::isnan(v); }))
      origins.push_back(o);
  }

  void check_targets(std::span<const Series> series, std::span<const Origin> origins) const {
    for (std::size_t i = 0; i < origins.size(); ++i) {
      const Origin& o = origins[i];
      const Windows w = windower_.targets(series, origins.subspan(i, 1));
      for (Index h = 0; h < options_.window.horizon; ++h)
        if (const auto z = static_cast<double>(w.target[h]); !(std::abs(z) <= most_scales)) {
          const Series& s = series[static_cast<std::size_t>(o.series)];
          raise<NumericError>("Forecaster::fit: cell ", o.at + h, " of series \"", s.name, "\" is ",
                              s.values[static_cast<std::size_t>(o.at + h)], ", ", std::abs(z),
                              " scales of the past before cell ", o.at,
                              " from its naive forecast, at most ", most_scales,
                              " can be learned; NaN marks a missing value");
        }
    }
  }

  double root_mean_square(std::span<const Series> series, std::span<const Origin> origins) const {
    double sum = 0, count = 0;
    const Index stride = (std::ssize(origins) + 4095) / 4096;  // as many windows tell enough
    for (Index i = 0; i < std::ssize(origins); i += stride) {
      const Windows w = windower_.targets(series, origins.subspan(static_cast<std::size_t>(i), 1));
      for (const float v : w.target) sum += static_cast<double>(v) * static_cast<double>(v);
      for (const float v : w.weight) count += static_cast<double>(v);
    }
    const double rms = std::sqrt(sum / count);
    return rms > 0 ? rms : 1;
  }

  /// What is trained and sampled: the network with the features beside its noisy input. Refers to
  /// all three.
  static auto denoiser(const Net& net, const Tensor<float>& features,
                       const nn::Condition<float>& condition) {
    return NetworkDenoiser(
        [&](const auto& x, const Tensor<float>& time) {
          return net(concat({x, constant(features, x)}, 2), time, condition);
        },
        predict::Velocity{}, schedule::Cosine{});
  }

  /// What the network learns of windows: their targets in units of the spread.
  Tensor<float> scaled_target(const Windows& windows) const {
    Tensor<float> x0 = windows.target;
    const auto spread = static_cast<float>(fitted_spread());
    for (float& v : x0) v /= spread;
    return x0;
  }

  /// The loss on the same windows, noise and levels every time it is asked.
  double validation_loss(const Net& net, std::span<const Series> series,
                         std::span<const Origin> origins) const {
    const Windows windows = windower_(series, origins);
    const Tensor<float> x0 = scaled_target(windows);
    const Rng noise = Rng(options_.seed).stream(validation_stream);
    const nn::Condition<float> none;
    const auto denoise = denoiser(net, windows.features, none);
    double sum = 0;
    for (Index r = 0; r < repetitions; ++r)
      sum += static_cast<double>(
          denoise.loss(x0, noise, {.step = r}, {.weight = &windows.weight}).item());
    return sum / repetitions;
  }

  /// Scaled targets [count, horizon, 1] of paths [first, first + count) of window w.
  Tensor<float> draw(const Windows& windows, Index w, const Origin& origin, Index first,
                     Index count) const {
    const Tensor<float> one = windows.features.rows(w, 1);
    Tensor<float> features(one.shape().with(0, count));
    for (Index p = 0; p < count; ++p)
      std::copy(one.begin(), one.end(), features.data() + p * one.size());
    const nn::Condition<float> none;
    const auto denoise = denoiser(state_.result(), features, none);
    const PackedWeights packed(state_.result());
    const Rng rng = Rng(options_.seed)
                        .stream(path_stream)
                        .stream(static_cast<std::uint64_t>(origin.series))
                        .stream(static_cast<std::uint64_t>(origin.at));
    return sample(solver::Ddim{}, denoise, {count, options_.window.horizon, 1},
                  grid::uniform(denoise, options_.sampling_steps), rng,
                  {.first_sample = static_cast<std::uint64_t>(first)});
  }

  ForecasterOptions options_;
  Windower windower_;
  State state_;
};

}  // namespace forecast
}  // namespace v0
}  // namespace foglift
