#pragma once

#include "config_file.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

/// Command lines whose options may also stand in a file.
namespace command_line {

/// Wrong usage, which ends a program with status 2.
struct Wrong : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// " Did you mean WORD?" of the nearest word; nothing if none is near.
std::string suggestion(const std::string& word, const std::vector<std::string>& words);

/// Parses words in their order. Throws Wrong, with the nearest option for one that there is not,
/// and CLI::ParseError (also for --help, which App::exit prints).
void parse(CLI::App& app, const std::vector<std::string>& words);

/// Parses words, and beneath them what a file or an earlier run says: a value of `layer` counts
/// where no word sets its option. `where` is said of a key that is no option.
void parse(CLI::App& app, const std::vector<std::string>& words, const config::Json& layer,
           const std::string& where);

/// A word of a command line, as a shell reads it.
std::string shell_word(const std::string& word);

}  // namespace command_line
