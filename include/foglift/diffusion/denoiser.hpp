#pragma once

#include "foglift/autograd/packed_weights.hpp"
#include "foglift/autograd/value.hpp"
#include "foglift/diffusion/parameterization.hpp"
#include "foglift/diffusion/schedule.hpp"

#include <concepts>
#include <span>
#include <type_traits>
#include <utility>

namespace foglift {
inline namespace v0 {

/// The hub between networks and solvers: E[x0 | x] for x = alpha x0 + sigma eps, shape of x, at any
/// level. The denoisers of the library also take one level for each sample (Levels).
template <class D, class T = float>
concept Denoiser = requires(const std::remove_reference_t<D>& d, const Tensor<T>& x,
                            const Level& level) {
  { d(x, level) } -> std::convertible_to<Tensor<T>>;
};

/// A denoiser that takes one level for each sample too.
template <class D, class T = float>
concept BatchDenoiser = Denoiser<D, T> &&
    requires(const std::remove_reference_t<D>& d, const Tensor<T>& x, const Levels& levels) {
  { d(x, levels) } -> std::convertible_to<Tensor<T>>;
};

/// How an adapter keeps what it wraps, given as Kept<D> for an argument D&&: a named object by
/// const reference, which must outlive the adapter; a temporary by value.
template <class D>
using Kept = std::conditional_t<std::is_lvalue_reference_v<D>, const std::remove_reference_t<D>&,
                                std::remove_cv_t<D>>;

namespace detail {
/// True if alpha is exactly 0 at t = 1.
template <class S>
inline constexpr bool reaches_pure_noise = requires {
  requires S::zero_terminal_snr;
};

/// denoise(x, level), checked to have the shape of x.
template <class D, Scalar T, class L>
Tensor<T> denoised(const D& denoise, const Tensor<T>& x, const L& level) {
  Tensor<T> x0 = denoise(x, level);
  if (x0.shape() != x.shape())
    raise<ShapeError>("denoiser: returned ", x0.shape(), " for a state ", x.shape(),
                      "; the same shape is needed");
  return x0;
}
}  // namespace detail

namespace detail {

/// A network with what it predicts and the schedule that it was trained on: see NetworkDenoiser.
template <class Net, Parameterization P, NoiseSchedule S>
class TrainedNetwork {
  static_assert(!(predict::needs_signal<P> && reaches_pure_noise<S>),
                "NetworkDenoiser: this parameterization says nothing of x0 at alpha = 0, which the "
                "schedule reaches (zero_terminal_snr): the first step from pure noise would be "
                "lost. Train and sample with predict::Velocity, predict::X0 or predict::Edm, or on "
                "a schedule that keeps some signal");

 public:
  template <class N>
  requires std::same_as<Kept<N>, Net> TrainedNetwork(N&& net, P parameterization, S schedule)
      : net_(std::forward<N>(net)),
        parameterization_(std::move(parameterization)),
        schedule_(std::move(schedule)) {}

  const S& schedule() const { return schedule_; }
  const P& parameterization() const { return parameterization_; }
  /// f(network), for PackedWeights.
  template <class F>
  void each_part(const F& f) const {
    f(net());
  }
  /// Lets the network embed the times of a grid at once, where it can. A grid whose ends are known
  /// from before is not looked at again.
  void foresee(PackedWeights& promise, std::span<const Level> grid) const {
    if constexpr (requires { net().embedding.foresee(promise, {}); }) {
      if (grid.size() < 2) return;  // no step, no time
      using T = typename std::remove_cvref_t<decltype(net().embedding)>::value_type;
      const auto time = [&](std::size_t i) {
        return static_cast<T>(predict::condition(parameterization_, trained_at(grid[i])));
      };
      const auto& embedding = net().embedding;
      const std::size_t last = grid.size() - 1;  // where a run ends, and asks nothing
      if (embedding.knows(time(0)) && embedding.knows(time(last - 1))) return;
      auto times = Tensor<T>::uninitialized({static_cast<Index>(last)});
      for (std::size_t i = 0; i < last; ++i) times[static_cast<Index>(i)] = time(i);
      embedding.foresee(promise, times);
    }
  }

 protected:
  const std::remove_reference_t<Net>& net() const { return net_; }

  /// x0 for x, a Tensor or a Var, from predicted(input, noise), what the network says of the input
  /// [B, ...] at the noise [B] or [B, groups].
  template <Value X, class F>
  X x0(const X& x, const Levels& levels, const F& predicted) const {
    using T = scalar_of<X>;
    const Index batch = batch_of(value_of(x));
    const Index rows = levels.rows(batch, value_of(x).row_size(), "NetworkDenoiser");
    // equal ratios: alpha'/alpha = sigma'/sigma = the quotient of the norms, safe at both ends
    struct Trained {
      Level level;
      double scale;
    };
    const auto trained_at = [&](const Level& l) {
      const Level found = this->trained_at(l);
      return Trained{found, std::hypot(found.alpha, found.sigma) / std::hypot(l.alpha, l.sigma)};
    };
    const Trained shared = levels.shared() && rows > 0 ? trained_at(levels[0]) : Trained{};
    const auto trained = [&](Index r) { return levels.shared() ? shared : trained_at(levels[r]); };
    Tensor<T> noise(levels.groups() > 1 ? Shape{batch, levels.groups()} : Shape{batch});
    for (Index r = 0; r < rows; ++r)
      noise[r] = static_cast<T>(predict::condition(parameterization_, trained(r).level));
    const X input = scale(x, rows, [&](Index r) {
      const Trained t = trained(r);
      return t.scale * predict::input_scale(parameterization_, t.level);
    });
    X f = predicted(input, std::as_const(noise));
    if (f.shape() != x.shape())
      raise<ShapeError>("NetworkDenoiser: the network returned ", f.shape(), " for a state ",
                        x.shape(), "; the same shape is needed");
    return affine(std::move(f), x, rows, [&](Index r) {
      const Trained t = trained(r);
      const Mix m = parameterization_.x0(t.level);
      return Mix{m.b, m.a * t.scale};
    });
  }

 private:
  Level trained_at(const Level& l) const { return schedule_.at(schedule_.time(l.lambda())); }

  Net net_;
  P parameterization_;
  S schedule_;
};

}  // namespace detail

/// A network as a denoiser, differentiable if the network is callable on a Var. It owns the
/// schedule that the network was trained on: asked at any (alpha, sigma), it finds the time of
/// equal log-SNR, scales x to that time's level, calls net(x, time) with times [B] in [0, 1] ([B,
/// groups] where groups of elements have levels), and turns the output into x0. A parameterization
/// with `scale` or `condition` has its word on what the network sees. Levels beyond the schedule's
/// ends are taken at the ends. Predicting the noise or the score is refused at compile time on
/// schedules that end in noise without signal.
///
///   NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{});
///
/// A network with a condition is wrapped in a lambda:
///   NetworkDenoiser([&](const auto& x, const auto& time) { return net(x, time, c); }, ...)
template <class Net, Parameterization P, NoiseSchedule S>
class NetworkDenoiser : public detail::TrainedNetwork<Net, P, S> {
 public:
  using detail::TrainedNetwork<Net, P, S>::TrainedNetwork;

  /// x0 [B, ...] for x [B, ...], a Tensor or a Var, at one level, B, or B times groups. Throws
  /// ShapeError if the network's output has another shape than x, or the levels do not fit.
  template <Value X>
  X operator()(const X& x, const Levels& levels) const {
    return this->x0(x, levels, this->net());
  }
};

template <class N, class P, class S>
NetworkDenoiser(N&&, P, S) -> NetworkDenoiser<Kept<N>, P, S>;

}  // namespace v0
}  // namespace foglift
