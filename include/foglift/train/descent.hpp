#pragma once

#include "foglift/core/text.hpp"
#include "foglift/train/groups.hpp"
#include "foglift/train/optimizer.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift::inline v0::train {

namespace detail {

/// What an empty list converts to before anything else: a constructor from a list of these takes
/// `Rule({})`, which is otherwise options and a rule to copy alike.
struct NoElement {
  NoElement() = delete;
};

template <class R, class L, std::size_t... k>
L apply_rule(const R& rule, L w, L g, std::array<L, sizeof...(k)>& moments,
             std::index_sequence<k...>) {
  return rule(w, g, moments[k]...);
}

}  // namespace detail

/// An option of a rule and where it may be: at least 0 and below `below`.
struct RuleOption {
  const char* name;
  double value;
  double below = std::numeric_limits<double>::infinity();
};

/// Throws ArgumentError for an option that is not in its range; all are in the message.
inline void check_options(const char* where, std::initializer_list<RuleOption> options) {
  std::string given, wrong;
  for (const RuleOption& o : options) {
    given += (given.empty() ? "" : ", ") + std::string(o.name) + ' ' + number_text(o.value);
    if (!(o.value >= 0 && o.value < o.below))
      wrong += "; needed " + std::string(o.name) + " in [0, " + number_text(o.below) + ')';
  }
  if (!wrong.empty()) raise<ArgumentError>(where, ": ", given, wrong);
}

/// The formula of an optimizer: how one weight w moves against its gradient g, with any number of
/// moments, which begin at 0. It holds the constants of one step, made from options, the learning
/// rate and the number of the parameter's update, 1 at the first. Loads, stores, threads, groups,
/// averages and checks are Descent's, and w, g and the moments are kernels::Lanes<T>, several
/// weights at once: + - * / fma sqrt abs min max where_less work on them.
///
///   struct SignDescent {
///     struct Options {
///       double lr = 1e-3;
///       void check(const char*) const {}  // throws ArgumentError
///     };
///     static constexpr const char* name = "sign";
///     static constexpr std::array<const char*, 1> moments{"m"};
///     float rate;
///     SignDescent() = default;
///     SignDescent(const Options&, double lr, std::uint64_t) : rate(static_cast<float>(lr)) {}
///     template <class L>
///     L operator()(L w, L g, L& m) const {
///       m = 0.5f * (m + g);
///       return w - rate * where_less(m, L(0), L(-1), L(1));
///     }
///   };
///   using Sign = train::Descent<SignDescent, float>;
template <class R, class T>
concept DescentRule =
    std::default_initializable<R> &&
    std::constructible_from<R, const typename R::Options&, double, std::uint64_t> &&
    requires(const R& rule, const typename R::Options& options, kernels::Lanes<T> w,
             std::array<kernels::Lanes<T>, std::tuple_size_v<decltype(R::moments)>> moments) {
      { options.lr } -> std::convertible_to<double>;
      options.check("");
      { std::string(R::name) };
      {
        detail::apply_rule(rule, w, w, moments,
                           std::make_index_sequence<std::tuple_size_v<decltype(R::moments)>>())
      } -> std::same_as<kernels::Lanes<T>>;
    };

/// The optimizer of a rule.
template <class R, Scalar T>
  requires DescentRule<R, T>
class Descent {
 public:
  using value_type = T;
  using Options = typename R::Options;
  static constexpr const char* name = R::name;
  static constexpr auto moments = R::moments;

  std::vector<Slot<T>> slots;

  /// Throws ArgumentError for options or groups outside their range.
  explicit Descent(const Options& options = {}, std::vector<ParameterGroup> groups = {})
      : options_(options), groups_(name, std::move(groups), decays) {
    options_.check(name);
  }
  explicit Descent(std::initializer_list<detail::NoElement>) : Descent() {}

  const Options& options() const { return options_; }
  double learning_rate() const { return options_.lr; }

  /// One update of every parameter that has a gradient, and of the average if there is one, in one
  /// pass over the model: opt.step(net, grads, lr, {.ema = &ema, .decay = 0.999}). A parameter
  /// without a gradient keeps its weights, moments and count, as in PyTorch. Throws before any
  /// weight changes: ArgumentError for an lr that is negative or not finite, or a group that holds
  /// no parameter, see check_gradients, and ShapeError if the moments or the average are those of
  /// another model.
  template <nn::Module M>
  void step(M& model, const Gradients<T>& grads, double lr,
            const std::type_identity_t<Average<M>>& average = {}) {
    move(model, grads, lr, average);
  }
  template <nn::Module M>
  void step(M& model, const Gradients<T>& grads) {
    step(model, grads, options_.lr);
  }

 private:
  static constexpr bool decays = requires(Options& o) { o.weight_decay; };

  /// The rule for the parameters of one group at one update.
  struct Made {
    std::uint64_t updates = 0;
    R rule = {};
  };
  R make(std::size_t group, double lr, std::uint64_t updates) const {
    const auto& factors = groups_.factors()[group];
    Options options = options_;
    if constexpr (decays) options.weight_decay *= factors.decay;
    return R(options, lr * factors.rate, updates);
  }

  void move(const ModelRef& model, const Gradients<T>& grads, double lr,
            const detail::AnyAverage& average) {
    if (!(lr >= 0 && lr <= std::numeric_limits<double>::max()))
      raise<ArgumentError>(name, ": learning rate ", lr, ", needed >= 0 and finite");
    check_gradients<T>(name, model, grads);
    const bool fresh = slots.empty();
    detail::match_slots<T>(name, model, moments.size(), slots);
    if (fresh || !groups_.assigned(slots.size())) groups_.assign(name, model);
    detail::Pieces<T, R> pieces(model);
    if (average.ema) detail::follow(name, pieces, model, average);
    pool::Vector<Made> made(groups_.factors().size());  // updates are the same, as a rule
    std::size_t at = 0;
    model.each_parameter([&](const ModelPath&, const Parameter<T>& p) {
      auto& piece = pieces[at];
      const std::size_t group = groups_[at];
      Slot<T>& slot = slots[at++];
      const Tensor<T>* g = grads.find(p);
      if (!g) return;
      if (slot.updates == 0) slot.moments.assign(moments.size(), Tensor<T>(p.value.shape()));
      if (++slot.updates != made[group].updates)
        made[group] = {slot.updates, make(group, lr, slot.updates)};
      piece.g = g->data();
      for (std::size_t k = 0; k < moments.size(); ++k) piece.moments[k] = slot.moments[k].data();
      piece.rule = made[group].rule;
    });
    pieces.run(static_cast<T>(1 - average.decay));
  }

  Options options_;
  detail::GroupedParameters groups_;
};

}  // namespace foglift::inline v0::train
