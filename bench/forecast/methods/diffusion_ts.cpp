#include "foglift/forecast/methods/diffusion_ts.hpp"

#include "judge.hpp"

Result diffusion_ts(const Task& task) {
  return judged<foglift::forecast::DiffusionTs>("diffusion_ts", task);
}
