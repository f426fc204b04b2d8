#pragma once

#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

/// What a program that draws random numbers and writes a folder is told, by add_run_options of
/// command_line.hpp.
struct RunOptions {
  std::string out;
  std::uint64_t seed = 1;
  int threads = 0;
  bool force = false, quiet = false;
};

/// The status that run() returns, or 1 and what it throws on the error stream.
template <class F>
int run_program(const char* name, const F& run) {
  try {
    return run();
  } catch (const std::exception& e) {
    std::cerr << name << ": " << e.what() << '\n';
    return 1;
  }
}
