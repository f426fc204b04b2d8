#include "foglift/forecast/methods/mg_tsd.hpp"

#include "judge.hpp"

Result mg_tsd(const Task& task) { return judged<foglift::forecast::MgTsd>("mg_tsd", task); }
