#pragma once

#include "foglift/version.hpp"

#include <sstream>
#include <stdexcept>
#include <string>

namespace foglift {
inline namespace v0 {

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

/// Throws E with all parts streamed into one message: function, what was found, what was needed.
template <class E, class... Parts>
[[noreturn]] void raise(const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw E(message.str());
}

}  // namespace v0
}  // namespace foglift
