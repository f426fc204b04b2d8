#include "foglift/foglift.hpp"

foglift::Tensor<float> from_unit_b();

int main() {
  // The same draw through two units: one definition of everything, and the same numbers.
  return from_unit_b() == foglift::Rng(1).normal<float>({2, 3}) ? 0 : 1;
}
