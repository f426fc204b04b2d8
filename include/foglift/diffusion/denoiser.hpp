#pragma once

#include "foglift/autograd/packed_weights.hpp"
#include "foglift/autograd/value.hpp"
#include "foglift/diffusion/condition.hpp"
#include "foglift/diffusion/loss/batch.hpp"
#include "foglift/diffusion/parameterization.hpp"
#include "foglift/diffusion/rows.hpp"
#include "foglift/diffusion/schedule.hpp"

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace foglift::inline v0 {

/// The hub between networks and solvers: E[x0 | x] for x = alpha x0 + sigma eps, shape of x, at any
/// level. The denoisers of the library also take one level for each sample (Levels).
template <class D, class T = float>
concept Denoiser = Answers<D, Tensor<T>, Level>;

/// A denoiser that takes what a step is at: one level, or Levels of samples or groups.
template <class D, class T, class L>
concept DenoiserAt = AnyLevels<L> && Denoiser<D, T> && Answers<D, Tensor<T>, L>;

/// A denoiser that takes Levels too.
template <class D, class T = float>
concept BatchDenoiser = DenoiserAt<D, T, Levels>;

/// How an adapter keeps the denoiser it is given, as Kept<D> for an argument D&&: by value, so that
/// what is made of a denoiser outlives it, as `return denoise | guide::Clip{}` needs. Denoisers of
/// the library are cheap to copy: copies share their network, condition or law. One that is not is
/// given as std::cref(denoise), is referred to, and must outlive the adapter.
template <class D>
using Kept = std::conditional_t<std::is_lvalue_reference_v<std::unwrap_ref_decay_t<D>>,
                                const std::remove_reference_t<std::unwrap_ref_decay_t<D>>&,
                                std::unwrap_ref_decay_t<D>>;

/// How a denoiser keeps its network, as KeptNetwork<N> for an argument N&&: a named one by
/// reference, since networks are large, go on learning and have their own life; it must outlive the
/// denoiser and its copies. A temporary is kept, and shared by the copies of the denoiser.
template <class N>
using KeptNetwork = std::conditional_t<std::is_lvalue_reference_v<N>,
                                       const std::remove_reference_t<N>&, std::remove_cv_t<N>>;

namespace detail {
/// True if alpha is exactly 0 at t = 1.
template <class S>
inline constexpr bool reaches_pure_noise = requires { requires S::zero_terminal_snr; };
}  // namespace detail

/// What a denoiser says of the data behind x [B, ...] at a level, or at Levels: denoise(x, level),
/// checked to have the shape of x. Throws ShapeError for another.
template <class D, Scalar T, AnyLevels L>
Tensor<T> ask(const D& denoise, const Tensor<T>& x, const L& level) {
  Tensor<T> x0 = denoise(x, level);
  if (x0.shape() != x.shape())
    raise<ShapeError>("denoiser: returned ", x0.shape(), " for a state ", x.shape(),
                      "; the same shape is needed");
  return x0;
}

namespace detail {

/// A network kept as KeptNetwork says; cheap to copy.
template <class Net>
class NetworkHandle {
  using Target = const std::remove_reference_t<Net>;
  static constexpr bool named = std::is_lvalue_reference_v<Net>;

 public:
  NetworkHandle(Target& net)
    requires named
      : net_(&net) {}  // NOLINT: implicit
  NetworkHandle(Net&& net)
    requires(!named)  // NOLINT: implicit
      : net_(std::make_shared<Target>(std::move(net))) {}

  Target& operator*() const { return *net_; }

 private:
  std::conditional_t<named, Target*, std::shared_ptr<Target>> net_;
};

/// f(network), or f(network inside) for each that a wrapper names, if it embeds times.
template <class Net, class F>
void each_embedding(const Net& net, const F& f) {
  if constexpr (requires(PackedWeights& promise) { net.embedding.precompute(promise, {}); })
    f(net.embedding);
  else if constexpr (requires { net.each_part([](const auto&) {}); })
    net.each_part([&](const auto& part) { each_embedding(part, f); });
}

/// A network with what it predicts, the schedule that it was trained on and what it is told beside
/// x and the time: what Self, a NetworkDenoiser or the like, is made of.
template <template <class, class, class, class> class Self, class Net, Parameterization P,
          NoiseSchedule S, class C>
class TrainedNetwork {
  static_assert(!(predict::needs_signal<P> && reaches_pure_noise<S>),
                "NetworkDenoiser: this parameterization says nothing of x0 at alpha = 0, which the "
                "schedule reaches (zero_terminal_snr): the first step from pure noise would be "
                "lost. Train and sample with predict::Velocity, predict::X0 or predict::Edm, or on "
                "a schedule that keeps some signal");

 public:
  TrainedNetwork(NetworkHandle<Net> net, P parameterization, S schedule, C condition = {})
      : net_(std::move(net)),
        parameterization_(std::move(parameterization)),
        schedule_(std::move(schedule)),
        condition_(std::make_shared<const C>(std::move(condition))) {}

  /// The same network told this condition: what classifier-free guidance needs a second of.
  template <class D>
    requires(!std::same_as<D, ConditionOf<Net>>)
  Self<Net, P, S, D> with(D condition) const {
    return {net_, parameterization_, schedule_, std::move(condition)};
  }
  /// The same, where the network says of what type its conditions are: with({.labels = labels}).
  Self<Net, P, S, ConditionOf<Net>> with(ConditionOf<Net> condition) const {
    return {net_, parameterization_, schedule_, std::move(condition)};
  }
  /// The same network told nothing, called net(x, time). To the networks of nn that is "no class"
  /// and no vector or sequence: what they learned where the condition was dropped.
  Self<Net, P, S, NoCondition> without_condition() const {
    return {net_, parameterization_, schedule_, NoCondition{}};
  }
  /// Another network, trained and asked as this one: what train::fit trains, or its average.
  template <class N>
  Self<KeptNetwork<N>, P, S, C> of(N&& net) const {
    return {std::forward<N>(net), parameterization_, schedule_, condition()};
  }
  const std::remove_reference_t<Net>& network() const { return *net_; }
  const C& condition() const { return *condition_; }

  /// The denoiser for some samples of its batch, told their part of the condition. For a network
  /// that sees rows through x, time and condition alone: one that has parameters, or an Alike.
  decltype(auto) rows(const Rows& rows) const
    requires TellsRows<Net, C>
  {
    if constexpr (requires { network().rows(rows); }) network().rows(rows);  // it may refuse
    if constexpr (std::same_as<C, NoCondition>)
      return static_cast<const Self<Net, P, S, C>&>(*this);
    else
      return with(condition_rows(condition(), rows.index));
  }

  const S& schedule() const { return schedule_; }
  const P& parameterization() const { return parameterization_; }

  /// The schedule's own levels and steps, so that a denoiser is a NoiseSchedule or a grid::Chain
  /// where it was trained on one: grid::uniform(denoise, 20).
  Level at(double t) const { return schedule_.at(t); }
  double time(double lambda) const { return schedule_.time(lambda); }
  Index steps() const
    requires requires(const S& s) { s.steps(); }
  {
    return schedule_.steps();
  }
  Level step(Index i) const
    requires requires(const S& s) { s.step(0); }
  {
    return schedule_.step(i);
  }

  /// What neither the network nor its weights tell of how they are used, by name:
  /// "parameterization" ("velocity") and "schedule" ("cosine 0.008"), if they are Described.
  std::map<std::string, std::string> description() const {
    std::map<std::string, std::string> out;
    if constexpr (Described<P>) out["parameterization"] = parameterization_.description();
    if constexpr (Described<S>) out["schedule"] = schedule_.description();
    return out;
  }
  /// f(network), for PackedWeights.
  template <class F>
  void each_part(const F& f) const {
    f(network());
  }
  /// Lets the network embed the times of a grid at once, where it can. A grid whose ends are known
  /// from before is not looked at again.
  void precompute(PackedWeights& promise, std::span<const Level> grid) const {
    if (grid.size() < 2) return;               // no step, no time
    const std::size_t last = grid.size() - 1;  // where a run ends, and asks nothing
    each_embedding(network(), [&]<class E>(const E& embedding) {
      using T = typename E::value_type;
      const auto time = [&](std::size_t i) {
        return static_cast<T>(predict::condition(parameterization_, trained_at(grid[i])));
      };
      if (embedding.knows(time(0)) && embedding.knows(time(last - 1))) return;
      auto times = Tensor<T>::uninitialized({static_cast<Index>(last)});
      for (std::size_t i = 0; i < last; ++i) times[static_cast<Index>(i)] = time(i);
      embedding.precompute(promise, times);
    });
  }

  /// What the network says of an input at a time, as it is called, told the condition.
  template <Value X>
  X ask(const X& input, const Tensor<scalar_of<X>>& time) const {
    if constexpr (std::same_as<C, NoCondition>)
      return network()(input, time);
    else
      return network()(input, time, condition());
  }
  /// A training batch of data x0 [B, ...], see TrainingBatch for what it throws: the schedule's
  /// levels, the parameterization's target. The step must be given.
  template <Scalar T>
  TrainingBatch<T> batch(Tensor<T> x0, const Rng& rng,
                         const Draws& draws = {.step = StepNumber::needed<T>()},
                         const LossOptions<std::type_identity_t<T>>& options = {}) const {
    return {std::move(x0), schedule_, parameterization_, rng, draws, options};
  }
  /// What the network says of a batch: recorded on a tape, or to judge it.
  template <Scalar T>
  Var<T> output(Tape<T>& tape, const TrainingBatch<T>& batch) const {
    return ask(tape.constant(batch.input()), batch.time);
  }
  template <Scalar T>
  Tensor<T> output(const TrainingBatch<T>& batch) const {
    return ask(batch.input(), batch.time);
  }

 protected:
  const NetworkHandle<Net>& handle() const { return net_; }

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

  NetworkHandle<Net> net_;
  P parameterization_;
  S schedule_;
  std::shared_ptr<const C> condition_;  // of all copies
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
/// A condition of the batch is bound to it; the network is then called net(x, time, condition):
///
///   NetworkDenoiser denoise(net, predict::Velocity{}, schedule::Cosine{}, {.labels = labels});
///   auto guided = denoise | guide::ClassifierFree{denoise.without_condition(), 3.0};
///
/// Braces are for the networks of nn, whose conditions are nn::Condition; others take any object
/// that their network takes: a Tensor [B, ...], a std::vector of B elements, or what has rows(c,
/// std::span<const Index>) beside it.
///
/// A network that is a named object is referred to, and must outlive the denoiser and its copies; a
/// temporary is kept (KeptNetwork). A lambda around a network hides it: nothing is promised of the
/// weights inside (PackedWeights, precompute), which costs small batches up to half of their speed,
/// and adaptive rules can not ask about a part of the batch (Rows). Bind the condition instead, or
/// write a struct that calls f(network) in each_part(f).
template <class Net, Parameterization P, NoiseSchedule S, class C = NoCondition>
class NetworkDenoiser : public detail::TrainedNetwork<NetworkDenoiser, Net, P, S, C> {
 public:
  using detail::TrainedNetwork<NetworkDenoiser, Net, P, S, C>::TrainedNetwork;

  /// x0 [B, ...] for x [B, ...], a Tensor or a Var, at one level, B, or B times groups. Throws
  /// ShapeError if the network's output has another shape than x, or the levels do not fit, and
  /// what the network throws for a condition of another batch.
  template <Value X>
  X operator()(const X& x, const Levels& levels) const {
    return this->x0(x, levels, [this](const X& input, const Tensor<scalar_of<X>>& noise) {
      return this->ask(input, noise);
    });
  }

  /// The training loss on data x0 [B, ...], noised to a time drawn for each sample, which are keyed
  /// by (rng, sample, step): TrainingBatch::loss of the network's output. Weights (weight::),
  /// penalties, densities of times (density::) and noise are options; with predict::FlowVelocity it
  /// is flow matching. The step must be given: a loop that does not count it would train on one
  /// draw. Throws what TrainingBatch does.
  ///
  ///   auto loss = denoise.loss(tape, x0, rng, {.step = step});
  template <Scalar T>
  Var<T> loss(Tape<T>& tape, const Tensor<std::type_identity_t<T>>& x0, const Rng& rng,
              const Draws& draws = {.step = StepNumber::needed<T>()},
              const LossOptions<T>& options = {}) const {
    const TrainingBatch<T> batch = this->batch(x0, rng, draws, options);
    return batch.loss(this->output(tape, batch));
  }
  /// The same number without a tape, of shape []: to judge a network.
  template <Scalar T>
  Tensor<T> loss(const Tensor<T>& x0, const Rng& rng,
                 const Draws& draws = {.step = StepNumber::needed<T>()},
                 const LossOptions<std::type_identity_t<T>>& options = {}) const {
    const TrainingBatch<T> batch = this->batch(x0, rng, draws, options);
    return batch.loss(this->output(batch));
  }
};

template <class N, class P, class S>
NetworkDenoiser(N&&, P, S) -> NetworkDenoiser<KeptNetwork<N>, P, S>;
template <class N, class P, class S, class C>
  requires(!std::same_as<C, detail::ConditionOf<N>>)
NetworkDenoiser(N&&, P, S, C) -> NetworkDenoiser<KeptNetwork<N>, P, S, C>;
template <class N, class P, class S>
NetworkDenoiser(N&&, P, S, detail::ConditionOf<N>)
    -> NetworkDenoiser<KeptNetwork<N>, P, S, detail::ConditionOf<N>>;

}  // namespace foglift::inline v0
