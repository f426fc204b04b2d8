#include "foglift/forecast/methods/sssd.hpp"

#include "judge.hpp"

Result sssd(const Task& task) { return judged<foglift::forecast::Sssd>("sssd", task); }
