#pragma once

#include "input.hpp"
#include "scores.hpp"

namespace tool {

std::string padded(std::string text, std::size_t columns);

/// What was found in the file and what will be done with it, in aligned lines.
void describe(const Input& in);

void print_table(const std::vector<forecast::Score>& scores, const char* head = "");

/// The table of a backtest, worst series, weights, remarks and the verdict.
void print(const Backtest& b, const Input& in);

}  // namespace tool
