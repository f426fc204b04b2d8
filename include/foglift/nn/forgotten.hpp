#pragma once

#include "foglift/nn/module.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace foglift::inline v0::nn {
namespace detail {

/// A parameter that no each() names: where it is, and its shape.
struct Forgotten {
  const void* place;
  Shape shape;
};

/// "2 parameters that each() does not name: [64, 64] (behind 'in.bias'), ...; it names 4: ...".
/// Parameters inside the model itself, not in a vector of it, have a place among the named ones.
inline std::string describe(std::vector<Forgotten> forgotten, const ModelView& model) {
  constexpr std::size_t at_most = 8;
  const std::less<const void*> before;
  std::sort(forgotten.begin(), forgotten.end(),
            [&](const Forgotten& a, const Forgotten& b) { return before(a.place, b.place); });
  std::ostringstream out;
  out << forgotten.size() << (forgotten.size() == 1 ? " parameter" : " parameters")
      << " that the model's each() does not name:";
  for (std::size_t i = 0; i < std::min(at_most, forgotten.size()); ++i) {
    const Forgotten& f = forgotten[i];
    out << (i ? ", " : " ") << f.shape;
    if (!model.contains(f.place)) continue;
    std::string last;
    const void* nearest = nullptr;
    model.each_parameter([&](const ModelPath& path, const auto& p) {
      if (!model.contains(&p) || !before(&p, f.place) || (nearest && before(&p, nearest))) return;
      last = path.name();
      nearest = &p;
    });
    out << (nearest ? " (behind '" + last + "')" : " (before all that it names)");
  }
  if (forgotten.size() > at_most) out << ", ...";
  std::size_t named = 0;
  std::ostringstream names;
  model.each_parameter([&](const ModelPath& path, const auto& p) {
    if (named++ < at_most)
      names << (named == 1 ? " " : ", ") << path.name() << ' ' << p.value.shape();
  });
  out << "; it names " << named << ':' << names.str() << (named > at_most ? ", ..." : "");
  return out.str();
}

/// Addresses of the parameters that each() names, sorted.
inline std::vector<const void*> addresses(const ModelView& model) {
  std::vector<const void*> all;
  model.each_parameter([&](const ModelPath&, const auto& p) { all.push_back(&p); });
  std::sort(all.begin(), all.end(), std::less<const void*>());
  return all;
}

inline bool contains(const std::vector<const void*>& sorted, const void* p) {
  return std::binary_search(sorted.begin(), sorted.end(), p, std::less<const void*>());
}

/// Throws ArgumentError if parameters that the watch saw, and that live, are none that the model's
/// each() names.
inline void check_named(const char* where, const foglift::detail::ParameterWatch& watch,
                        const ModelView& model) {
  const auto named = addresses(model);
  std::vector<Forgotten> forgotten;
  for (const auto& seen : watch.living())
    if (!contains(named, seen.parameter))
      forgotten.push_back({seen.parameter, seen.shape(seen.parameter)});
  if (!forgotten.empty())
    raise<ArgumentError>(where, ": there ", forgotten.size() == 1 ? "is " : "are ",
                         describe(std::move(forgotten), model),
                         ". Name every child; what is not to be trained, saved and restored with "
                         "the model is held by a pointer, or as a Tensor");
}

/// A copy of the model. Throws ArgumentError if the model holds parameters that its each() does not
/// name: all that it holds come to life in a copy. What it refers to by pointer is not its own.
template <Module M>
M named_copy(const char* where, const M& model) {
  const foglift::detail::ParameterWatch watch;
  M copy(model);
  check_named(where, watch, copy);
  return copy;
}

}  // namespace detail

/// Throws ArgumentError, with shapes and places, if the model holds parameters that its each() does
/// not name, which would be neither trained nor saved. Copies the model to see them; what it refers
/// to by pointer (a std::shared_ptr to a teacher network, say) is not counted as its own.
template <Module M>
void check_children(const M& model) {
  if constexpr (std::is_copy_constructible_v<M>) detail::named_copy("check_children", model);
}

}  // namespace foglift::inline v0::nn
