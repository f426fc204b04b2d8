#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include <unistd.h>

/// Seconds since some moment, for callbacks of train::fit.
inline double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A line on standard error that says how far a task is: a bar that is redrawn on a terminal, a
/// plain line now and then elsewhere, nothing if quiet.
class Progress {
 public:
  Progress(std::string task, bool quiet)
      : task_(std::move(task)), quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  double seconds() const { return seconds_now() - start_; }

  /// `done` of `total` steps, of which `before` were done when the task began; `note` stands
  /// behind.
  void update(long done, long total, const std::string& note, long before = 0) {
    const double elapsed = seconds();
    const bool last = done >= total;
    if (quiet_ || (elapsed < next_ && !(last && shown_))) return;
    next_ = elapsed + (terminal_ ? 0.1 : 15);
    shown_ = true;
    const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 1;
    const long own = std::max(1L, done - before);
    const double left = elapsed * static_cast<double>(total - done) / static_cast<double>(own);
    char numbers[64];
    std::snprintf(numbers, sizeof numbers, "%3.0f %%  %ld/%ld  %.0f s left", 100 * share, done,
                  total, left);
    if (!terminal_) {
      std::fprintf(stderr, "%s %s  %s\n", task_.c_str(), numbers, note.c_str());
      return;
    }
    const auto filled = static_cast<std::size_t>(share * 28);
    const std::string bar = std::string(filled, '#') + std::string(28 - filled, '.');
    std::fprintf(stderr, "\r\033[K%s [%s] %s  %s", task_.c_str(), bar.c_str(), numbers,
                 note.c_str());
    std::fflush(stderr);
    drawn_ = true;
  }

  /// Takes the bar off the terminal.
  void clear() {
    if (drawn_) std::fputs("\r\033[K", stderr);
    drawn_ = false;
  }

 private:
  std::string task_;
  bool quiet_, terminal_, drawn_ = false, shown_ = false;
  double next_ = 1;  // what takes less is not worth a line
  double start_ = seconds_now();
};
