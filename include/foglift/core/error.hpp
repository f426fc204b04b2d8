#pragma once

#include "foglift/version.hpp"

#include <cmath>
#include <cstddef>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace foglift::inline v0 {

/// Base of everything the library throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes of two arguments do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An argument is outside what the function accepts.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

/// A file can not be read or written, or its content breaks its format.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// A number that must be finite is not.
class NumericError : public Error {
 public:
  using Error::Error;
};

namespace detail {

/// A part of a message with its type forgotten, so that the code that builds messages is compiled
/// once and a place that throws costs the stores of its parts. Numbers are copied, which leaves the
/// variables of a loop in registers; what else can be streamed is referred to.
class MessagePart {
 public:
  template <class P>
  explicit MessagePart(const P& part) {
    using Part = std::conditional_t<std::is_array_v<P>, const char*, P>;
    if constexpr (std::is_arithmetic_v<Part> || std::is_pointer_v<Part>) {
      static_assert(sizeof(Part) <= sizeof(bytes_));
      const Part copied = part;
      std::memcpy(bytes_, &copied, sizeof(Part));
      print_ = [](std::ostream& out, const void* bytes) {
        Part copy;
        std::memcpy(&copy, bytes, sizeof(Part));
        out << copy;
      };
    } else {
      const P* const address = &part;
      std::memcpy(bytes_, &address, sizeof(address));
      print_ = [](std::ostream& out, const void* bytes) {
        const P* at = nullptr;
        std::memcpy(&at, bytes, sizeof(at));
        out << *at;
      };
    }
  }

  friend std::ostream& operator<<(std::ostream& out, const MessagePart& part) {
    part.print_(out, part.bytes_);
    return out;
  }

 private:
  void (*print_)(std::ostream& out, const void* bytes);
  alignas(8) unsigned char bytes_[8];
};

[[gnu::cold, gnu::noinline]] inline std::string message(const MessagePart* parts,
                                                        std::size_t count) {
  std::ostringstream out;
  for (std::size_t i = 0; i < count; ++i) out << parts[i];
  return out.str();
}

template <class E>
[[noreturn, gnu::cold, gnu::noinline]] void throw_message(const MessagePart* parts,
                                                          std::size_t count) {
  throw E(message(parts, count));
}

}  // namespace detail

/// Throws E with all parts streamed into one message: function, what was found, what was needed.
template <class E, class... Parts>
[[noreturn, gnu::always_inline]] inline void raise(const Parts&... parts) {
  const detail::MessagePart all[] = {detail::MessagePart(parts)...};
  detail::throw_message<E>(all, sizeof...(Parts));
}

namespace detail {
/// The value of an option that `what` names. Throws ArgumentError unless it is finite.
inline double finite(double value, const char* what) {
  if (!std::isfinite(value)) raise<ArgumentError>(what, " = ", value, ", must be finite");
  return value;
}
/// Throws ArgumentError unless it is finite and positive.
inline double positive(double value, const char* what) {
  if (!(value > 0 && std::isfinite(value)))
    raise<ArgumentError>(what, " = ", value, ", must be positive");
  return value;
}
/// Throws ArgumentError unless it is finite and not negative.
inline double not_negative(double value, const char* what) {
  if (!(value >= 0 && std::isfinite(value)))
    raise<ArgumentError>(what, " = ", value, ", must be at least 0");
  return value;
}
}  // namespace detail

}  // namespace foglift::inline v0
