#pragma once

#include <string>
#include <vector>

/// The sub-commands of the forecast program: each takes the words behind its name, and returns the
/// status to end with.
namespace tool {

using Words = std::vector<std::string>;

int run(const Words& words);
int check(const Words& words);
int train(const Words& words);
int backtest(const Words& words);
int predict(const Words& words);
int impute(const Words& words);
int stream(const Words& words);
int evaluate(const Words& words);
int info(const Words& words);

}  // namespace tool
