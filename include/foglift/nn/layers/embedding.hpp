#pragma once

#include "foglift/autograd/ops/activation.hpp"
#include "foglift/autograd/ops/arithmetic.hpp"
#include "foglift/autograd/ops/embedding.hpp"
#include "foglift/autograd/ops/sinusoids.hpp"
#include "foglift/autograd/packed_weights.hpp"
#include "foglift/core/autocast.hpp"
#include "foglift/nn/condition.hpp"
#include "foglift/nn/layers/linear.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

namespace foglift::inline v0::nn {

namespace detail {
/// f_i = max_period^(-i / (half - shift)) for i < half.
inline Tensor<double> falling_frequencies(Index half, double max_period, double shift = 0) {
  auto f = Tensor<double>::uninitialized({half});
  for (Index i = 0; i < half; ++i)
    f[i] = std::exp(-std::log(max_period) * static_cast<double>(i) /
                    (static_cast<double>(half) - shift));
  return f;
}
}  // namespace detail

/// Sinusoidal features of positions or times (Vaswani et al. 2017; order and spacing of Ho et al.
/// 2020): t [n] -> [n, width], cos(scale t f_i) for i < width / 2, then sin, with
/// f_i = max_period^(-i / (width / 2)). Angles in double. Throws ArgumentError for an odd width.
template <Scalar T>
Tensor<T> sinusoidal_features(const Tensor<T>& t, Index width, double scale = 1,
                              double max_period = 10000) {
  if (width <= 0 || width % 2 != 0)
    raise<ArgumentError>("sinusoidal_features: width ", width, ", must be even and positive");
  return sinusoids(t, detail::falling_frequencies(width / 2, max_period), {.scale = scale});
}

struct FourierOptions {
  Index width = 0;        ///< features, half cosines and half sines
  double bandwidth = 16;  ///< standard deviation of the frequencies, in periods per unit
};

/// Random Fourier features (Tancik et al. 2020) of t [n] -> [n, width]: cos(2 pi w t), then sin.
/// The frequencies are drawn once, saved with the model, and not trained: no gradient reaches them.
template <Scalar T = float>
class FourierFeatures : public Layer<T, FourierOptions> {
 public:
  Parameter<T> frequencies;  ///< [width / 2]

  /// Throws ArgumentError for an odd width.
  explicit FourierFeatures(const FourierOptions& o, Rng& rng) {
    if (o.width <= 0 || o.width % 2 != 0)
      raise<ArgumentError>("FourierFeatures: width ", o.width, ", must be even and positive");
    frequencies = normal_parameter<T>({o.width / 2}, o.bandwidth, rng);
  }

  Tensor<T> operator()(const Tensor<T>& t) const {
    return sinusoids(t, frequencies.value.template cast<double>(), {.scale = 2 * std::numbers::pi});
  }

  FOGLIFT_CHILDREN(frequencies);
};

struct ClassEmbeddingOptions {
  Index classes = 0;
  Index width = 0;
};

/// A learned row for each class and one for "no class": labels [B] in [-1, classes) -> [B, width].
template <Scalar T = float>
class ClassEmbedding : public Layer<T, ClassEmbeddingOptions> {
 public:
  Parameter<T> weight;  ///< [classes + 1, width]; the last row is "no class"

  explicit ClassEmbedding(const ClassEmbeddingOptions& o, Rng& rng) {
    detail::need_positive("ClassEmbedding", {{"classes", o.classes}, {"width", o.width}});
    weight = normal_parameter<T>({o.classes + 1, o.width}, 0.02, rng);
  }

  Index classes() const { return weight.value.dim(0) - 1; }

  /// Throws ArgumentError for a label outside the classes.
  template <ValueOf<T> X>
  X operator()(std::span<const Index> labels, const X& like) const {
    std::vector<Index> rows(labels.begin(), labels.end());
    for (Index& row : rows) {
      if (row < -1 || row >= classes())
        raise<ArgumentError>("ClassEmbedding: label ", row, " of ", classes(), " classes");
      if (row == -1) row = classes();
    }
    return embedding(use(weight, like), std::span<const Index>(rows));
  }

  FOGLIFT_CHILDREN(weight);
};

struct TimeEmbeddingOptions {
  Index features = 0;          ///< width of the features of the time; 0: chosen by the network
  Index width = 0;             ///< width of the embedding; 0: chosen by the network
  double time_scale = 1000;    ///< times in [0, 1] are multiplied by this before the sinusoids
  double time_offset = 0;      ///< added to the scaled times, in whose unit it is
  double frequency_shift = 0;  ///< of the sinusoids: f_i = 10000^(-i / (features / 2 - shift))
  bool sines_first = false;    ///< of the sinusoids: sin, then cos
  double fourier = 0;          ///< > 0: random Fourier features of this bandwidth, not sinusoids
  Index layers = 2;            ///< 2: silu(fc2(silu(fc1(features)))), 1: fc1(features) alone
  Index classes = 0;           ///< > 0: takes class labels
  Index vector = 0;            ///< > 0: takes a condition vector of so many features

  /// See nn::description. An option that is added has to be sorted here.
  static void untold(const TimeEmbeddingOptions& o, auto&& f) {
    const auto& [features, width, time_scale, time_offset, frequency_shift, sines_first, fourier,
                 layers, classes, vector] = o;
    f("time_scale", time_scale);
    f("time_offset", time_offset);
    f("frequency_shift", frequency_shift);
    f("sines_first", sines_first);
  }
};

/// One vector a sample of what the whole sample is told: the time, and where asked for its class
/// and a condition vector, added before the last activation. [B] -> [B, width].
template <Scalar T = float>
class TimeEmbedding : public Layer<T, TimeEmbeddingOptions> {
 public:
  std::optional<FourierFeatures<T>> fourier;
  Linear<T> fc1;
  std::optional<Linear<T>> fc2;
  std::optional<ClassEmbedding<T>> classes;
  std::optional<Linear<T>> vector;

  /// Throws ArgumentError for odd features, layers other than 1 and 2, a frequency shift outside
  /// [0, features / 2), or no width.
  explicit TimeEmbedding(const TimeEmbeddingOptions& o, Rng& rng)
      : fc1({.in = o.features, .out = o.width}, rng), options_(o) {
    if (o.layers != 1 && o.layers != 2)
      raise<ArgumentError>("TimeEmbedding: ", o.layers, " layers, can be 1 or 2");
    if (o.features % 2 != 0)
      raise<ArgumentError>("TimeEmbedding: ", o.features, " features, must be even");
    if (o.layers == 2) fc2.emplace(LinearOptions{.in = o.width, .out = o.width}, rng);
    if (o.fourier > 0)
      fourier.emplace(FourierOptions{.width = o.features, .bandwidth = o.fourier}, rng);
    if (o.classes > 0)
      classes.emplace(ClassEmbeddingOptions{.classes = o.classes, .width = o.width}, rng);
    if (o.vector > 0) vector.emplace(LinearOptions{.in = o.vector, .out = o.width}, rng);
    if (fourier) return;
    if (!(o.frequency_shift >= 0 && o.frequency_shift < static_cast<double>(o.features / 2)))
      raise<ArgumentError>("TimeEmbedding: frequency_shift = ", o.frequency_shift, " of ",
                           o.features / 2, " frequencies, must be in [0, ", o.features / 2, ")");
    frequencies_ = detail::falling_frequencies(o.features / 2, 10000, o.frequency_shift);
  }

  const TimeEmbeddingOptions& options() const { return options_; }

  /// time [B]; the condition is one for these classes and vector. The result is of the kind of
  /// `like`.
  template <ValueOf<T> X, class C = T>
  X operator()(const Tensor<T>& time, const Condition<C>& condition, const X& like) const {
    const Autocast single(ProductType::float32);
    if constexpr (!Recorded<X>)
      if (const T* const row = time.size() == 1 ? precomputed(time[0]) : nullptr)
        return Tensor<T>({1, options_.width}, {row, static_cast<std::size_t>(options_.width)});
    X e = fc1(constant(fourier ? (*fourier)(time)
                               : sinusoids(time, frequencies_,
                                           {.scale = options_.time_scale,
                                            .offset = options_.time_offset,
                                            .sines_first = options_.sines_first}),
                       like));
    if (fc2) e = (*fc2)(silu(e));
    if (classes) {
      std::vector<Index> labels = condition.labels;
      if (labels.empty()) labels.assign(static_cast<std::size_t>(time.size()), -1);
      if (condition.present)
        for (Index b = 0; b < condition.present->size(); ++b)
          if ((*condition.present)[b] == 0) labels[static_cast<std::size_t>(b)] = -1;
      e = e + (*classes)(labels, like);
    }
    if (vector && condition.vector) {
      const ConditionFor<X>& told = detail::lifted(condition, like);
      e = e +
          detail::where_present((*vector)(detail::shown(*told.vector, told.present)), told.present);
    }
    return fc2 ? silu(e) : e;
  }

  /// The same where a row may stand for the whole batch: [1, width] if all samples are told the
  /// same, as in sampling, else [B, width].
  template <ValueOf<T> X, class C = T>
  X rows(const Tensor<T>& time, const Condition<C>& condition, const X& like) const {
    const auto alike = [](const auto& v) {
      return std::all_of(v.begin(), v.end(), [&](const auto& e) { return e == *v.begin(); });
    };
    if (time.size() < 2 || condition.vector || condition.present || !alike(time) ||
        !alike(condition.labels))
      return (*this)(time, condition, like);
    Condition<T> one;
    if (!condition.labels.empty()) one.labels.assign(1, condition.labels[0]);
    return (*this)(time.rows(0, 1), one, like);
  }

  /// Embeds times [n] at once: until that promise ends, a batch that is told one of them finds its
  /// row, with the same bits, and the weights here are not read again. Nothing for an embedding
  /// that is told more than times.
  void precompute(PackedWeights& promise, const Tensor<T>& times) const {
    if (classes || vector) return;
    const Tensor<T> rows = (*this)(times, {}, times);
    auto table = Tensor<T>::uninitialized({times.size() + rows.size()});
    std::copy(rows.begin(), rows.end(), std::copy(times.begin(), times.end(), table.begin()));
    promise.keep(fc1.weight.value.data(), std::move(table));
  }
  /// True if the time was precomputed.
  bool knows(T time) const { return precomputed(time) != nullptr; }

  FOGLIFT_CHILDREN(fourier, fc1, fc2, classes, vector);

 private:
  /// The embedding [width] of a time that was precomputed, else nullptr.
  const T* precomputed(T time) const {
    const Tensor<T>* const table = PackedWeights::ahead(fc1.weight.value.data());
    if (!table) return nullptr;
    const T* const times = table->data();
    const T* const rows = times + table->size() / (1 + options_.width);
    const T* const found = std::find(times, rows, time);
    return found == rows ? nullptr : rows + (found - times) * options_.width;
  }

  TimeEmbeddingOptions options_;
  Tensor<double> frequencies_;  // of the sinusoids
};

}  // namespace foglift::inline v0::nn
