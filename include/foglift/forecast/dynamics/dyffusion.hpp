#pragma once

#include "foglift/diffusion/loss/look_ahead.hpp"
#include "foglift/diffusion/restore.hpp"
#include "foglift/forecast/dynamics/interpolator.hpp"
#include "foglift/train/frozen.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace foglift::inline v0::forecast {

/// Forecasts of dynamics by DYffusion (Ruehling Cachay et al. 2023): a network says the last
/// snapshot of a horizon from any state on the way there, and an interpolator that was trained
/// before makes the states. What a training step holds does not grow with the horizon. `Net` takes
/// and gives [B, ..., channels]: nn::UNet1d, nn::UNet2d, nn::Mlp.
///
///   using Net = nn::Mlp<float>;
///   forecast::Interpolator<Net> between({.horizon = 8, .net = {.dropout = 0.1}, .channels = 2},
///   rng);
///   // ... trained by between.loss
///   forecast::Dyffusion<Net> model({.channels = 2}, train::frozen(std::as_const(between)), rng);
///   // ... trained by model.loss
///   const Tensor<float> y = model.draw(x, rng);
template <class Net, class Between = Interpolator<Net>>
class Dyffusion {
 public:
  /// What the network is told of the first snapshot: nothing; the snapshot beside its input; or,
  /// where the run has gone a share s of its steps, s of it and 1 - s of noise.
  enum class Conditioning { none, data, data_and_noise };

  struct Options {
    Index extra = 0;  ///< steps beside the whole ones, see grid::dynamics
    grid::Refined refined = grid::Refined::first;
    Conditioning conditioning = Conditioning::data;
    LookAheadOptions loss = {};
    typename Net::Options net = {};  ///< but for `in` and `out`, which follow
    Index channels = 1;              ///< of a state

    static void untold(const Options& o, auto&& f) {
      f("extra", o.extra);
      f("refined", o.refined == grid::Refined::all ? "all" : "first");
      f("conditioning", static_cast<int>(o.conditioning));
      Net::Options::untold(o.net, f);
    }
  };

  /// How forecasts are drawn.
  struct Run {
    std::uint64_t first_sample = 0;
    TimeGrid grid = {};  ///< empty: that of training
    bool cold = true;    ///< false: the ablation without correction
    bool one_mask =
        false;  ///< of dropout for each sample: runs solve the flow of corruption::Between
    bool refine = false;  ///< states between are interpolated again from the last forecast
  };

  /// Throws ArgumentError for steps that grid::dynamics refuses, and what the network throws.
  Dyffusion(const Options& o, train::Frozen<Between> between, Rng& rng)
      : options_(o),
        between_(std::move(between)),
        grid_(grid::dynamics(horizon(), o.extra, o.refined)),
        net_(of_channels(o.net, (conditioned() ? 2 : 1) * o.channels, o.channels), rng) {}

  const Options& options() const { return options_; }
  Index horizon() const { return between_.network().options().horizon; }
  const TimeGrid& grid() const { return grid_; }

  /// The look-ahead loss. Throws ArgumentError for stretches shorter than the horizon.
  Var<float> loss(Tape<float>& tape, const Stretches& data, const train::Examples& examples,
                  const Rng& rng) const {
    const Tensor<float> first = data.at(examples.index, 0);
    return look_ahead_loss(
        tape, corruption::Between(first, interpolate()),
        [&](const Var<float>& x, const Levels& levels, const StepRng& noise) {
          return forecast(x, first, levels, noise, dropping(noise.repeat(1)));
        },
        data.at(examples.index, horizon()), grid_, rng, examples.draws, options_.loss);
  }

  /// Forecasts [B, horizon, ..., channels] from snapshots [B, ..., channels]: an ensemble where
  /// rows are the same, since row b is that of sample first_sample + b. Whole steps that the run's
  /// grid does not visit are interpolated.
  Tensor<float> draw(const Tensor<float>& first, const Rng& rng, const Run& run = {}) const {
    const PackedWeights packed(net_, between_);
    const TimeGrid& steps = run.grid.empty() ? grid_ : run.grid;
    const corruption::Between path(first, interpolate(),
                                   run.one_mask ? std::optional(rng.stream(0)) : std::nullopt);
    auto cold = corruption::dyffusion(path);
    if (!run.cold) cold.update = decltype(cold)::Update::naive;
    ForecastCourse out(first.shape(), horizon());
    std::vector<bool> there(static_cast<std::size_t>(horizon()) + 1);
    const auto predict = [&](const Tensor<float>& x, const Level& level) {
      const Index n = std::find(steps.begin(), steps.end(), level) - steps.begin();
      return forecast(x, first, level, StepRng(rng.stream(1), run.first_sample, n), {});
    };
    const Tensor<float> last = restore(cold, predict, first.shape(), steps, rng.stream(2),
                                       {.first_sample = run.first_sample},
                                       [&](const StateView<Tensor<float>, Tensor<float>>& view) {
                                         const Index i = grid::whole_step(view.level, horizon());
                                         if (i < 1) return;
                                         out.put(i, view.x);
                                         there[static_cast<std::size_t>(i)] = true;
                                       });
    for (Index i = 1; i < horizon(); ++i)
      if (run.refine || !there[static_cast<std::size_t>(i)])
        out.put(i, path(last, grid::dynamic_level(static_cast<double>(i), horizon()),
                        StepRng(rng.stream(3), run.first_sample, i)));
    return std::move(out).values();
  }

  static void each(auto& self, auto&& f) { Net::each(self.net_, f); }

 private:
  bool conditioned() const { return options_.conditioning != Conditioning::none; }

  auto interpolate() const {
    return [this](const Tensor<float>& first, const auto& last, const Levels& levels,
                  const StepRng& rng) { return between_(last, first, levels, rng); };
  }

  /// The last snapshot from states x at levels.
  template <Value X>
  X forecast(const X& x, const Tensor<float>& first, const Levels& levels, const StepRng& noise,
             const nn::Call<>& call) const {
    const Index batch = first.dim(0);
    const Tensor<float> time = times_of(levels, batch);
    if (!conditioned()) return net_(x, time, {}, call);
    if (options_.conditioning == Conditioning::data) return Beside<Net>{net_, first, call}(x, time);
    const Tensor<float> told = affine(first, noise.normal<float>(first.shape()), [&](Index b) {
      const double share =
          std::min(1.0, position(levels[b]) / static_cast<double>(grid_.size() - 2));
      return Mix{share, 1 - share};
    });
    return Beside<Net>{net_, told, call}(x, time);
  }

  /// Where a level is among the steps of training: n at step n, and evenly between two.
  double position(const Level& level) const {
    std::size_t n = 0;
    while (n + 2 < grid_.size() && grid_[n + 1].alpha <= level.alpha) ++n;
    return static_cast<double>(n) +
           (level.alpha - grid_[n].alpha) / (grid_[n + 1].alpha - grid_[n].alpha);
  }

  Options options_;
  train::Frozen<Between> between_;
  TimeGrid grid_;
  Net net_;
};

}  // namespace foglift::inline v0::forecast
