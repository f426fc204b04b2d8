#pragma once

#include "foglift/version.hpp"

// A header that is costly to instantiate ends with a list of instances: a macro of a linkage and a
// type. Programs that link foglift::compiled define FOGLIFT_COMPILED and expand the list with
// `extern template`; the library expands the same list with `template`, once
// (cmake/compiled_*.cpp). What is on no list is compiled where it is used, as everything is without
// FOGLIFT_COMPILED, which leaves the lists unexpanded.
#ifdef FOGLIFT_COMPILED
#define FOGLIFT_FOR_SCALARS(list, linkage) \
  list(linkage, float);                    \
  list(linkage, double)
#define FOGLIFT_FOR_VALUES(list, linkage) \
  list(linkage, Tensor<float>);           \
  list(linkage, Tensor<double>);          \
  list(linkage, Var<float>);              \
  list(linkage, Var<double>)
#else
#define FOGLIFT_FOR_SCALARS(list, linkage) static_assert(true)
#define FOGLIFT_FOR_VALUES(list, linkage) static_assert(true)
#endif
