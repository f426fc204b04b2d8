#pragma once

#include "foglift/core/error.hpp"
#include "foglift/train/callback.hpp"

#include <atomic>
#include <csignal>
#include <optional>

#include <signal.h>

namespace foglift::inline v0::train {

/// For programs: while it lives, SIGINT and SIGTERM ask the run to end instead of ending the
/// process; a second signal does end it. The former handlers return with the destructor. POSIX.
///
///   train::Interrupt interrupt;
///   train::fit(state, loss, options, interrupt);  // FitEnd::stopped
class Interrupt {
 public:
  /// Throws ArgumentError if another one lives: a process has one handler a signal.
  Interrupt() {
    if (owned().exchange(true)) raise<ArgumentError>("Interrupt: the process has one already");
    received() = 0;
    struct sigaction action {};
    action.sa_handler = handle;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, &before_int_);
    sigaction(SIGTERM, &action, &before_term_);
  }
  ~Interrupt() {
    sigaction(SIGINT, &before_int_, nullptr);
    sigaction(SIGTERM, &before_term_, nullptr);
    owned() = false;
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// The callback of `fit`.
  template <class State>
  std::optional<FitEnd> before_step(const State&) const {
    if (requested()) return FitEnd::stopped;
    return std::nullopt;
  }

  bool requested() const { return signal() != 0; }
  /// The signal that came, or 0; a program ends with status 128 + signal().
  int signal() const { return received(); }

 private:
  // A handler can reach nothing but statics; lock-free atomics are what it may touch.
  static std::atomic<int>& received() {
    static constinit std::atomic<int> value{0};
    return value;
  }
  static std::atomic<bool>& owned() {
    static constinit std::atomic<bool> value{false};
    return value;
  }
  static_assert(std::atomic<int>::is_always_lock_free);

  static void handle(int number) {
    if (received().exchange(number) == 0) return;
    std::signal(number, SIG_DFL);  // delivered, and fatal, when this handler returns
    std::raise(number);
  }

  struct sigaction before_int_ {
  }, before_term_{};
};

}  // namespace foglift::inline v0::train
