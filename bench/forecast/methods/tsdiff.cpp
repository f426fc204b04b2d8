#include "foglift/forecast/methods/tsdiff.hpp"

#include "judge.hpp"

Result tsdiff(const Task& task) { return judged<foglift::forecast::Tsdiff>("tsdiff", task); }
