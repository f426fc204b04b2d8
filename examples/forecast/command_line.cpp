#include "command_line.hpp"

#include "foglift/core/text.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace command_line {

namespace {

/// How many letters must be put in, taken out or changed to make one word of another (Levenshtein).
std::size_t edits(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j)
      diagonal = std::exchange(row[j + 1],
                               std::min({diagonal + (a[i] != b[j]), row[j] + 1, row[j + 1] + 1}));
  }
  return row.back();
}

std::vector<std::string> names(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
  return out;
}

}  // namespace

std::string suggestion(const std::string& word, const std::vector<std::string>& words) {
  std::string best;
  std::size_t least = word.size() / 3 + 2;
  for (const std::string& w : words)
    if (const std::size_t n = edits(word, w); n < least) least = n, best = w;
  return best.empty() ? "" : " Did you mean " + best + '?';
}

void parse(CLI::App& app, const std::vector<std::string>& words) {
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ExtrasError&) {
    const std::string word = app.remaining().front();
    if (word.size() > 1 && word[0] == '-')
      throw Wrong("there is no option " + word + '.' +
                  suggestion(word.substr(0, word.find('=')), names(app)));
    throw Wrong("one word too many: " + word);
  }
}

void parse(CLI::App& app, const std::vector<std::string>& words, const config::Json& layer,
           const std::string& where) {
  parse(app, words);
  std::vector<std::string> all, positional;
  for (const auto& [name, value] : layer.items()) {
    const CLI::Option* option = app.get_option_no_throw("--" + name);
    const bool placed = !option;
    if (placed) option = app.get_option_no_throw(name);
    if (!option)
      throw Wrong(where + ": there is no option '" + name + "'." +
                  suggestion("--" + name, names(app)));
    if (option->count() > 0) continue;
    const auto word = [](const config::Json& v) {
      return v.is_string()         ? v.get<std::string>()
             : v.is_number_float() ? foglift::number_text(v.get<double>())
                                   : v.dump();
    };
    if (placed) {
      positional.push_back(word(value));
    } else if (value.is_boolean()) {
      if (value.get<bool>()) all.push_back("--" + name);
    } else if (value.is_array()) {
      for (const config::Json& v : value) all.push_back("--" + name + '=' + word(v));
    } else if (!value.is_string() || !value.get<std::string>().empty()) {
      all.push_back("--" + name + '=' + word(value));
    }
  }
  all.insert(all.end(), words.begin(), words.end());
  all.insert(all.end(), positional.begin(), positional.end());
  parse(app, all);
}

std::string shell_word(const std::string& word) {
  if (!word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789-_./,:+@%=") == word.npos)
    return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + '\'';
}

}  // namespace command_line
