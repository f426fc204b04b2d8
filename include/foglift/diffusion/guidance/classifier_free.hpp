#pragma once

#include "foglift/diffusion/guidance/blend.hpp"
#include "foglift/diffusion/guidance/guidance.hpp"
#include "foglift/diffusion/guidance/space.hpp"

#include <cmath>
#include <utility>

namespace foglift::inline v0::guide {

/// Guidance by two models: a rule of what the guided model says, c, and another one, u. The rule is
/// a number, for u + weight (c - u); a LinearRule; or one that looks at a whole sample, a PairRule:
///   Weight, WeightAt                      classifier-free guidance (Ho & Salimans 2021)
///   Rescaled, ZeroStar, AdaptiveProjected, Tangential, MagnitudeAware, FrequencyDecoupled
/// The other model may be unconditional, weaker (Autoguidance), or perturbed (PerturbedAttention).
///
///   NetworkDenoiser conditional(net, predict::Velocity{}, schedule, {.labels = labels});
///   const auto unconditional = conditional.without_condition();
///   auto sharper = conditional | guide::ClassifierFree{unconditional, 1.5};
///   auto softer = conditional | guide::ClassifierFree{unconditional, guide::Rescaled{7.5}};
template <class U, class Rule = Weight>
class ClassifierFree {
 public:
  static constexpr bool clips = clips_of<U>();

  /// Keeps a copy of the other model (see Kept). Throws ArgumentError for options of the rule that
  /// make no sense.
  ClassifierFree(std::type_identity_t<U> unconditional, std::type_identity_t<Rule> rule)
      : unconditional_(std::forward<U>(unconditional)), rule_(std::move(rule)) {
    static_assert(Denoiser<U, float> || Denoiser<U, double>,
                  "guide::ClassifierFree: the unconditional model must be a denoiser, callable as "
                  "(const Tensor<T>& x, Level) -> Tensor<T>");
    static_assert(LinearRule<Rule> || PairRule<Rule>,
                  "guide::ClassifierFree: a rule is a weight, or has mix(Level) -> Mix or "
                  "operator()(Pair<T>), and check()");
    rule_.check();
  }
  /// u + weight (c - u). Throws ArgumentError for a weight that is not finite.
  ClassifierFree(std::type_identity_t<U> unconditional, double weight)
    requires std::same_as<Rule, Weight>
      : ClassifierFree(std::forward<U>(unconditional), Weight{weight}) {}

  /// A model whose factor is 0 for all samples (the unconditional one at weight 1) is not asked.
  template <class D, Value X, class L>
    requires(LinearRule<Rule> && Answers<D, X, L> && Answers<U, X, L>)
  X apply(const D& conditional, const X& x, const L& levels) const {
    return detail::blend(conditional, unconditional_, x, levels,
                         [&](const Level& l) { return rule_.mix(l); });
  }
  template <class D, Scalar T, class L>
    requires(PairRule<Rule> && requires(const Rule& rule, Pair<T> p) { rule(p); } &&
             Answers<D, Tensor<T>, L> && Answers<U, Tensor<T>, L>)
  Tensor<T> apply(const D& conditional, const Tensor<T>& x, const L& levels) const {
    Tensor<T> c = ask(conditional, x, levels);
    Tensor<T> u = ask(unconditional_, x, levels);
    const Levels each(levels);
    each.check(foglift::detail::batch_of(x), "guide::ClassifierFree");
    if constexpr (requires { rule_.begin(x.shape()); }) rule_.begin(x.shape());
    const Index n = x.row_size();
    const auto size = static_cast<std::size_t>(n);
    foglift::detail::for_rows(foglift::detail::batch_of(x), n, [&](Index b) {
      rule_(Pair<T>{{x.data() + b * n, size},
                    {c.data() + b * n, size},
                    {u.data() + b * n, size},
                    each[b],
                    b});
    });
    return c;
  }

  /// The guidance of some samples of its batch.
  auto rows(const Rows& rows) const {
    using Part = decltype(detail::rule_of_rows(rule_, rows));
    return ClassifierFree<RowsOf<U>, Part>(rows_of(unconditional_, rows),
                                           detail::rule_of_rows(rule_, rows));
  }
  /// f(part) for what PackedWeights looks into.
  template <class F>
  void each_part(const F& f) const {
    f(unconditional_);
  }

 private:
  U unconditional_;
  Rule rule_;
};

template <class B>
ClassifierFree(B&&, double) -> ClassifierFree<Kept<B>>;
template <class B, class Rule>
  requires(!std::convertible_to<Rule, double>)
ClassifierFree(B&&, Rule) -> ClassifierFree<Kept<B>, Rule>;

/// Autoguidance (Karras et al. 2024, "Guiding a diffusion model with a bad version of itself"):
/// weak + weight (strong - weak), the weak model being a smaller or less trained one of the same
/// condition. Weight 1 is off.
template <class W>
auto autoguidance(W&& weak, double weight) {
  return ClassifierFree<Kept<W>>(std::forward<W>(weak), weight);
}

}  // namespace foglift::inline v0::guide
