#pragma once

#include "foglift/diffusion/guidance/blend.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foglift::inline v0::guide {

struct RescaledOptions {
  double phi = 0.7;  ///< 0 is off, 1 gives the guided output the conditional one's deviation
  Space space = Space::velocity;
};

/// A rule followed by rescaling (Lin et al. 2024, "Common Diffusion Noise Schedules and Sample
/// Steps are Flawed", eq. 14-16): the guided output F_g, whose deviation over the elements of a
/// sample grew beyond that of the conditional one, becomes phi (std(F_c) / std(F_g)) F_g + (1 -
/// phi) F_g. For F = a x0 - b x that is
///   x0 = g - phi cov(g - c, F_g + F_c) / (std(F_g) (std(F_g) + std(F_c))) F_g,
/// since var(F_g) - var(F_c) = a cov(g - c, F_g + F_c): nothing is divided by a. A sample without
/// deviation is left as it is.
///
///   auto softer = conditional | guide::ClassifierFree{unconditional, guide::Rescaled{7.5}};
template <class Rule = Weight>
class Rescaled {
 public:
  using Options = RescaledOptions;

  template <class R>
    requires(std::same_as<R, Rule> && !std::convertible_to<R, double>)
  explicit Rescaled(R rule, Options options = {}) : rule_(std::move(rule)), options_(options) {}
  explicit Rescaled(double weight, Options options = {})
    requires std::same_as<Rule, Weight>
      : rule_{weight}, options_(options) {}

  /// Throws ArgumentError unless phi is in [0, 1] and the rule is fine.
  void check() const {
    rule_.check();
    if (!(options_.phi >= 0 && options_.phi <= 1))
      raise<ArgumentError>("guide::Rescaled: phi = ", options_.phi, ", must be in [0, 1]");
  }

  void begin(const Shape& batch) const
    requires requires(const Rule& rule) { rule.begin(batch); }
  {
    rule_.begin(batch);
  }
  template <Scalar T>
  void operator()(const Pair<T>& p) const {
    Tensor<T> kept(Shape{static_cast<Index>(p.size())}, std::span<const T>(p.c));
    detail::use_rule(rule_, p);
    const std::size_t n = p.size();
    const Mix f = direction(options_.space, p.level);
    const auto guided = [&](std::size_t i) { return detail::in_space(f, p.c[i], p.x[i]); };
    const auto plain = [&](std::size_t i) {
      return detail::in_space(f, kept[static_cast<Index>(i)], p.x[i]);
    };
    const auto change = [&](std::size_t i) {
      return static_cast<double>(p.c[i]) - static_cast<double>(kept[static_cast<Index>(i)]);
    };
    const auto count = static_cast<double>(std::max<std::size_t>(n, 1));
    const double mg = detail::total(n, guided) / count, mc = detail::total(n, plain) / count;
    const auto square = [](double v) { return v * v; };
    const double sg =
        std::sqrt(detail::total(n, [&](std::size_t i) { return square(guided(i) - mg); }));
    const double sc =
        std::sqrt(detail::total(n, [&](std::size_t i) { return square(plain(i) - mc); }));
    const double cov = detail::total(
        n, [&](std::size_t i) { return change(i) * (guided(i) - mg + plain(i) - mc); });
    const double pull = options_.phi * detail::quotient(cov, sg * (sg + sc));
    for (std::size_t i = 0; i < n; ++i)
      p.c[i] = static_cast<T>(static_cast<double>(p.c[i]) - pull * guided(i));
  }

 private:
  Rule rule_;
  Options options_;
};

Rescaled(double) -> Rescaled<Weight>;
Rescaled(double, RescaledOptions) -> Rescaled<Weight>;
template <class Rule>
  requires(!std::convertible_to<Rule, double>)
Rescaled(Rule) -> Rescaled<Rule>;
template <class Rule>
  requires(!std::convertible_to<Rule, double>)
Rescaled(Rule, RescaledOptions) -> Rescaled<Rule>;

}  // namespace foglift::inline v0::guide
