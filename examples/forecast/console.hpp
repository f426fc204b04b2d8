#pragma once

#include "foglift/core/utf8.hpp"
#include "plan.hpp"
#include "scores.hpp"

#include <cstdio>

namespace tool {

/// Columns that text takes on a terminal, where every character takes one.
inline std::size_t width(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

inline std::string padded(std::string text, std::size_t columns) {
  if (const std::size_t w = width(text); w < columns) text.append(columns - w, ' ');
  return text;
}

/// What was found in the file and what will be done with it, in aligned lines.
inline void describe(const Input& in) {
  const forecast::Series& s = in.series().front();
  Index values = 0;
  for (const forecast::Series& each : in.series()) values += each.size();
  const std::string several =
      in.series().size() > 1 ? std::to_string(in.series().size()) + " series, " : "";
  std::printf("%s: %s%s from %s to %s, %td values, %td missing\n", in.path().c_str(),
              several.c_str(), in.step().name().c_str(), s.time.text(0).c_str(),
              s.time.text(s.size() - 1).c_str(), values, in.read.missing);
  std::size_t what = 0, why = 0;
  const auto reason = [](const forecast::Guess& g) { return foglift::utf8::printable(g.reason); };
  for (const forecast::Guess& g : in.read.guesses) {
    what = std::max(what, std::min<std::size_t>(56, width(g.text)));
    why = std::max(why, std::min<std::size_t>(56, width(reason(g))));
  }
  for (const forecast::Guess& g : in.read.guesses)
    std::printf("  %s  %s  %s\n", padded(foglift::utf8::printable(g.text), what).c_str(),
                padded(reason(g), g.option.empty() ? 0 : why).c_str(), g.option.c_str());
}

inline void print_table(const std::vector<Score>& scores, const char* head = "") {
  std::printf("  %-28s %10s %10s %11s %9s\n", head, "CRPS", "wQL9", "80 % holds", "MASE");
  for (const Score& s : scores) {
    Metric percent = s.coverage;
    if (percent.value) *percent.value *= 100;
    std::printf("  %-28s %10s %10s %11s %9s\n", s.name.c_str(), s.crps.shown("%.4g").c_str(),
                s.quantile_loss.shown("%.4f").c_str(), percent.shown("%.1f %%").c_str(),
                s.mase.shown("%.3f").c_str());
  }
  for (const std::string& line : remarks(scores)) std::printf("  - %s\n", line.c_str());
  std::fflush(stdout);
}

inline void print(const std::vector<Score>& scores) {
  print_table(scores, "backtest");
  std::printf("\n%s\n\n", verdict(scores).c_str());
  std::fflush(stdout);
}

}  // namespace tool
