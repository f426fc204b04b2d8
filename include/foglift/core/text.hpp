#pragma once

#include "foglift/version.hpp"

#include <array>
#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

namespace foglift::inline v0 {

/// Text of a number that reads back the same, the shortest there is, in any locale.
template <class N>
  requires std::is_arithmetic_v<N>
std::string number_text(N number) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

/// The same in so many significant digits, without zeros at the end.
inline std::string number_text(double number, int digits) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number,
                                     std::chars_format::general, digits)
                           .ptr};
}

/// A name with the numbers and words behind it: "cosine 0.008".
template <class... Parts>
std::string described(std::string name, const Parts&... parts) {
  const auto add = [&]<class P>(const P& part) {
    name += ' ';
    if constexpr (std::is_arithmetic_v<P>)
      name += number_text(part);
    else
      name += part;
  };
  (add(parts), ...);
  return name;
}

/// What says of itself in text all that its results depend on, so that two can be compared:
/// schedules and parameterizations, but for those that hold a function or learn.
template <class S>
concept Described = requires(const S& s) {
  { s.description() } -> std::same_as<std::string>;
};

}  // namespace foglift::inline v0
