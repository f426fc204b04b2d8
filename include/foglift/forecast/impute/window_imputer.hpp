#pragma once

#include "foglift/autograd/packed_weights.hpp"
#include "foglift/diffusion/grid/chain.hpp"
#include "foglift/diffusion/sample.hpp"
#include "foglift/diffusion/solver/ddpm.hpp"
#include "foglift/forecast/frame/framer.hpp"
#include "foglift/forecast/frame/window.hpp"
#include "foglift/forecast/impute/target_strategy.hpp"
#include "foglift/train/callbacks/validation.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace foglift::inline v0::forecast {

/// A method whose denoiser can be asked about any values of a window: Csdi, Pristi.
template <class M>
concept WindowMethod =
    nn::Module<M> && std::constructible_from<M, const typename M::Options&, Rng&> &&
    requires(const M& method, const Window& window, const Tensor<float>& x, const Level& level) {
      { method.frame() } -> std::convertible_to<FrameOptions>;
      { method.options().sampling_steps } -> std::convertible_to<Index>;
      { method.denoiser(window)(x, level) } -> std::same_as<Tensor<float>>;
      { method.denoiser(window, Index{})(x, level) } -> std::same_as<Tensor<float>>;
    };

/// How a WindowImputer is trained.
struct WindowImputerOptions {
  TargetStrategy strategy = TargetStrategy::mix;
  Index batch = 16;
  Index steps = 1000;
  Index warm_up = 50;
  double learning_rate = 1e-3;
  double weight_decay = 1e-6;
  double clip = 1;
  double ema = 0.995;
  Index validate_every = 100;
  Index patience = 0;  ///< validations without a new best before stopping; 0: never stop
  std::uint64_t seed = 1;
};

/// What a WindowImputer is trained on; refers to the series.
struct ImputeData {
  Panel train;
  Panel held_out = Panel(std::span<const Series>());  ///< its windows choose the weights
  /// Its missing values are the historical masks; of an empty one, those of `train`.
  Panel patterns = Panel(std::span<const Series>());
};

/// Draws of missing values of any channels by a network of windows that is trained on known ones,
/// some of which are hidden: CSDI (Tashiro et al. 2021), PriSTI (Liu et al. 2023). A window has the
/// cells of the method's context and horizon together; a horizon that is missing is one task of
/// many. Values are shown less a channel's mean in all training cells, over its deviation there.
///
///   forecast::WindowImputer<forecast::Csdi> imputer(
///       forecast::CsdiOptions::small({.horizon = 12, .context = 24}),
///       {.strategy = forecast::TargetStrategy::block});
///   imputer.fit({.train = series});
///   auto through = imputer.paths(series, 0, 100);  // [100, cells, channels]
template <WindowMethod M>
class WindowImputer {
 public:
  using State = train::FitState<M, train::AdamW<float>>;

  /// `scaling` of the frame is chosen here. Throws what M does.
  explicit WindowImputer(typename M::Options method, const WindowImputerOptions& options = {})
      : options_(options),
        state_(initial(std::move(method), options)),
        framer_(state_.model.frame()) {
    state_.made_for = framer_.options().description();
    if constexpr (requires { state_.model.description(); })
      state_.made_for.merge(state_.model.description());
  }

  const WindowImputerOptions& options() const { return options_; }
  State& state() { return state_; }
  const State& state() const { return state_; }
  /// Cells of a window.
  Index window() const { return framer_.options().context + framer_.options().horizon; }

  /// Trains on every window that holds a value, and keeps the averaged weights that are best on
  /// the windows that are held out (the last ones without). Goes on from state(). Callbacks are
  /// those of train::fit. Throws ArgumentError if no window holds a value, and what Framer and
  /// train::fit do.
  template <class... On>
  train::FitEnd fit(const ImputeData& data, On&&... on) {
    const std::vector<Origin> places = windows(data.train, 1);
    const std::vector<Origin> held_out = windows(data.held_out, window());
    if (places.empty())
      raise<ArgumentError>("WindowImputer::fit: no window of ", window(), " cells holds a value");
    if (state_.fitted.count("spread") == 0)
      Scaler::fit(data.train, framer_.options(), 0).save(state_.fitted);
    const Scaler scaler = saved_scaler();
    const Pool pool = patterns(data.patterns.size() > 0 ? data.patterns : data.train, scaler);
    train::callback::Validation validation(
        [&, shown = shown(data.held_out, held_out, scaler)](const M& method) {
          return validation_loss(method, shown, pool);
        },
        {.every = held_out.empty() ? 0 : options_.validate_every, .patience = options_.patience});
    const Rng noise = Rng(options_.seed).stream(noise_stream);
    const auto loss = [&](const M& method, Tape<float>& tape, const train::Examples& examples) {
      const Window whole = shown(data.train, gather(places, examples.index), scaler);
      const Draws draws{.samples = examples.draws.samples, .step = examples.draws.step};
      const Tensor<float> hide = targets(whole, pool, mask_stream, draws);
      return method.denoiser(whole.without(hide))
          .loss(tape, whole.values, noise, draws, {.weight = &hide});
    };
    return train::fit(state_, loss,
                      {.examples = std::ssize(places),
                       .batch = options_.batch,
                       .steps = options_.steps,
                       .rate = train::CosineRate{options_.steps, options_.warm_up},
                       .clip = options_.clip,
                       .ema = {.decay = options_.ema}},
                      validation, on...);
  }

  /// Paths [paths, cells, channels] of a series of the panel by DDPM on the method's sampling
  /// steps: known values as they are, draws of all others. Windows follow on each other without
  /// overlap, but for the last one, and are drawn independently; path p of one depends on the seed,
  /// the window and p alone. Throws ArgumentError before `fit`, for a series that is not there or
  /// shorter than a window, or no paths, and what Framer does.
  Tensor<double> paths(const Panel& panel, Index series, Index paths) const {
    return this->paths(panel, series, paths, solver::Ddpm{}, state_.model.options().sampling_steps);
  }
  /// The same by any solver, in so many steps of the method's chain.
  template <class S>
  Tensor<double> paths(const Panel& panel, Index series, Index paths, const S& solver,
                       Index steps) const {
    if (state_.step == 0) raise<ArgumentError>("WindowImputer::paths: not trained; call fit");
    if (series < 0 || series >= panel.size() || paths < 1)
      raise<ArgumentError>("WindowImputer::paths: series ", series, " of ", panel.size(), ", ",
                           paths, " paths");
    const Series& s = panel[series];
    if (s.size() < window())
      raise<ArgumentError>("WindowImputer::paths: series \"", s.name, "\" of ", s.size(),
                           " cells, needed a window of ", window());
    Tensor<double> out({paths, s.size(), s.channels});
    for (Index p = 0; p < paths; ++p)
      std::copy(s.values.begin(), s.values.end(), out.data() + p * out.row_size());
    const Scaler scaler = saved_scaler();
    const PackedWeights packed(state_.result());
    const std::vector<Index> starts = covering(s.size(), window());
    const Index shards = (paths + shard - 1) / shard;
    parallel_for(std::ssize(starts) * shards, 1, [&](Index job) {
      const Index w = job / shards, first = job % shards * shard;
      const Index a = starts[static_cast<std::size_t>(w)];
      const Index done = w > 0 ? starts[static_cast<std::size_t>(w - 1)] + window() : 0;
      draw(framer_(panel, std::vector<Origin>{origin(series, a)}, scaler), a, done, solver, steps,
           first, std::min(shard, paths - first), out);
    });
    return out;
  }

 private:
  using Pool = std::vector<std::vector<float>>;

  static constexpr std::uint64_t net_stream = 1, noise_stream = 2, mask_stream = 3, path_stream = 4,
                                 validation_stream = 5;
  static constexpr Index shard = 25;         // paths of one call of the network
  static constexpr Index repetitions = 4;    // draws of the loss by which a window is judged
  static constexpr Index most_windows = 64;  // of one validation

  static State initial(typename M::Options method, const WindowImputerOptions& o) {
    method.frame.scaling = Scaling::panel;
    Rng rng = Rng(o.seed).stream(net_stream);
    return State(M(method, rng),
                 train::AdamW<float>({.lr = o.learning_rate, .weight_decay = o.weight_decay}),
                 o.seed);
  }
  Scaler saved_scaler() const {
    return Scaler::saved(state_.fitted, framer_.options(), "WindowImputer");
  }

  /// First cells of windows that cover n cells: one behind the other, the last one to the end.
  static std::vector<Index> covering(Index n, Index length) {
    std::vector<Index> out;
    for (Index a = 0; a < n; a += length) out.push_back(std::min(a, n - length));
    return out;
  }
  /// A window as frames name it: by its first cell of the horizon.
  Origin origin(Index series, Index first) const {
    return {series, first + framer_.options().context};
  }

  /// Windows of a panel that hold a value, every `stride` cells.
  std::vector<Origin> windows(const Panel& panel, Index stride) const {
    std::vector<Origin> out;
    for (Index s = 0; s < panel.size(); ++s) {
      const auto& x = panel[s].values;
      const Index n = panel[s].size(), K = panel[s].channels;
      for (Index a = 0; a <= n - window(); a += stride)
        if (std::any_of(x.begin() + a * K, x.begin() + (a + window()) * K,
                        [](double v) { return !std::isnan(v); }))
          out.push_back(origin(s, a));
    }
    return out;
  }
  Window shown(const Panel& panel, const std::vector<Origin>& places, const Scaler& scaler) const {
    return Window::whole(framer_(panel, places, scaler));
  }
  Pool patterns(const Panel& panel, const Scaler& scaler) const {
    Pool out;
    for (const Origin& o : windows(panel, 1)) {
      const Tensor<float> mask = shown(panel, {o}, scaler).mask;
      out.emplace_back(mask.begin(), mask.end());
    }
    return out;
  }

  /// What of windows is hidden, [B, L, K].
  Tensor<float> targets(const Window& whole, const Pool& pool, std::uint64_t stream,
                        const Draws& draws) const {
    const Index B = whole.mask.dim(0);
    const TargetShape shape{window(), whole.mask.dim(2), framer_.options().horizon};
    const Rng rng = Rng(options_.seed).stream(stream);
    std::vector<float> u(static_cast<std::size_t>(shape.numbers()));
    Tensor<float> out(whole.mask.shape());
    const auto size = static_cast<std::size_t>(shape.size());
    for (Index b = 0; b < B; ++b) {
      rng.fill_uniform(std::span(u), draws.sample(b),
                       static_cast<std::uint32_t>(Index(draws.step)));
      choose_targets(options_.strategy, shape, {whole.mask.data() + b * shape.size(), size}, pool,
                     u, {out.data() + b * shape.size(), size});
    }
    return out;
  }

  /// The loss on the same windows, masks and draws of it, every time it is asked.
  double validation_loss(const M& method, const Window& whole, const Pool& pool) const {
    const Rng noise = Rng(options_.seed).stream(validation_stream);
    double sum = 0;
    for (Index r = 0; r < repetitions; ++r) {
      const Draws draws{.step = r};
      const Tensor<float> hide = targets(whole, pool, validation_stream, draws);
      sum += static_cast<double>(method.denoiser(whole.without(hide))
                                     .loss(whole.values, noise, draws, {.weight = &hide})
                                     .item());
    }
    return sum / repetitions;
  }

  /// Draws what is missing in cells [done, end) of the window that begins at `a`.
  template <class S>
  void draw(const Frame& frame, Index a, Index done, const S& solver, Index steps, Index first,
            Index count, Tensor<double>& out) const {
    const Window known = Window::whole(frame);
    const Index L = window(), K = frame.channels(), end = a + L;
    const auto missing = [&](Index t, Index k) { return known.mask(0, t - a, k) == 0; };
    bool any = false;
    for (Index t = done; t < end; ++t)
      for (Index k = 0; k < K; ++k) any = any || missing(t, k);
    if (!any) return;
    const Origin& o = frame.keys.front();
    const Rng rng = Rng(options_.seed)
                        .stream(path_stream)
                        .stream(static_cast<std::uint64_t>(o.series))
                        .stream(static_cast<std::uint64_t>(o.at));
    const auto denoise = state_.result().denoiser(known, count);
    const Tensor<float> z = sample(solver, denoise, {count, L, K}, grid::trailing(denoise, steps),
                                   rng, {.first_sample = static_cast<std::uint64_t>(first)});
    for (Index p = 0; p < count; ++p)
      for (Index t = done; t < end; ++t)
        for (Index k = 0; k < K; ++k)
          if (missing(t, k))
            out(first + p, t, k) =
                frame.location(0, k) + frame.scale(0, k) * static_cast<double>(z(p, t - a, k));
  }

  WindowImputerOptions options_;
  State state_;
  Framer framer_;
};

}  // namespace foglift::inline v0::forecast
