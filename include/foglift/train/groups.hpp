#pragma once

#include "foglift/core/error.hpp"
#include "foglift/nn/module.hpp"

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace foglift::inline v0::train {

/// Parameters that an optimizer trains in a way of their own. Factors of all groups that hold a
/// parameter multiply; what none holds is trained as the options say.
///
///   train::AdamW<float> rule({.lr = 1e-3, .weight_decay = 0.05},
///                            {{.holds = train::is_vector, .decay = 0},
///                             {.holds = train::inside("encoder"), .rate = 0.1}});
struct ParameterGroup {
  /// Whether it holds a parameter, of this path ("encoder.0.conv1.weight") and shape.
  std::function<bool(const std::string& name, const Shape& shape)> holds;
  double rate = 1;   ///< factor on the learning rate
  double decay = 1;  ///< factor on the weight decay
};

/// Biases, and scales and shifts of norms: what weight decay usually leaves alone.
inline bool is_vector(const std::string&, const Shape& shape) { return shape.rank() <= 1; }

/// The parameter of that path, or those of the module there.
inline auto inside(std::string path) {
  return [path = std::move(path)](const std::string& name, const Shape&) {
    return name.compare(0, path.size(), path) == 0 &&
           (name.size() == path.size() || name[path.size()] == '.');
  };
}

namespace detail {

/// Which factors each parameter of a model has, in the order of visiting.
class GroupedParameters {
 public:
  struct Factors {
    double rate = 1, decay = 1;
    bool operator==(const Factors&) const = default;
  };

  /// Throws ArgumentError for a group without `holds` or with a factor that is negative or not
  /// finite, and for a decay where the rule has none.
  GroupedParameters(const std::string& where, std::vector<ParameterGroup> groups, bool decays)
      : groups_(std::move(groups)), factors_(1) {
    constexpr double most = std::numeric_limits<double>::max();
    for (const ParameterGroup& g : groups_) {
      if (!g.holds || !(g.rate >= 0 && g.rate <= most && g.decay >= 0 && g.decay <= most))
        raise<ArgumentError>(where, ": a group with ", g.holds ? "" : "no holds(), ", "rate ",
                             g.rate, ", decay ", g.decay,
                             "; needed holds(name, shape) and factors >= 0");
      if (g.decay != 1 && !decays)
        raise<ArgumentError>(where, ": a group with decay ", g.decay, ", but no weight_decay");
    }
  }

  /// Finds the groups of a model's parameters. Throws ArgumentError for a group that holds none.
  void assign(const std::string& where, const ModelView& model) {
    if (groups_.empty()) return;
    std::vector<Factors> factors(1);
    std::vector<std::size_t> of_parameter, held(groups_.size());
    model.each_parameter([&](const ModelPath& path, const auto& p) {
      Factors f;
      for (std::size_t i = 0; i < groups_.size(); ++i)
        if (groups_[i].holds(path.name(), p.value.shape())) {
          ++held[i];
          f.rate *= groups_[i].rate;
          f.decay *= groups_[i].decay;
        }
      std::size_t at = 0;
      while (at < factors.size() && !(factors[at] == f)) ++at;
      if (at == factors.size()) factors.push_back(f);
      of_parameter.push_back(at);
    });
    for (std::size_t i = 0; i < groups_.size(); ++i)
      if (held[i] == 0)
        raise<ArgumentError>(where, ": group ", i, " holds none of the model's ",
                             of_parameter.size(), " parameters");
    factors_ = std::move(factors), of_parameter_ = std::move(of_parameter);
  }
  bool assigned(std::size_t parameters) const {
    return groups_.empty() || of_parameter_.size() == parameters;
  }

  const std::vector<Factors>& factors() const { return factors_; }
  /// The place of a parameter's factors in them.
  std::size_t operator[](std::size_t parameter) const {
    return groups_.empty() ? 0 : of_parameter_[parameter];
  }

 private:
  std::vector<ParameterGroup> groups_;
  std::vector<Factors> factors_;
  std::vector<std::size_t> of_parameter_;
};

}  // namespace detail
}  // namespace foglift::inline v0::train
