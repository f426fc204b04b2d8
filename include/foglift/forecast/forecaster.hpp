#pragma once

#include "foglift/autograd/packed_weights.hpp"
#include "foglift/forecast/frame/framer.hpp"
#include "foglift/forecast/method.hpp"
#include "foglift/train/callbacks/validation.hpp"
#include "foglift/train/fit.hpp"
#include "foglift/train/rules/adam.hpp"

#include <algorithm>

namespace foglift::inline v0::forecast {

/// How any method is trained.
struct ForecasterOptions {
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
  Index patience = 0;         ///< validations without a new best before stopping; 0: never stop
  bool non_negative = false;  ///< cut paths off at 0
  std::uint64_t seed = 1;
};

/// Probabilistic forecasts by a method that is trained on all windows of a panel; forecasts are
/// sample paths of the whole horizon.
///
///   using Model = forecast::Forecaster<forecast::HorizonDiffusion<>>;
///   Model model({.frame = {.context = 168, .seasons = {24}}});
///   model.fit(series);
///   auto paths = model.paths(series, origins, 100);  // [origins, 100, horizon]
///   io::save_checkpoint("model.safetensors", model.state(), "");
///   Model again(model.state().model.options());
///   io::Checkpoint("model.safetensors").restore(again.state());
template <class M>
class Forecaster {
  static_assert(Method<M>,
                "a method has Options, a constructor (const Options&, Rng&), each, frame() -> "
                "FrameOptions, loss(Frame, LossKeys, Tape<float>&) -> Var<float> and draw(Frame, "
                "PathKeys) -> Tensor<float>, all const");

 public:
  using State = train::FitState<M, train::AdamW<float>>;

  /// Throws what M and Framer throw, and ArgumentError for a negative number.
  explicit Forecaster(const typename M::Options& method, const ForecasterOptions& options = {})
      : options_(options), state_(initial(method, options)), framer_(state_.model.frame()) {
    if (options.validation < 0)
      raise<ArgumentError>("Forecaster: validation ", options.validation, "; needed at least 0");
    state_.made_for = framer_.options().description();
    if constexpr (requires { state_.model.description(); })
      state_.made_for.merge(state_.model.description());
  }

  const ForecasterOptions& options() const { return options_; }
  const Framer& framer() const { return framer_; }
  /// Everything that training has become: what a checkpoint keeps, and puts back before `fit`.
  State& state() { return state_; }
  const State& state() const { return state_; }
  /// The numbers that frames are scaled with, fitted by `fit`. They are a part of state(), so of
  /// its checkpoints. Throws ArgumentError if the model was never trained, or if its state is of a
  /// checkpoint that did not keep them: `fit` on the training series finds them again.
  Scaler scaler() const {
    if (state_.step == 0)
      raise<ArgumentError>("Forecaster: not trained; call fit, or restore a checkpoint");
    return saved_scaler();
  }

  /// Trains on every window of the panel that ends before its series' validation cells, and keeps
  /// the averaged weights that are best on the windows of those cells (the last ones without
  /// validation). Goes on from state(): a fit that was stopped is resumed by another, and keeps the
  /// scaler that it had. Callbacks are those of train::fit. Throws ArgumentError if no window has a
  /// season before it and a value in it, NumericError for a value that is infinite, or a million
  /// scales away from the center of its window, and what train::fit does.
  template <class... On>
  train::FitEnd fit(const Panel& panel, On&&... on) {
    const std::vector<Origin> origins = training_origins(panel);
    const std::vector<Origin> held_out = validation_origins(panel);
    if (state_.fitted.count("spread") == 0) fit_scaler(panel, origins).save(state_.fitted);
    const Scaler scaler = saved_scaler();
    check_targets(panel, origins, scaler);
    check_targets(panel, held_out, scaler);
    train::callback::Validation validation(
        [&, frame = held_out.empty() ? Frame() : framer_(panel, held_out, scaler)](
            const M& method) { return validation_loss(method, frame); },
        {.every = held_out.empty() ? 0 : options_.validate_every, .patience = options_.patience});
    const train::FitOptions fit{.examples = std::ssize(origins),
                                .batch = options_.batch,
                                .steps = options_.steps,
                                .rate = train::CosineRate{options_.steps, options_.warm_up},
                                .clip = options_.clip,
                                .ema = {.decay = options_.ema}};
    const Rng noise = Rng(options_.seed).stream(train_stream);
    const Rng dropouts = Rng(options_.seed).stream(dropout_stream);
    const auto loss = [&](const M& method, Tape<float>& tape, const train::Examples& examples) {
      std::vector<Origin> batch;
      for (const Index i : examples.index) batch.push_back(origins[static_cast<std::size_t>(i)]);
      const Draws draws{.samples = examples.draws.samples, .step = examples.draws.step};
      const nn::DropoutNoise dropout{dropouts.stream(draws.samples.front()), 0, draws.step};
      return method.loss(framer_(panel, batch, scaler), {noise, draws, dropout}, tape);
    };
    return train::fit(state_, loss, fit, validation, on...);
  }

  /// Sample paths [origins, paths, horizon] of what follows each origin, in the unit of the series,
  /// with an axis of channels behind where the panel has several. Path p of an origin depends on
  /// the seed, the origin and p alone: not on the other origins, the number of paths or the
  /// threads. Throws what scaler and Framer do.
  Tensor<double> paths(const Panel& panel, std::span<const Origin> origins, Index paths) const {
    return this->paths(panel, origins, paths,
                       [](const M& method, const Frame& frame, const PathKeys& keys) {
                         return method.draw(frame, keys);
                       });
  }

  /// The same by another way to draw from the trained method: draw(method, frame, keys), as
  /// M::draw says. For fewer steps, another solver, or a guidance.
  template <class Draw>
  Tensor<double> paths(const Panel& panel, std::span<const Origin> origins, Index paths,
                       const Draw& draw) const {
    if (paths < 1) raise<ArgumentError>("Forecaster::paths: ", paths, " paths");
    const Frame frame = framer_(panel, origins, scaler());
    const Index W = frame.size(), H = frame.horizon(), K = frame.channels();
    Tensor<double> out(K > 1 ? Shape{W, paths, H, K} : Shape{W, paths, H});
    const Index shards = (paths + shard - 1) / shard;
    parallel_for(W * shards, 1, [&](Index job) {
      const Index w = job / shards, first = job % shards * shard;
      const Index count = std::min(shard, paths - first);
      const Tensor<float> z = drawn(frame.rows(w, 1), first, count, draw);
      double* to = out.data() + (w * paths + first) * H * K;
      for (Index i = 0; i < z.size(); ++i) {
        const double v = frame.unscaled(static_cast<double>(z[i]), w, i / K % H, i % K);
        to[i] = options_.non_negative ? std::max(v, 0.0) : v;
      }
    });
    return out;
  }

 private:
  static constexpr std::uint64_t net_stream = 1, train_stream = 2, validation_stream = 3,
                                 path_stream = 4, dropout_stream = 5;
  static constexpr Index shard = 25;          // paths of one call of the method
  static constexpr Index repetitions = 4;     // draws of the loss by which a window is judged
  static constexpr Index most_windows = 64;   // of one validation
  static constexpr double most_scales = 1e6;  // of a target; more drown all others in float

  static State initial(const typename M::Options& method, const ForecasterOptions& o) {
    Rng rng = Rng(o.seed).stream(net_stream);
    return State(M(method, rng),
                 train::AdamW<float>({.lr = o.learning_rate, .weight_decay = o.weight_decay}),
                 o.seed);
  }

  Scaler saved_scaler() const {
    return Scaler::saved(state_.fitted, framer_.options(),
                         "Forecaster: trained for " + std::to_string(state_.step) + " steps");
  }

  /// Every window that ends before the validation cells and holds a value.
  std::vector<Origin> training_origins(const Panel& panel) const {
    const FrameOptions& frame = framer_.options();
    std::vector<Origin> origins;
    for (Index s = 0; s < panel.size(); ++s) {
      const Index last = panel[s].size() - options_.validation - frame.horizon;
      for (Index at = frame.season(); at <= last; ++at) add_origin(panel, {s, at}, origins);
    }
    if (origins.empty())
      raise<ArgumentError>("Forecaster::fit: no window to train on: ", panel.size(),
                           " series, season ", frame.season(), ", horizon ", frame.horizon,
                           ", validation ", options_.validation);
    return origins;
  }

  /// At most `most_windows` windows, evenly spaced over the validation cells of every series.
  std::vector<Origin> validation_origins(const Panel& panel) const {
    const FrameOptions& frame = framer_.options();
    std::vector<Origin> origins;
    const Index room = options_.validation - frame.horizon;
    const Index each = std::max<Index>(1, most_windows / std::max<Index>(1, panel.size()));
    for (Index s = 0; s < panel.size() && room >= 0; ++s)
      for (Index i = 0, count = std::min(each, room + 1); i < count; ++i) {
        const Index back = room * (count - 1 - i) / std::max<Index>(1, count - 1);
        const Index at = panel[s].size() - frame.horizon - back;
        if (at >= frame.season()) add_origin(panel, {s, at}, origins);
      }
    return origins;
  }

  void add_origin(const Panel& panel, const Origin& o, std::vector<Origin>& origins) const {
    const Series& s = panel[o.series];
    const double* x = s.values.data() + o.at * s.channels;
    if (std::any_of(x, x + framer_.options().horizon * s.channels,
                    [](double v) { return !std::isnan(v); }))
      origins.push_back(o);
  }

  void check_targets(const Panel& panel, std::span<const Origin> origins,
                     const Scaler& scaler) const {
    for (std::size_t i = 0; i < origins.size(); ++i) {
      const Origin& o = origins[i];
      const Frame f = framer_.targets(panel, origins.subspan(i, 1), scaler);
      const Index K = f.channels();
      for (Index j = 0; j < f.target.size(); ++j) {
        if (f.target_mask[j] == 0) continue;
        const double z = std::abs(f.target[j] - f.center[j]) / f.scale[j % K];
        if (!(z <= most_scales))
          raise<NumericError>("Forecaster::fit: cell ", o.at + j / K, " of series \"",
                              panel[o.series].name, "\" is ", f.target[j], ", ", z,
                              " scales of the past before cell ", o.at, " from its center ",
                              f.center[j], ", at most ", most_scales,
                              " can be learned; NaN marks a missing value");
      }
    }
  }

  Scaler fit_scaler(const Panel& panel, std::span<const Origin> origins) const {
    Scaler scaler = Scaler::fit(panel, framer_.options(), options_.validation);
    double sum = 0, count = 0;
    const Index stride = (std::ssize(origins) + 4095) / 4096;  // as many windows tell enough
    for (Index i = 0; i < std::ssize(origins); i += stride) {
      const Frame f =
          framer_.targets(panel, origins.subspan(static_cast<std::size_t>(i), 1), scaler);
      for (const float v : f.scaled_target())
        sum += static_cast<double>(v) * static_cast<double>(v);
      for (const float v : f.target_mask) count += static_cast<double>(v);
    }
    const double rms = std::sqrt(sum / count);
    scaler.spread = rms > 0 ? rms : 1;
    return scaler;
  }

  /// The loss on the same windows, and draws of it, every time it is asked.
  double validation_loss(const M& method, const Frame& frame) const {
    const Rng noise = Rng(options_.seed).stream(validation_stream);
    double sum = 0;
    for (Index r = 0; r < repetitions; ++r) {
      const LossKeys keys{noise, {.step = r}, {}};
      if constexpr (requires { method.loss(frame, keys); }) {
        sum += static_cast<double>(method.loss(frame, keys).item());
      } else {
        Tape<float> tape;
        sum += static_cast<double>(method.loss(frame, keys, tape).value().item());
      }
    }
    return sum / repetitions;
  }

  /// Scaled targets [count, horizon, channels] of paths [first, first + count) of a frame's only
  /// row.
  template <class Draw>
  Tensor<float> drawn(const Frame& one, Index first, Index count, const Draw& draw) const {
    const M& method = state_.result();
    const PackedWeights packed(method);
    const Origin& o = one.keys.front();
    const Rng rng = Rng(options_.seed)
                        .stream(path_stream)
                        .stream(static_cast<std::uint64_t>(o.series))
                        .stream(static_cast<std::uint64_t>(o.at));
    Tensor<float> z = draw(method, one, PathKeys{rng, first, count});
    if (const Shape needed{count, one.horizon(), one.channels()}; z.shape() != needed)
      raise<ShapeError>("Forecaster::paths: the method drew ", z.shape(), ", needed ", needed);
    return z;
  }

  ForecasterOptions options_;
  State state_;
  Framer framer_;
};

}  // namespace foglift::inline v0::forecast
