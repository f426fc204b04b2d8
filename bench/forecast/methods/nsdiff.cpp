#include "foglift/forecast/methods/nsdiff.hpp"

#include "judge.hpp"

using foglift::forecast::Nsdiff;

Result nsdiff(const Task& task) { return judged<Nsdiff>("nsdiff", task); }
Result tmdm(const Task& task) {
  auto options = small_options<Nsdiff>(task.frame);
  options.variance = false;
  return judged<Nsdiff>("tmdm", task, options);
}
