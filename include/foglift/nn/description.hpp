#pragma once

#include "foglift/nn/module.hpp"

#include <array>
#include <charconv>
#include <concepts>
#include <map>
#include <sstream>
#include <string>
#include <type_traits>

namespace foglift {
inline namespace v0 {
namespace nn {

/// Choices that a model's output depends on, by name ("heads" = "4"), in text that can be compared.
using Description = std::map<std::string, std::string>;

namespace detail {

/// f(dotted name, module) for the outermost modules of a tree whose options say what their weights
/// do not: their Options have `static void untold(const Options&, f)`, which calls f(key, value)
/// for each option that changes the output and shows in neither names nor shapes of the parameters.
template <class C, class F>
void each_described(const std::string& name, const C& child, F& f) {
  if constexpr (foglift::detail::is_parameter<C>) {
  } else if constexpr (requires { child.has_value(); }) {
    if (child) each_described(name, *child, f);
  } else if constexpr (requires {
                         child.size();
                         child[0];
                       }) {
    for (std::size_t i = 0; i < child.size(); ++i)
      each_described(foglift::detail::below(name, i), child[i], f);
  } else if constexpr (requires {
                         C::Options::untold(child.options(), [](const char*, const auto&) {});
                       }) {
    f(name, child);
  } else {
    C::each(child, [&](const char* key, const auto& grandchild) {
      each_described(foglift::detail::below(name, key), grandchild, f);
    });
  }
}

/// Text of a choice; a floating number in the shortest form that reads back the same.
template <class Choice>
std::string choice_text(const Choice& choice) {
  if constexpr (std::is_floating_point_v<Choice>) {
    std::array<char, 32> text;
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), choice).ptr};
  } else if constexpr (requires { choice.begin(); }) {
    std::string all;
    for (const auto& one : choice) all += (all.empty() ? "" : " ") + choice_text(one);
    return all;
  } else {
    std::ostringstream text;
    text << std::boolalpha << choice;
    return text.str();
  }
}

/// The choices in `options`, under the names they have below `name`.
template <class Options>
void describe(Description& out, const std::string& name, const Options& options) {
  Options::untold(options, [&](const char* key, const auto& value) {
    out[foglift::detail::below(name, key)] = choice_text(value);
  });
}

}  // namespace detail

/// What neither the names nor the shapes of a model's weights tell of it, though its output depends
/// on it: heads, groups, padding ... of every network of the library in it.
template <Module M>
Description description(const M& model) {
  Description out;
  const auto add = [&](const std::string& name, const auto& module) {
    detail::describe(out, name, module.options());
  };
  detail::each_described("", model, add);
  return out;
}

/// The same choices as they would be by default.
template <Module M>
Description default_description(const M& model) {
  Description out;
  const auto add = [&]<class C>(const std::string& name, const C&) {
    detail::describe(out, name, typename C::Options());
  };
  detail::each_described("", model, add);
  return out;
}

}  // namespace nn
}  // namespace v0
}  // namespace foglift
