#include "results.hpp"

#include "support/progress.hpp"

#include <algorithm>

namespace tool {

Future forecast_next(const Model& model, const Input& in, const Options& o) {
  Future f;
  const Index n = std::ssize(in.series());
  for (Index s = 0; s < n; ++s)
    f.origins.push_back({s, in.series()[static_cast<std::size_t>(s)].size()});
  Progress bar("drawing", o.quiet);
  constexpr std::size_t at_once = 4;
  for (std::size_t s = 0; s < f.origins.size(); s += at_once) {
    const auto few =
        std::span(std::as_const(f.origins)).subspan(s, std::min(at_once, f.origins.size() - s));
    const Tensor<double> some = model.paths(in.series(), few, o.samples);
    if (s == 0) f.paths = Tensor<double>({n, some.dim(1), some.dim(2)});
    std::copy(some.begin(), some.end(),
              f.paths.data() + static_cast<Index>(s) * f.paths.row_size());
    bar.update(std::min(n, static_cast<Index>(s + at_once)), n, "series");
  }
  return f;
}

}  // namespace tool
