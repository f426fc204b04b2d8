#pragma once

#include "foglift/diffusion/discrete.hpp"
#include "foglift/diffusion/grid/grid.hpp"

#include <cmath>
#include <concepts>
#include <vector>

namespace foglift::inline v0::grid {

/// A discrete chain: steps() of them, step(i) the level after step i.
template <class S>
concept Chain = requires(const S& s, Index i) {
  { s.steps() } -> std::convertible_to<Index>;
  { s.step(i) } -> std::convertible_to<Level>;
};

/// The levels after given steps of a chain, from noise to data, then clean data or, with
/// Last::keep, nothing more. Throws ArgumentError for a step that is not one of the chain's, and
/// for steps that do not fall.
template <Chain S>
TimeGrid at_steps(const S& chain, const std::vector<Index>& steps, Last end = Last::zero) {
  TimeGrid out;
  for (const Index i : steps) out.push_back(chain.step(i));
  if (end == Last::zero) out.push_back(clean);
  check(out);
  return out;
}

/// Steps of a discrete chain spaced from its last one, so that the sampler starts at full noise
/// (Lin et al. 2024, table 2, "trailing"): step round(T - i T / n) - 1, then clean data or, with
/// Last::keep, step 0. Throws ArgumentError unless 1 <= steps <= T (T - 1 with Last::keep).
template <Chain S>
TimeGrid trailing(const S& schedule, Index steps, Last end = Last::zero) {
  detail::check_steps(steps, "grid::trailing");
  const Index T = schedule.steps(), span = end == Last::zero ? T : T - 1;
  if (steps > span)
    raise<ArgumentError>("grid::trailing: ", steps, " steps on a chain that allows ", span);
  TimeGrid out;
  for (Index i = 0; i < steps; ++i)
    out.push_back(schedule.step(T - 1 - (2 * i * span + steps - 1) / (2 * steps)));
  out.push_back(end == Last::zero ? clean : schedule.step(0));
  check(out);
  return out;
}

/// How many points are spread over a chain for n steps: n, the last of them its step 0 (DDIM, DDPM
/// and Euler in diffusers); or n + 1, the last of which is left out (its multistep solvers).
enum class Points { n, n_plus_1 };

/// Steps in equal distances from the chain's last one to its first, rounded to the nearest, then
/// clean data ("linspace"). One step begins at the last. Throws ArgumentError unless 1 <= steps <=
/// T.
template <Chain S>
TimeGrid linspace(const S& chain, Index steps, Points points = Points::n) {
  detail::check_steps(steps, "grid::linspace");
  const Index gaps = points == Points::n ? steps - 1 : steps;
  std::vector<Index> at;
  for (Index i = 0; i < steps; ++i) {
    const double u = gaps > 0 ? 1 - static_cast<double>(i) / static_cast<double>(gaps) : 1;
    at.push_back(static_cast<Index>(std::nearbyint(u * static_cast<double>(chain.steps() - 1))));
  }
  return at_steps(chain, at);
}

/// Multiples of T / n (or of T / (n + 1), rounded down), plus an offset, then clean data
/// ("leading"). It does not begin at full noise: signal_left() says what that costs. One step of
/// Points::n is the chain's step 0, next to the data, from where sample() refuses to begin. Throws
/// ArgumentError where a step is outside of the chain, as an offset of 1 makes it for n = T.
template <Chain S>
TimeGrid leading(const S& chain, Index steps, Points points = Points::n, Index offset = 0) {
  detail::check_steps(steps, "grid::leading");
  const bool all = points == Points::n;
  const Index stride = chain.steps() / (all ? steps : steps + 1);
  std::vector<Index> at;
  for (Index i = steps - 1; i >= 0; --i) at.push_back((all ? i : i + 1) * stride + offset);
  return at_steps(chain, at);
}

/// The chain in as many equal sections as there are counts, from data to noise, with that many
/// steps in each, its ends included, then clean data (Nichol & Dhariwal 2021). A count of 1 is its
/// section's step next to the data: {1} begins at step 0, from where sample() refuses to begin.
/// Throws ArgumentError for a count below 1 or above its section's length.
template <Chain S>
TimeGrid sectioned(const S& chain, const std::vector<Index>& counts) {
  const auto sections = static_cast<Index>(counts.size());
  if (sections < 1 || sections > chain.steps())
    raise<ArgumentError>("grid::sectioned: ", sections, " sections of a chain of ", chain.steps());
  std::vector<Index> at;
  Index begin = 0;
  for (Index k = 0; k < sections; ++k) {
    const Index size = chain.steps() / sections + (k < chain.steps() % sections ? 1 : 0);
    const Index count = counts[static_cast<std::size_t>(k)];
    if (count < 1 || count > size)
      raise<ArgumentError>("grid::sectioned: ", count, " steps in section ", k, " of ", size);
    for (Index i = 0; i < count; ++i) {
      const double u = count > 1 ? static_cast<double>(i) / static_cast<double>(count - 1) : 0;
      at.push_back(begin + static_cast<Index>(std::nearbyint(u * static_cast<double>(size - 1))));
    }
    begin += size;
  }
  return at_steps(chain, {at.rbegin(), at.rend()});
}

}  // namespace foglift::inline v0::grid
