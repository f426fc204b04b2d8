#pragma once

#include "foglift/version.hpp"

#include <array>
#include <cstddef>
#include <map>
#include <string_view>
#include <utility>

namespace foglift::inline v0::data {

/// The delimiter of CSV text, from its first lines: that of tab, ';', ',' and '|' which divides the
/// most of them into the same number of cells, at least two; ' ' (runs of blanks) if none of these
/// divides half of them; ',' if there is none at all. Lines that begin with
/// '#' do not count.
inline char sniff_delimiter(std::string_view text) {
  constexpr std::array<char, 5> candidates{'\t', ';', ',', '|', ' '};
  constexpr std::size_t max_lines = 60, max_bytes = std::size_t{1} << 16;
  std::array<std::map<std::size_t, std::size_t>, 5> lines_with;  // a number of delimiters
  std::array<std::size_t, 5> count{};
  std::size_t lines = 0, first = 0;
  bool quoted = false;
  const std::string_view head = text.substr(0, max_bytes);
  const auto end_line = [&](std::size_t end) {
    const std::string_view line = head.substr(first, end - first);
    first = end + 1;
    const auto counts = std::exchange(count, {});
    if (line.find_first_not_of(" \t\r") == line.npos || line.starts_with("#")) return;
    ++lines;
    for (std::size_t i = 0; i < candidates.size(); ++i)
      if (counts[i] > 0) ++lines_with[i][counts[i]];
  };
  char before = ' ';
  for (std::size_t at = 0; at < head.size() && lines < max_lines; ++at) {
    const char c = head[at];
    if (!quoted && (c == '\n' || c == '\r')) {
      end_line(at);
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted) {
      for (std::size_t i = 0; i + 1 < candidates.size(); ++i) count[i] += c == candidates[i];
      const bool behind = at + 1 < head.size() && head[at + 1] != '\n' && head[at + 1] != '\r';
      count.back() += c == ' ' && before != ' ' && at > first && behind;
    }
    before = c;
  }
  if (lines == 0 || text.size() <= max_bytes) end_line(head.size());
  std::size_t best = 2, most = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i] == ' ' && 2 * most >= lines) break;
    for (const auto& [delimiters, n] : lines_with[i])
      if (n > most) best = i, most = n;
  }
  return candidates[best];
}

}  // namespace foglift::inline v0::data
