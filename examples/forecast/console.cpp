#include "console.hpp"

#include "foglift/core/utf8.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace tool {

namespace {

/// Columns that text takes on a terminal, where every character takes one.
std::size_t width(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

}  // namespace

std::string padded(std::string text, std::size_t columns) {
  if (const std::size_t w = width(text); w < columns) text.append(columns - w, ' ');
  return text;
}

void describe(const Input& in) {
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

void print_table(const std::vector<forecast::Score>& scores, const char* head) {
  std::size_t name = 24;
  for (const forecast::Score& s : scores) name = std::max(name, width(s.name));
  std::printf("  %s %10s %10s %11s %9s\n", padded(head, name).c_str(), "CRPS", "wQL9", "80 % holds",
              "MASE");
  for (const forecast::Score& s : scores)
    std::printf("  %s %10s %10s %11s %9s\n", padded(s.name, name).c_str(),
                shown(s.crps, "%.4g").c_str(), shown(s.quantile_loss, "%.4f").c_str(),
                shown(100 * s.coverage, "%.1f %%").c_str(), shown(s.mase, "%.3f").c_str());
}

void print(const Backtest& b, const Input& in) {
  if (!b.scores.empty()) print_table(b.scores, "backtest");
  std::string weights;
  for (std::size_t k = 0; k < b.weights.size(); ++k)
    if (b.weights[k] >= 0.005)
      weights += (weights.empty() ? "" : ", ") + text("%.0f %% ", 100 * b.weights[k]) + b.parts[k];
  if (!weights.empty()) std::printf("  What comes next is forecast by %s\n", weights.c_str());
  for (std::size_t k = 1; k < b.effects.size() && k <= 8; ++k)
    std::printf("  Without %s (held at its mean) the model's CRPS is %s, %s than with it\n",
                in.read.covariates.at(k - 1).c_str(), shown(b.effects[k], "%.4g").c_str(),
                text("%.1f %% %s", std::abs(100 * (b.effects[k] / b.effects[0] - 1)),
                     b.effects[k] < b.effects[0] ? "lower" : "higher")
                    .c_str());
  for (const std::string& line : remarks(b)) std::printf("  - %s\n", line.c_str());
  std::printf("\n%s\n", verdict(b.scores).c_str());
  if (in.series().size() > 1) {  // relative to the best baseline, which knows how hard one is
    std::vector<std::pair<double, std::string>> worst;
    for (std::size_t s = 0; s < b.of_series.size(); ++s)
      if (!b.of_series[s].empty())
        if (const forecast::Score* best = best_baseline(b.of_series[s]); best && best->crps > 0)
          worst.emplace_back(b.of_series[s].back().crps / best->crps, in.series()[s].name);
    std::sort(worst.rbegin(), worst.rend());
    for (std::size_t k = 0; k < std::min<std::size_t>(3, worst.size()); ++k)
      std::printf("%s %s: CRPS %.2f times the best baseline's\n",
                  k == 0 ? "Worst series:" : "             ", worst[k].second.c_str(),
                  worst[k].first);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace tool
