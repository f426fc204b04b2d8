#pragma once

#include <string>

/// Sections of docs/solvers.md: how far the law of the samples is from the data's on every grid,
/// and "N evaluations: take this solver on that grid".
std::string grid_table();
std::string few_steps_table();
