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

namespace foglift {
inline namespace v0 {
namespace nn {
namespace detail {

/// A parameter that no each() names: where it is, and its shape.
struct Forgotten {
  const void* place;
  Shape shape;
};

/// "2 parameters that each() does not name: [64, 64] (behind 'in.bias'), ...; it names 4: ...".
/// Parameters inside the model itself, not in a vector of it, have a place among the named ones.
template <Module M>
std::string describe(std::vector<Forgotten> forgotten, const M& model) {
  constexpr std::size_t at_most = 8;
  const std::less<const void*> before;
  const auto* const first = reinterpret_cast<const std::byte*>(&model);
  const auto inside = [&](const void* p) {
    return !before(p, first) && before(p, first + sizeof(M));
  };
  std::sort(forgotten.begin(), forgotten.end(),
            [&](const Forgotten& a, const Forgotten& b) { return before(a.place, b.place); });
  std::ostringstream out;
  out << forgotten.size() << (forgotten.size() == 1 ? " parameter" : " parameters")
      << " that the model's each() does not name:";
  for (std::size_t i = 0; i < std::min(at_most, forgotten.size()); ++i) {
    const Forgotten& f = forgotten[i];
    out << (i ? ", " : " ") << f.shape;
    if (!inside(f.place)) continue;
    std::string last;
    const void* nearest = nullptr;
    for_each_parameter(model, [&](const std::string& name, const auto& p) {
      if (!inside(&p) || !before(&p, f.place) || (nearest && before(&p, nearest))) return;
      last = name;
      nearest = &p;
    });
    out << (nearest ? " (behind '" + last + "')" : " (before all that it names)");
  }
  if (forgotten.size() > at_most) out << ", ...";
  std::size_t named = 0;
  std::ostringstream names;
  for_each_parameter(model, [&](const std::string& name, const auto& p) {
    if (named++ < at_most) names << (named == 1 ? " " : ", ") << name << ' ' << p.value.shape();
  });
  out << "; it names " << named << ':' << names.str() << (named > at_most ? ", ..." : "");
  return out.str();
}

/// Addresses of the parameters that each() names, sorted.
template <Module M>
std::vector<const void*> addresses(const M& model) {
  std::vector<const void*> all;
  for_each_unnamed(model, [&](const auto& p) { all.push_back(&p); });
  std::sort(all.begin(), all.end(), std::less<const void*>());
  return all;
}

inline bool contains(const std::vector<const void*>& sorted, const void* p) {
  return std::binary_search(sorted.begin(), sorted.end(), p, std::less<const void*>());
}

/// A copy of the model. Throws ArgumentError if the model holds parameters that its each() does not
/// name: all that it holds come to life in a copy. What it refers to by pointer is not its own.
template <Module M>
M named_copy(const char* where, const M& model) {
  const foglift::detail::ParameterWatch watch;
  M copy(model);
  const auto named = addresses(copy);
  std::vector<Forgotten> forgotten;
  for (const auto& seen : watch.living())
    if (!contains(named, seen.parameter))
      forgotten.push_back({seen.parameter, seen.shape(seen.parameter)});
  if (!forgotten.empty())
    raise<ArgumentError>(where, ": there ", forgotten.size() == 1 ? "is " : "are ",
                         describe(std::move(forgotten), copy),
                         ". Name every child; what is not to be trained, saved and restored with "
                         "the model is held by a pointer, or as a Tensor");
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

}  // namespace nn
}  // namespace v0
}  // namespace foglift
