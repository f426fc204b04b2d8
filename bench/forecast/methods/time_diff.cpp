#include "foglift/forecast/methods/time_diff.hpp"

#include "judge.hpp"

Result time_diff(const Task& task) {
  return judged<foglift::forecast::TimeDiff>("time_diff", task);
}
