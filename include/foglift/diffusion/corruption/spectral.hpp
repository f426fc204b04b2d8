#pragma once

#include "foglift/autograd/ops/dct.hpp"
#include "foglift/diffusion/corruption/batch.hpp"
#include "foglift/diffusion/solver/ddim.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace foglift::inline v0::corruption {

/// Blurring diffusion (Hoogeboom & Salimans 2023, section 4): a frequency f, in radians a position,
/// fades as heat does,
///   alpha_f = alpha d, d = (1 - least) exp(-f^2 b^2 / 2) + least,  b = width sin^2(pi t / 2),
/// under the same noise for all. width is the deviation of the last blur, in positions. With alpha
/// = 1 it is soft diffusion by a blur (Daras et al. 2023), with little noise heat dissipation
/// (Rissanen et al. 2023).
struct Blur {
  double width = 10, least = 0.001;

  Level operator()(const Level& l, double frequency) const {
    const double root = std::sin(std::numbers::pi / 2 * l.t), b = width * root * root;
    const double d = (1 - least) * std::exp(-0.5 * std::pow(frequency * b, 2)) + least;
    return {l.t, l.alpha * d, l.sigma};
  }
};

/// Coloured noise: sigma_f = sigma c / (1 + f / corner)^power, with more of it in low frequencies
/// for power > 0. c is 1.
struct Coloured {
  double power = 1, corner = 0.5;

  Level operator()(const Level& l, double frequency) const {
    return {l.t, l.alpha, l.sigma * std::pow(1 + frequency / corner, -power)};
  }
};

/// Normal noise with a level for each frequency of a cosine transform over the axes of space: data
/// [B, L, C] or [B, H, W, C], frequencies of positions, law(level, frequency) -> Level at the
/// length of the frequency's vector. A predictor says the data from the blurred, noisy picture; a
/// step is that of a rule at each frequency's own levels (Ddim: the momentum sampler of soft
/// diffusion; Ddpm: that of blurring diffusion). Noise relative to signal is to fall at every
/// frequency along a grid.
///
///   const corruption::Spectral<float, corruption::Blur> blur({.width = 4});
///   auto x = restore(blur, denoise, {16, 8, 8, 1}, grid::uniform(schedule, 20), rng);
template <Scalar T, class Law, class Rule = solver::Ddim>
class Spectral {
 public:
  using State = Tensor<T>;
  using Estimate = Tensor<T>;
  static constexpr const char* name = "spectral";

  explicit Spectral(Law law = {}, Rule rule = {}) : law_(std::move(law)), rule_(std::move(rule)) {}

  State prior(const Shape& shape, const Level& level, const StepRng& rng) const {
    const auto at = levels(level, shape);
    State z = rng.normal<T>(shape);
    const Index groups = static_cast<Index>(at.size());
    z = scale(std::move(z), shape[0] * groups,
              [&](Index r) { return at[static_cast<std::size_t>(r % groups)].sigma; });
    return transform(std::move(z), true);
  }
  State corrupt(State clean, const Levels& given, const StepRng& rng) const {
    given.check(clean.dim(0), name);
    std::vector<Level> each;
    for (Index b = 0; b < clean.dim(0); ++b) {
      const auto own = levels(given[b], clean.shape());
      each.insert(each.end(), own.begin(), own.end());
    }
    const Levels at(each, static_cast<Index>(each.size()) / clean.dim(0));
    const State eps = rng.normal<T>(clean.shape());
    State z = affine(transform(std::move(clean), false), eps, at, name,
                     [](const Level& l) { return Mix{l.alpha, l.sigma}; });
    return transform(std::move(z), true);
  }
  State back(State x, const Estimate& x0, const Level& from, const Level& to,
             const StepRng& rng) const {
    const auto before = repeated(from, x.shape()), after = repeated(to, x.shape());
    const Index groups = static_cast<Index>(before.size()) / x.dim(0);
    return transform(rule_.back(transform(std::move(x), false), transform(x0, false),
                                Levels(before, groups), Levels(after, groups), rng),
                     true);
  }

  /// The mean squared error of an estimate of the data, shape [].
  template <Value X>
  X loss(const X& x0, const CorruptedBatch<Spectral>& batch) const {
    return batch.mean_square(x0);
  }

  /// The levels of a sample's frequencies, in the order of its positions. Throws ShapeError for
  /// states without an axis of space or with more than two.
  std::vector<Level> levels(const Level& level, const Shape& shape) const {
    if (shape.rank() != 3 && shape.rank() != 4)
      raise<ShapeError>("corruption::Spectral: states ", shape,
                        ", needed [B, L, C] or [B, H, W, C]");
    const Index rows = shape.rank() == 4 ? shape[1] : 1, columns = shape[shape.rank() - 2];
    const auto angle = [](Index k, Index n) {
      return std::numbers::pi * static_cast<double>(k) / static_cast<double>(n);
    };
    std::vector<Level> out;
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j)
        out.push_back(law_(level, std::hypot(angle(i, rows), angle(j, columns))));
    return out;
  }

 private:
  std::vector<Level> repeated(const Level& level, const Shape& shape) const {
    const auto one = levels(level, shape);
    std::vector<Level> out;
    for (Index b = 0; b < shape[0]; ++b) out.insert(out.end(), one.begin(), one.end());
    return out;
  }
  static State transform(State x, bool inverse) {
    for (int axis = 1; axis < x.rank() - 1; ++axis) x = inverse ? idct(x, axis) : dct(x, axis);
    return x;
  }

  Law law_;
  Rule rule_;
};

}  // namespace foglift::inline v0::corruption
