#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/detach.hpp"
#include "foglift/autograd/ops/loss.hpp"
#include "foglift/forecast/chain_method.hpp"

#include <limits>

namespace foglift::inline v0::forecast {

/// The published configuration; `tmdm` is its predecessor's, `small` one for minutes on two cores.
struct NsdiffOptions {
  FrameOptions frame = {};
  bool variance = true;           ///< learned; else 1, which is TMDM's forward process
  Index rolling = 96;             ///< cells that a variance is estimated from
  Index hidden = 512;             ///< of the network of variances
  Index width = 128, layers = 3;  ///< of the noise network
  Index time_features = 128;      ///< of the noise level
  Index steps = 20;               ///< of the chain
  BetaRange beta = {.first = 1e-4, .last = 0.02};
  Index sampling_steps = 20;  ///< of DDPM; at most `steps`

  static NsdiffOptions published(const FrameOptions& frame) { return {.frame = frame}; }
  static NsdiffOptions tmdm(const FrameOptions& frame) {
    return {.frame = frame, .variance = false, .steps = 1000, .sampling_steps = 1000};
  }
  static NsdiffOptions small(const FrameOptions& frame) {
    return {.frame = frame,
            .rolling = std::max<Index>(2, frame.context / 2),
            .hidden = 32,
            .width = 32,
            .time_features = 32};
  }
};

/// NsDiff (Ye et al. 2025), and with a variance of 1 TMDM (Li et al. 2024): a diffusion whose
/// states go from the horizon y to N(f, g), with a mean f and a variance g that are forecast from
/// the context:
///   y_t = f + sqrt(alpha_bar) (y - f) + sqrt(d_t g + c_t s) eps,  c_t + d_t = 1 - alpha_bar,
/// where s is the variance of the series around y, estimated from the cells before it, of which
/// sampling knows no more than g. f, g and the noise network are trained side by side, each by its
/// own error. f is linear in the context and its mask here, where the papers have transformers; the
/// network sees one step of the horizon at a time, as theirs. Steps back have DDPM's variance,
/// which the paper learns.
class Nsdiff : public ChainMethod<NsdiffOptions> {
 public:
  static constexpr double least = 1e-3;  ///< variance

  /// Throws what FrameOptions::check does, and ArgumentError for an extent that is not positive,
  /// odd time features, fewer than two cells of a variance, or more sampling steps than steps.
  /// `reach`, `lead` and `center` are chosen here.
  Nsdiff(const Options& o, Rng& rng)
      : ChainMethod("Nsdiff", checked(o), DiscreteSchedule::linear(o.steps, o.beta)),
        mean_({.in = 2 * o.frame.context, .out = o.frame.horizon}, rng),
        spread1_({.in = o.frame.context, .out = o.hidden}, rng),
        spread2_({.in = o.hidden, .out = o.frame.horizon}, rng),
        embedding_(embedding_of_step(o.width), rng),
        output_({.in = o.width, .out = channels(), .zero = true}, rng) {
    const Index in = 3 * channels() + Window::channels(o.frame);
    for (Index i = 0; i < o.layers; ++i) {
      layers_.emplace_back(nn::LinearOptions{.in = i == 0 ? in : o.width, .out = o.width}, rng);
      gains_.emplace_back(nn::LinearOptions{.in = o.width, .out = o.width}, rng);
    }
    shares_.assign(1, 0.0);
    for (Index i = 0; i < o.steps; ++i) {
      const double alpha = 1 - schedule().beta(i);
      shares_.push_back(alpha * shares_.back() + alpha * (1 - alpha));
    }
  }

  nn::Description description() const {
    nn::Description out = ChainMethod::description();
    out["variance"] =
        options().variance ? "learned from " + std::to_string(options().rolling) + " cells" : "1";
    return out;
  }

  /// What the states end in, [B, H, K] each.
  template <Value X>
  struct Prior {
    X mean, variance;
  };
  template <class... On>
  auto prior(const Window& window, On&... tape) const {
    const Index B = window.values.dim(0), C = frame().context, K = channels();
    const auto past = [&](const Tensor<float>& x) { return transpose(slice(x, 1, 0, C), 1, 2); };
    const auto x = recorded(concat({past(window.values), past(window.mask)}, 2), tape...);
    using X = std::remove_const_t<decltype(x)>;
    const X mean = transpose(mean_(x), 1, 2);
    if (!options().variance)
      return Prior<X>{mean, constant(Tensor<float>({B, horizon(), K}, 1.0F), x)};
    const X seen = constant(past(rolling_variance(window)), x);
    return Prior<X>{mean, transpose(softplus(spread2_(relu(spread1_(seen)))) + least, 1, 2)};
  }

  /// Of every cell [B, L, K] the variance of the last `rolling` values that are there; 1, that of
  /// scaled targets, where there are fewer than two.
  Tensor<float> rolling_variance(const Window& window) const {
    const Index L = window.values.dim(1), K = window.values.dim(2);
    Tensor<float> out(window.values.shape());
    for (Index b = 0; b < out.dim(0); ++b)
      for (Index t = 0; t < L; ++t)
        for (Index k = 0; k < K; ++k) {
          double sum = 0, square = 0, count = 0;
          for (Index i = std::max<Index>(0, t + 1 - options().rolling); i <= t; ++i) {
            if (window.mask(b, i, k) == 0) continue;
            const auto v = static_cast<double>(window.values(b, i, k));
            sum += v, square += v * v, ++count;
          }
          const double mean = sum / std::max(1.0, count);
          const double v = square / std::max(1.0, count) - mean * mean;
          out(b, t, k) = static_cast<float>(count < 2 ? 1 : std::max(v, 0.0) + least);
        }
    return out;
  }

  /// c_t of the class's formula, between steps in proportion.
  double share(double t) const {
    const double at = t * static_cast<double>(options().steps);
    const auto i = std::min(static_cast<std::size_t>(at), shares_.size() - 2);
    return shares_[i] + (at - static_cast<double>(i)) * (shares_[i + 1] - shares_[i]);
  }

  /// y_t of the class's formula for targets [B, H, K] and noise at levels of rows.
  Tensor<float> state(const Tensor<float>& target, const Prior<Tensor<float>>& p,
                      const Tensor<float>& around, const Tensor<float>& eps,
                      const std::vector<Level>& levels) const {
    Tensor<float> out(target.shape());
    for (Index i = 0; i < out.size(); ++i) {
      const Level& l = levels[static_cast<std::size_t>(i / target.row_size())];
      const auto at = [i](const Tensor<float>& x) { return static_cast<double>(x[i]); };
      const double c = share(l.t), d = std::max(0.0, l.sigma * l.sigma - c);
      out[i] = static_cast<float>(at(p.mean) + l.alpha * (at(target) - at(p.mean)) +
                                  std::sqrt(d * at(p.variance) + c * at(around)) * at(eps));
    }
    return out;
  }

  /// The mean squared errors of the noise, the mean and the deviation, of targets that are there.
  template <class... On>
  auto loss(const Frame& frame, const LossKeys& keys, On&... tape) const {
    const Window known = Window::known(frame);
    const Tensor<float>& there = frame.target_mask;
    const auto p = prior(known, tape...);
    const Prior<Tensor<float>> fixed{value_of(p.mean), value_of(p.variance)};
    const Tensor<float> target = frame.scaled_target();
    Tensor<float> around = fixed.variance;
    if (options().variance)
      around = slice(rolling_variance(Window::whole(frame)), 1, this->frame().context, horizon());
    const TrainingBatch<float> batch(target, schedule(), predict::Epsilon{}, keys.rng, keys.draws,
                                     {.data_scale = std::numeric_limits<double>::infinity()});
    const auto x = recorded(state(target, fixed, around, batch.target, batch.levels), tape...);
    const auto loss =
        weighted_mse(network(x, batch.time, condition(known, fixed)), batch.target, there) +
        weighted_mse(p.mean, target, there);
    return options().variance ? loss + weighted_mse(sqrt(p.variance), sqrt(around), there) : loss;
  }

  Tensor<float> draw(const Frame& frame, const PathKeys& paths) const {
    const Window known = Window::known(frame);
    const auto one = prior(known);
    const Tensor<float> mean = repeated(one.mean, paths.count),
                        deviation = repeated(sqrt(one.variance), paths.count),
                        told = repeated(condition(known, one), paths.count);
    // Where s is g, all is a common diffusion of z = (y - f) / sqrt(g).
    const auto standard = denoiser_of([&](const Tensor<float>& z, const Tensor<float>& time) {
      return network(mean + deviation * z, time, told);
    });
    const auto first = static_cast<std::uint64_t>(paths.first);
    const auto z = paths.rng.stream(1).normal<float>(mean.shape(), first);
    return mean + deviation * sample_from(solver::Ddpm{}, standard, z, sampling_grid(), paths.rng,
                                          {.first_sample = first});
  }

  FOGLIFT_PRIVATE_CHILDREN(mean, spread1, spread2, embedding, layers, gains, output);

 private:
  static const Options& checked(const Options& o) {
    if (o.layers < 1 || o.rolling < 2)
      raise<ArgumentError>("Nsdiff: layers ", o.layers, ", rolling ", o.rolling,
                           "; needed at least 1 and 2");
    return o;
  }

  /// What the network is told of each step: f, sqrt(g) and the features, [B, H, 2 K + F].
  Tensor<float> condition(const Window& window, const Prior<Tensor<float>>& p) const {
    return concat({p.mean, sqrt(p.variance), slice(window.features, 1, frame().context, horizon())},
                  2);
  }

  /// softplus(gain(time) * linear(.)), layer after layer, at each step by itself.
  template <Value X>
  X network(const X& x, const Tensor<float>& time, const Tensor<float>& told) const {
    const X e = embedding_(time, nn::Condition<float>{}, x);
    X h = concat({x, constant(told, x)}, 2);
    for (std::size_t i = 0; i < layers_.size(); ++i)
      h = softplus(layers_[i](h) * nn::per_sample(gains_[i](e), 3));
    return output_(h);
  }

  std::vector<double> shares_;  // c after each step
  nn::Linear<float> mean_, spread1_, spread2_;
  nn::TimeEmbedding<float> embedding_;
  std::vector<nn::Linear<float>> layers_, gains_;
  nn::Linear<float> output_;
};

}  // namespace foglift::inline v0::forecast
