#pragma once

// What every header needs of the compiler and its flags, refused in words: C++17 would give 20,000
// lines of errors that name no cause, and -ffast-math would give none.

#if __cplusplus < 202002L
#error "foglift needs C++20: -std=c++20, or target_compile_features(app PRIVATE cxx_std_20)"
#include "foglift needs C++20"  // a file that is missing ends the compilation here
#endif

#if !defined(__cpp_exceptions)
#error "foglift reports bad arguments and files by exceptions: compile without -fno-exceptions"
#endif

#if defined(_WIN32) || !defined(__GNUC__)
#error "foglift needs POSIX files and signals, and g++ or clang: Windows is not supported"
#endif

// g++ tells each part of -ffast-math, clang -ffinite-math-only and the whole.
#if !defined(FOGLIFT_ALLOW_FAST_MATH) &&                                                      \
    (defined(__FAST_MATH__) || (__FINITE_MATH_ONLY__ + 0) || defined(__ASSOCIATIVE_MATH__) || \
     defined(__RECIPROCAL_MATH__))
#error "-ffast-math (-Ofast, or a part of it) removes foglift's checks against NaN and equal bits"
#error "compile without it, or define FOGLIFT_ALLOW_FAST_MATH to give up both"
#endif
