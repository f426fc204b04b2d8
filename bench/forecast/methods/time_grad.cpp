#include "foglift/forecast/methods/time_grad.hpp"

#include "judge.hpp"

Result time_grad(const Task& task) {
  return judged<foglift::forecast::TimeGrad>("time_grad", task);
}
