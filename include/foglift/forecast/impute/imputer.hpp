#pragma once

#include "foglift/diffusion/denoiser.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddim.hpp"
#include "foglift/forecast/impute/window.hpp"
#include "foglift/nn/nets/unet.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {

/// How an Imputer is made and trained.
struct ImputerOptions {
  Index window = 48;  ///< cells that are looked at together
  Index season = 1;   ///< taken off by seasonal_fill()
  Calendar calendar = {};
  Columns columns = {};  ///< of the panel; one channel
  /// But for `in` and `out`.
  nn::UNet1d<float>::Options net = {
      .width = 24, .multipliers = {1, 2}, .blocks = 1, .middle_attention = false, .dropout = 0.1};
  Index sampling_steps = 16;  ///< of DDIM
  Index batch = 32;
  Index steps = 1000;
  double learning_rate = 2e-3;
  std::uint64_t seed = 1;
};

/// Draws of missing values by a conditional diffusion model that is trained on known ones: in every
/// window of a panel some are hidden, and a U-Net learns what they were from those left. Half of
/// the windows hide a random share of their cells, the others a stretch as long as a gap of the
/// panel (the mixed strategy of CSDI: Tashiro et al. 2021, section 4.3; its attention over times
/// learned the covariance of a random walk's gaps less well in twice the time). What is learned is
/// the distance from straight lines between values without their season, so an untrained model is
/// seasonal_fill() with errors about it. Series of one channel.
///
///   forecast::Imputer imputer({.season = 24, .columns = forecast::Panel(series).columns()});
///   imputer.fit(series);
///   auto paths = imputer.paths(series, 0, 100);  // [100, cells]
class Imputer {
  /// What the network says of noisy distances [B, L, 1]. Refers to all that it is given.
  auto denoiser(const nn::UNet1d<float>& net, const ImputeBatch& seen,
                const nn::Call<>& call) const {
    return NetworkDenoiser(
        [&](const auto& x, const Tensor<float>& time) {
          return net(concat({x * constant(seen.unknown, x), constant(seen.side, x)}, 2), time, {},
                     call);
        },
        predict::Velocity{}, schedule::Cosine{});
  }

 public:
  using Net = nn::UNet1d<float>;
  using State = train::FitState<Net, train::AdamW<float>>;

  /// Throws ArgumentError for several channels, a window of fewer than 4 cells, or a number that is
  /// not positive, and what nn::UNet1d does.
  explicit Imputer(const ImputerOptions& o) : options_(checked(o)), state_(initial(o)) {}

  const ImputerOptions& options() const { return options_; }
  State& state() { return state_; }
  const State& state() const { return state_; }

  /// Trains on every window of the panel that holds two known values. Callbacks are those of
  /// train::fit. Throws ArgumentError if there is no such window, NumericError for a value that is
  /// not usable(), and what train::fit does.
  template <class... On>
  train::FitEnd fit(const Panel& panel, On&&... on) {
    const ImputeWindows windows(panel, window_options());
    const std::vector<Origin> places = windows.places(options_.window);
    if (places.empty())
      raise<ArgumentError>("Imputer::fit: no window of ", options_.window,
                           " cells holds two known values");
    if (state_.fitted.count("spread") == 0)
      state_.fitted["spread"] = Tensor<double>({1}, spread(windows, places));
    const Rng noise = Rng(options_.seed).stream(noise_stream);
    const Rng dropouts = Rng(options_.seed).stream(dropout_stream);
    const auto loss = [&](const Net& net, Tape<float>& tape, const train::Examples& examples) {
      const Draws draws{.samples = examples.draws.samples, .step = examples.draws.step};
      const nn::Call<> call(
          nn::DropoutNoise{dropouts.stream(draws.samples.front()), 0, draws.step});
      const ImputeBatch batch = hidden(windows, places, examples.index, draws);
      return denoiser(net, batch, call)
          .loss(tape, batch.target, noise, draws, {.weight = &batch.target_mask});
    };
    return train::fit(state_, loss,
                      {.examples = std::ssize(places),
                       .batch = options_.batch,
                       .steps = options_.steps,
                       .rate = train::CosineRate{options_.steps, options_.steps / 20},
                       .clip = 1,
                       .ema = {.decay = 0.99}},
                      on...);
  }

  /// Paths [paths, cells] of a series of the panel: known values as they are, draws in the gaps
  /// between them, NaN before the first and behind the last. A gap's cells are drawn together, by
  /// windows that move on half their length and see what was drawn before. Path p depends on the
  /// seed, the series and p alone. on_window(done, all) is called after each window. Throws
  /// ArgumentError before `fit`, for a series that is not there, or no paths.
  Tensor<double> paths(const Panel& panel, Index series, Index paths,
                       const std::function<void(Index, Index)>& on_window = {}) const {
    if (state_.step == 0) raise<ArgumentError>("Imputer::paths: not trained; call fit");
    if (series < 0 || series >= panel.size() || paths < 1)
      raise<ArgumentError>("Imputer::paths: series ", series, " of ", panel.size(), ", ", paths,
                           " paths");
    const ImputeWindows windows(panel, window_options());
    const std::vector<double>& x = windows.adjusted(series);
    std::vector<std::vector<double>> drawn(static_cast<std::size_t>(paths), x);
    const std::vector<ImputeStep> steps = windows.steps(series, options_.window);
    const PackedWeights packed(state_.result());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      parallel_for((paths + shard - 1) / shard, 1, [&](Index job) {
        draw(windows, series, steps[i], job * shard,
             std::span(drawn).subspan(
                 static_cast<std::size_t>(job * shard),
                 static_cast<std::size_t>(std::min(shard, paths - job * shard))));
      });
      if (on_window) on_window(static_cast<Index>(i + 1), std::ssize(steps));
    }
    Tensor<double> out({paths, std::ssize(x)});
    for (Index p = 0; p < paths; ++p)
      for (Index t = 0; t < std::ssize(x); ++t) {
        const double known = panel[series].values[static_cast<std::size_t>(t)];
        const double v = drawn[static_cast<std::size_t>(p)][static_cast<std::size_t>(t)];
        out(p, t) = std::isnan(known) ? windows.restore(series, v, t) : known;
      }
    return out;
  }

 private:
  static constexpr std::uint64_t net_stream = 1, noise_stream = 2, mask_stream = 3, path_stream = 4,
                                 dropout_stream = 5;
  static constexpr Index shard = 25;  // paths of one call of the network

  static ImputerOptions checked(const ImputerOptions& o) {
    if (o.columns.channels != 1)
      raise<ArgumentError>("Imputer: ", o.columns, "; needed one channel");
    if (o.window < 4 || o.sampling_steps < 1 || o.batch < 1)
      raise<ArgumentError>("Imputer: window ", o.window, ", sampling_steps ", o.sampling_steps,
                           ", batch ", o.batch,
                           "; needed a window of 4 or more, and positive numbers");
    return o;
  }
  static State initial(const ImputerOptions& o) {
    Rng rng = Rng(o.seed).stream(net_stream);
    Net::Options net = o.net;
    net.in = 1 + ImputeWindows::side(o.calendar, o.columns);
    net.out = 1;
    return State(Net(net, rng), train::AdamW<float>({.lr = o.learning_rate, .weight_decay = 0.01}),
                 o.seed);
  }
  ImputeWindows::Options window_options() const {
    return {.season = options_.season, .calendar = options_.calendar, .columns = options_.columns};
  }

  /// Windows of some places with cells hidden, as training sees them.
  ImputeBatch hidden(const ImputeWindows& windows, const std::vector<Origin>& places,
                     std::span<const Index> index, const Draws& draws) const {
    ImputeBatch out = windows.batch(std::ssize(index), options_.window);
    const Rng masks = Rng(options_.seed).stream(mask_stream);
    const auto spread = state_.fitted.find("spread");
    const double unit = spread == state_.fitted.end() ? 1 : spread->second[0];
    std::vector<float> u(static_cast<std::size_t>(options_.window + 4));
    for (Index b = 0; b < std::ssize(index); ++b) {
      masks.fill_uniform(std::span(u), draws.sample(b),
                         static_cast<std::uint32_t>(Index(draws.step)));
      const Origin& place = places[static_cast<std::size_t>(index[static_cast<std::size_t>(b)])];
      windows.write_hidden(place, windows.to_hide(place, u), unit, b, out);
    }
    return out;
  }

  /// Root mean square of distances over scales, of at most 1024 windows.
  double spread(const ImputeWindows& windows, const std::vector<Origin>& places) const {
    const Index n = std::ssize(places), stride = (n + 1023) / 1024;
    std::vector<Index> index;
    for (Index i = 0; i < n; i += stride) index.push_back(i);
    const ImputeBatch all = hidden(windows, places, index, {.step = 0});
    double squares = 0, count = 0;
    for (const float v : all.target) squares += static_cast<double>(v) * static_cast<double>(v);
    for (const float m : all.target_mask) count += static_cast<double>(m);
    return squares > 0 ? std::sqrt(squares / count) : 1;
  }

  /// Draws the cells of a step into paths first, first + 1, ...
  void draw(const ImputeWindows& windows, Index series, const ImputeStep& step, Index first,
            std::span<std::vector<double>> paths) const {
    const Index count = std::ssize(paths), L = options_.window;
    ImputeBatch seen = windows.batch(count, L);
    std::vector<ImputeScale> scales;
    for (Index p = 0; p < count; ++p)
      scales.push_back(windows.write(
          {series, step.start},
          [&](Index t) { return paths[static_cast<std::size_t>(p)][static_cast<std::size_t>(t)]; },
          p, seen));
    const Rng rng = Rng(options_.seed)
                        .stream(path_stream)
                        .stream(static_cast<std::uint64_t>(series))
                        .stream(static_cast<std::uint64_t>(step.start));
    const nn::Call<> evaluation;
    const auto denoise = denoiser(state_.result(), seen, evaluation);
    const Tensor<float> z = sample(solver::Ddim{}, denoise, {count, L, 1},
                                   grid::uniform(denoise, options_.sampling_steps), rng,
                                   {.first_sample = static_cast<std::uint64_t>(first)});
    const double unit = state_.fitted.at("spread")[0];
    for (Index p = 0; p < count; ++p)
      for (Index t = step.first; t < step.end; ++t) {
        double& v = paths[static_cast<std::size_t>(p)][static_cast<std::size_t>(t)];
        const Index l = t - step.start;
        const ImputeScale& s = scales[static_cast<std::size_t>(p)];
        if (std::isnan(v))
          v = s.line[static_cast<std::size_t>(l)] +
              s.scale * unit * static_cast<double>(z(p, l, 0));
      }
  }

  ImputerOptions options_;
  State state_;
};

}  // namespace foglift::inline v0::forecast
