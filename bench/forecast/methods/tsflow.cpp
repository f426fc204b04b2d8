#include "foglift/forecast/methods/tsflow.hpp"

#include "judge.hpp"

Result tsflow(const Task& task) { return judged<foglift::forecast::Tsflow>("tsflow", task); }
