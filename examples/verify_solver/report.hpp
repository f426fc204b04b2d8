#pragma once

#include "foglift/diffusion/verify.hpp"
#include "support/text.hpp"

#include <optional>
#include <string>
#include <vector>

/// What a solver says of itself, and what was measured.
struct SolverReport {
  struct Row {
    std::string process, grid;
    foglift::verify::Convergence error;
  };
  std::string name, code;
  int order = 0, weak_order = 0, evaluations = 0;
  bool noisy = false;     ///< draws noise: `rows` are errors of the variance, not of the state
  std::vector<Row> rows;  ///< every process and grid
  std::vector<foglift::verify::Finding> identities;

  int stated() const { return noisy ? weak_order : order; }
  /// The measured order, the lowest of all rows.
  double measured() const {
    double low = rows.empty() ? 0 : rows.front().error.slope();
    for (const Row& r : rows) low = std::min(low, r.error.slope());
    return low;
  }
  /// Errors of next order are a few per cent of the leading one in all problems here.
  bool has_stated_order() const { return measured() > stated() - 0.2; }
  bool holds() const {
    bool all = has_stated_order();
    for (const auto& f : identities) all = all && f.holds;
    return all;
  }
};

namespace solver_report {

namespace verify = foglift::verify;

inline constexpr std::pair<verify::Family, const char*> families[] = {
    {verify::Family::variance_preserving, "VP"},
    {verify::Family::variance_exploding, "VE"},
    {verify::Family::flow, "flow"}};
inline constexpr std::pair<verify::Spacing, const char*> spacings[] = {
    {verify::Spacing::log_snr, "uniform log-SNR"}, {verify::Spacing::karras, "Karras"}};

/// Runs the solver on every process and grid. A solver that draws noise is judged by the exact
/// variance of its samples on Gaussian data, any other by the solution of the probability-flow ODE.
template <class S>
SolverReport measure(std::string name, std::string code, const S& solver) {
  SolverReport out{std::move(name), std::move(code), S::order, S::weak_order,
                   S::evaluations,  false,           {},       {}};
  for (const auto& [family, process] : families)
    for (const auto& [spacing, grid] : spacings) {
      if (!out.noisy) try {
          out.rows.push_back(
              {process, grid,
               verify::order(solver, {.family = family, .spacing = spacing, .coarsest = 40})});
          continue;
        } catch (const foglift::ArgumentError&) {
          if (foglift::deterministic<S> || !out.rows.empty()) throw;
          out.noisy = true;  // it asked for noise
        }
      out.rows.push_back(
          {process, grid, verify::weak_order(solver, {.family = family, .spacing = spacing})});
    }
  out.identities = verify::identities(solver);
  return out;
}

/// The report as a page for the terminal.
inline std::string page(const SolverReport& r) {
  std::string out = text("%s: %s %d, %d evaluation%s a step\n\n  %s\n  %-24s", r.name.c_str(),
                         r.noisy ? "weak order" : "order", r.stated(), r.evaluations,
                         r.evaluations == 1 ? "" : "s",
                         r.noisy ? "relative error of the samples' variance, data N(0.7, 0.25)"
                                 : "error against the exact flow of a mixture of two Gaussians",
                         "steps");
  for (const auto n : r.rows.front().error.steps) out += text("%10td", n);
  out += "   measured order\n";
  for (const auto& row : r.rows) {
    out += text("  %-24s", (row.process + ", " + row.grid).c_str());
    for (const double e : row.error.errors) out += text("%10.1e", e);
    out += text("   %.2f\n", row.error.slope());
  }
  out += "\n";
  for (const auto& f : r.identities)
    out += text("  %-4s %-54s %s\n", f.holds ? "ok" : "NO", f.name.c_str(), f.found.c_str());
  return out;
}

/// One row of the table of docs/solvers.md; its heading is below.
inline std::string table_row(const SolverReport& r) {
  std::string out =
      text("| %s | `%s` | %d | %d |", r.name.c_str(), r.code.c_str(), r.stated(), r.evaluations);
  for (const auto& row : r.rows) out += text(" %.2f |", row.error.slope());
  std::string broken;
  for (const auto& f : r.identities)
    if (!f.holds) broken += (broken.empty() ? "not: " : "; ") + f.name;
  return out + text(" %.1e | %s |\n", r.rows.front().error.errors.back(),
                    broken.empty() ? "all" : broken.c_str());
}
inline std::string table_head(bool noisy) {
  std::string out =
      text("| solver | `solver::` | %s | evaluations |", noisy ? "weak order" : "order");
  for (const auto& family : families)
    for (const auto& spacing : spacings) out += text(" %s %s |", family.second, spacing.second);
  return out +
         " error, 320 steps | identities |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n";
}

}  // namespace solver_report
