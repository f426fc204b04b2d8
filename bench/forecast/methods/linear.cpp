#include "foglift/forecast/methods/linear.hpp"

#include "judge.hpp"

Result linear(const Task& task) { return judged<foglift::forecast::Linear>("linear", task); }
