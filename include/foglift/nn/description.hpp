#pragma once

#include "foglift/core/text.hpp"
#include "foglift/nn/module.hpp"

#include <concepts>
#include <map>
#include <sstream>
#include <string>
#include <type_traits>

namespace foglift::inline v0::nn {

/// Choices that a model's output depends on, by name ("heads" = "4"), in text that can be compared.
using Description = std::map<std::string, std::string>;

namespace detail {

/// Text of a choice.
template <class Choice>
std::string choice_text(const Choice& choice) {
  if constexpr (std::is_floating_point_v<Choice>) {
    return number_text(choice);
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

/// What a model tells of itself beside its weights, and what it would tell by default.
struct Described {
  Description chosen, by_default;
};

/// The choices in `options`, under the names they have below `path`.
template <class Options>
void describe(Description& out, const ModelPath& path, const Options& options) {
  Options::untold(options, [&](const char* key, const auto& value) {
    out[ModelPath{&path, key}.name()] = choice_text(value);
  });
}

/// Describes the outermost modules of a tree whose options say what their weights do not: their
/// Options have `static void untold(const Options&, f)`, which calls f(key, value) for each option
/// that changes the output and shows in neither names nor shapes of the parameters.
template <class C>
void describe_children(Described& out, const ModelPath& path, const C& child) {
  if constexpr (foglift::detail::is_parameter<C>) {
  } else if constexpr (requires { child.has_value(); }) {
    if (child) describe_children(out, path, *child);
  } else if constexpr (requires {
                         child.size();
                         child[0];
                       }) {
    for (std::size_t i = 0; i < child.size(); ++i)
      describe_children(out, ModelPath{&path, nullptr, i}, child[i]);
  } else if constexpr (requires {
                         C::Options::untold(child.options(), [](const char*, const auto&) {});
                       }) {
    describe(out.chosen, path, child.options());
    describe(out.by_default, path, typename C::Options());
  } else {
    C::each(child, [&](const char* key, const auto& grandchild) {
      describe_children(out, ModelPath{&path, key}, grandchild);
    });
  }
}

template <Module M>
Described described(const M& model) {
  Described out;
  describe_children(out, ModelPath(), model);
  return out;
}

}  // namespace detail

/// What neither the names nor the shapes of a model's weights tell of it, though its output depends
/// on it: heads, groups, padding ... of every network of the library in it.
template <Module M>
Description description(const M& model) {
  return detail::described(model).chosen;
}

/// The same choices as they would be by default.
template <Module M>
Description default_description(const M& model) {
  return detail::described(model).by_default;
}

}  // namespace foglift::inline v0::nn
