#include "foglift/forecast/methods/csdi.hpp"

#include "judge.hpp"

Result csdi(const Task& task) { return judged<foglift::forecast::Csdi>("csdi", task); }
