// expect: and back\(State, Estimate, Level from, Level to, StepRng\) -> State
#include "foglift/diffusion/grid/grid.hpp"
#include "foglift/diffusion/restore.hpp"

using namespace foglift;

struct Zeros {
  using State = Tensor<float>;
  using Estimate = Tensor<float>;
  static constexpr const char* name = "zeros";
  State prior(const Shape& shape, const Level&, const StepRng&) const { return State(shape); }
  State corrupt(State clean, const Levels&, const StepRng&) const { return clean; }
#ifdef FINE
  State back(State x, const Estimate&, const Level&, const Level&, const StepRng&) const {
    return x;
  }
#endif
};

inline Tensor<float> draw(const TimeGrid& grid) {
  const auto predict = [](const Tensor<float>& x, const Level&) { return x; };
  return restore(Zeros{}, predict, {4, 1}, grid, Rng(1));
}
