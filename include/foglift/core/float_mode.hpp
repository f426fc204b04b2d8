#pragma once

#include "foglift/version.hpp"

#include <cfenv>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace foglift::inline v0 {

/// The settings of a thread that change what arithmetic gives: the rounding, and whether denormals
/// count. On x86-64 read from the two control registers (10 ns), where fegetenv takes 60 ns.
class FloatMode {
 public:
  static FloatMode current() {
    FloatMode mode;
#if defined(__SSE2__)
    mode.rounding_ = std::fegetround();
    mode.control_ = _mm_getcsr() & ~flags;
#else
    std::fegetenv(&mode.environment_);
#endif
    return mode;
  }

  /// Makes it the calling thread's.
  void apply() const {
#if defined(__SSE2__)
    if (std::fegetround() != rounding_) std::fesetround(rounding_);
    if (const unsigned now = _mm_getcsr(); (now & ~flags) != control_)
      _mm_setcsr((now & flags) | control_);
#else
    std::fexcept_t happened{};  // no setting: they stay this thread's
    std::fegetexceptflag(&happened, FE_ALL_EXCEPT);
    std::fesetenv(&environment_);
    std::fesetexceptflag(&happened, FE_ALL_EXCEPT);
#endif
  }

 private:
#if defined(__SSE2__)
  static constexpr unsigned flags = 0x3F;  // exceptions that have happened: no setting
  int rounding_ = FE_TONEAREST;
  unsigned control_ = 0;
#else
  std::fenv_t environment_{};
#endif
};

/// While it lives, denormal numbers count as zero in this thread and in the parallel_for loops it
/// starts (flush to zero, denormals are zero): decaying moments sink into denormals, where x86
/// multiplies many times slower. Restores the mode it found. Does nothing on other processors.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() { _mm_setcsr(before_ | mask); }
  ~FlushDenormals() { _mm_setcsr((_mm_getcsr() & ~mask) | (before_ & mask)); }
#else
  FlushDenormals() {}   // NOLINT: not defaulted, so that an unused guard gives no warning
  ~FlushDenormals() {}  // NOLINT
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

#if defined(__SSE2__)
 private:
  static constexpr unsigned mask = 1u << 15 | 1u << 6;  // flush to zero, denormals are zero
  unsigned before_ = _mm_getcsr();
#endif
};

}  // namespace foglift::inline v0
