#pragma once

#include "foglift/autograd/parameters.hpp"
#include "foglift/kernels/constant_memory.hpp"

#include <type_traits>
#include <vector>

namespace foglift::inline v0 {

/// Weights that kernels pack once: a promise that the parameters of some models live and keep their
/// values while the object does. The calling thread, and the threads that help it, then bring a
/// weight into a kernel's form at its first use and find it there at the next; results are the same
/// to the bit. sample() and its kin make this promise of the networks of the denoisers they are
/// given; for calls of a network elsewhere it is made by hand:
///
///   const PackedWeights packed(net);  // no optimizer steps while it lives
///   for (const auto& x : batches) outputs.push_back(net(x, time));
///
/// A model is a module, or something around models that names them: `each_part(f)` calls f(model)
/// for each, as the library's denoisers and guidances do. Of anything else, such as a lambda,
/// nothing is promised.
class PackedWeights : public kernels::ConstantMemory {
 public:
  template <class... Models>
  explicit PackedWeights(const Models&... models) : ConstantMemory(ranges(models...)) {}

 private:
  template <class... Models>
  static std::vector<Range> ranges(const Models&... models) {
    std::vector<Range> all;
    (add(all, models), ...);
    return all;
  }

  template <class Model>
  static void add(std::vector<Range>& all, const Model& model) {
    if constexpr (HasParameters<const Model>) {
      ModelView(model).each_parameter([&]<class T>(const ModelPath&, const Parameter<T>& p) {
        all.push_back({p.value.data(), static_cast<std::size_t>(p.value.size()) * sizeof(T)});
      });
    } else if constexpr (requires { model.each_part([](const auto&) {}); }) {
      model.each_part([&](const auto& part) { add(all, part); });
    }
  }
};

}  // namespace foglift::inline v0
