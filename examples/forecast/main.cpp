// Probabilistic forecasts of the series in a CSV file, by a diffusion model trained on them (or a
// linear one), judged beside honest baselines, with pictures and a report. See --help.
#include "commands.hpp"
#include "session.hpp"

#include <csignal>
#include <filesystem>
#include <iostream>

namespace {

struct Command {
  const char* name;
  int (*call)(const tool::Words&);
};

constexpr Command commands[] = {{"check", tool::check},       {"train", tool::train},
                                {"backtest", tool::backtest}, {"predict", tool::predict},
                                {"impute", tool::impute},     {"stream", tool::stream},
                                {"evaluate", tool::evaluate}, {"info", tool::info}};

/// The sub-command of the first word; without one, everything.
int call(tool::Words words) {
  if (words.empty()) return tool::run(words);
  tool::Words names;
  for (const Command& c : commands) {
    names.push_back(c.name);
    if (words.front() == c.name) return c.call({words.begin() + 1, words.end()});
  }
  const std::string& word = words.front();
  std::error_code none;
  if (word[0] != '-' && word.find_first_of("./") == word.npos &&
      !std::filesystem::exists(word, none))
    throw command_line::Wrong("there is neither a command nor a file '" + word + "'." +
                              command_line::suggestion(word, names));
  return tool::run(words);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows too long fails in write
  try {
    return call({argv + 1, argv + argc});
  } catch (const tool::Done& done) {
    return done.status;
  } catch (const command_line::Wrong& e) {
    std::cerr << "forecast: " << e.what() << "\nRun with --help for more information.\n";
    return 2;
  } catch (const RunFolder::Unwritable& e) {
    std::cerr << "forecast: " << e.what() << "\nNothing was changed there.\n";
    return 3;
  } catch (const std::exception& e) {
    std::cerr << "forecast: " << e.what() << '\n';
    return 1;
  }
}
