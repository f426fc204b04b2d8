#include "foglift/forecast/methods/horizon_diffusion.hpp"

#include "judge.hpp"

Result horizon_diffusion(const Task& task) {
  return judged<foglift::forecast::HorizonDiffusion<>>("horizon_diffusion", task);
}
