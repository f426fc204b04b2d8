#pragma once

#include "foglift/version.hpp"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace foglift {
inline namespace v0 {
namespace train {

/// While it lives, denormal numbers count as zero in this thread and in the parallel_for loops it
/// starts (flush to zero, denormals are zero): decaying moments sink into denormals, where x86
/// multiplies many times slower. Restores the mode it found. Does nothing on other processors.
class FlushDenormals {
 public:
#if defined(__SSE2__)
  FlushDenormals() { _mm_setcsr(before_ | flush_to_zero | denormals_are_zero); }
  ~FlushDenormals() { _mm_setcsr((_mm_getcsr() & ~mask) | (before_ & mask)); }
#else
  FlushDenormals() {}   // NOLINT: not defaulted, so that an unused guard gives no warning
  ~FlushDenormals() {}  // NOLINT
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

#if defined(__SSE2__)
 private:
  static constexpr unsigned flush_to_zero = 1u << 15, denormals_are_zero = 1u << 6;
  static constexpr unsigned mask = flush_to_zero | denormals_are_zero;
  unsigned before_ = _mm_getcsr();
#endif
};

}  // namespace train
}  // namespace v0
}  // namespace foglift
