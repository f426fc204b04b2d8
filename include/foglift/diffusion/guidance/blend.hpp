#pragma once

#include "foglift/diffusion/guidance/guidance.hpp"
#include "foglift/diffusion/guidance/space.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foglift::inline v0::guide {

/// A rule a c + b u of two models' x0 with {a, b} = mix(level); it can be differentiated.
template <class R>
concept LinearRule = requires(const R& rule, const Level& level) {
  { rule.mix(level) } -> std::convertible_to<Mix>;
  rule.check();
};

/// A rule that looks at a whole sample of both models. One that remembers samples may have
/// begin(shape), called before with the shape of the batch.
template <class R>
concept PairRule = !LinearRule<R> && requires(const R& rule) {
  rule.check();
}
&&(
    requires(const R& rule, Pair<float> p) { rule(p); } ||
    requires(const R& rule, Pair<double> p) { rule(p); });

namespace detail {
inline void check_weight(const char* where, const char* what, double weight) {
  if (!std::isfinite(weight))
    raise<ArgumentError>(where, ": ", what, " = ", weight, ", must be finite");
}
}  // namespace detail

/// Classifier-free guidance (Ho & Salimans 2021), u + weight (c - u): weight 1 is off, above 1
/// sharpens, 0 ignores the condition. Two conventions are in use and differ by 1; each has a name.
struct Weight {
  double weight = 1;

  /// u + weight (c - u): what most programs call the guidance scale.
  static Weight from_unconditional(double weight) { return {weight}; }
  /// c + weight (c - u): the paper's w, which is off at 0.
  static Weight from_conditional(double weight) { return {1 + weight}; }

  Mix mix(const Level&) const { return {weight, 1 - weight}; }
  void check() const { detail::check_weight("guide::ClassifierFree", "weight", weight); }
};

/// u + weight(level) (c - u), for weights that follow the noise level. The weight is asked with
/// every sample's own level and must be finite.
template <class F>
class WeightAt {
 public:
  explicit WeightAt(F weight) : weight_(std::move(weight)) {}

  Mix mix(const Level& level) const {
    const double w = weight_(level);
    detail::check_weight("guide::WeightAt", "weight", w);
    return {w, 1 - w};
  }
  void check() const {}

 private:
  F weight_;
};

namespace detail {

/// Applies a rule of either kind to one sample.
template <class Rule, Scalar T>
void use_rule(const Rule& rule, const Pair<T>& p) {
  if constexpr (LinearRule<Rule>) {
    const Mix m = rule.mix(p.level);
    const T a = static_cast<T>(m.a), b = static_cast<T>(m.b);
    for (std::size_t i = 0; i < p.size(); ++i) p.c[i] = a * p.c[i] + b * p.u[i];
  } else {
    rule(p);
  }
}

/// A PairRule told of some samples of its batch, by their numbers in the batch.
template <class Rule>
class RuleOfRows {
 public:
  RuleOfRows(const Rule& rule, const Rows& rows) : rule_(&rule), rows_(rows) {}

  void check() const {}
  void begin(const Shape& part) const
    requires requires(const Rule& rule) { rule.begin(part); }
  {
    rule_->begin(part.with(0, rows_.batch));
  }
  template <Scalar T>
    requires requires(const Rule& rule, Pair<T> p) { rule(p); }
  void operator()(Pair<T> p) const {
    p.sample = rows_.index[static_cast<std::size_t>(p.sample)];
    (*rule_)(p);
  }

 private:
  const Rule* rule_;
  Rows rows_;
};

template <class Rule>
auto rule_of_rows(const Rule& rule, const Rows& rows) {
  if constexpr (LinearRule<Rule>)
    return rule;  // sees levels alone
  else
    return RuleOfRows<Rule>(rule, rows);
}

/// denoise(x, levels), checked to have the shape of x.
template <class D, Value X, class L>
X answer(const D& denoise, const X& x, const L& levels) {
  X x0 = denoise(x, levels);
  if (value_of(x0).shape() != value_of(x).shape())
    raise<ShapeError>("denoiser: returned ", value_of(x0).shape(), " for a state ",
                      value_of(x).shape(), "; the same shape is needed");
  return x0;
}

/// a c(x) + b u(x) with {a, b} = of(level of the row); a denoiser whose factor is 0 for every row
/// is not asked, where the other's is 1.
template <class C, class U, Value X, class L, class Of>
X blend(const C& c, const U& u, const X& x, const L& levels, const Of& of) {
  const Levels each(levels);
  const Tensor<scalar_of<X>>& state = value_of(x);
  const Index rows =
      each.rows(foglift::detail::batch_of(state), state.row_size(), "guide::ClassifierFree");
  const auto mix = [&](Index r) -> Mix { return of(each[r]); };
  bool only_c = true, only_u = true;
  for (Index r = 0; r < (each.shared() ? std::min<Index>(rows, 1) : rows); ++r) {
    const Mix m = mix(r);
    only_c = only_c && m.a == 1 && m.b == 0;
    only_u = only_u && m.a == 0 && m.b == 1;
  }
  if (only_c) return answer(c, x, levels);
  if (only_u) return answer(u, x, levels);
  X said = answer(c, x, levels);
  return affine(std::move(said), answer(u, x, levels), rows, mix);
}

}  // namespace detail
}  // namespace foglift::inline v0::guide
