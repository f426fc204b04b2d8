#include "foglift/forecast/methods/nsdiff.hpp"

#include "judge.hpp"

Result nsdiff(const Task& task) { return judged<foglift::forecast::Nsdiff>("nsdiff", task); }
