#pragma once

#include "foglift/core/rng.hpp"
#include "foglift/core/tensor.hpp"
#include "foglift/forecast/frame/scaler.hpp"
#include "foglift/forecast/impute/classical.hpp"
#include "foglift/forecast/impute/gaps.hpp"
#include "foglift/forecast/series/calendar.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace foglift::inline v0::forecast {

/// Windows of B rows and L cells as the network of an Imputer sees them.
struct ImputeBatch {
  Tensor<float> unknown;      ///< [B, L, 1] 1 where no value is known
  Tensor<float> side;         ///< [B, L, side] what is told of every cell
  Tensor<float> target;       ///< [B, L, 1] of hidden cells their distance from the line, scaled
  Tensor<float> target_mask;  ///< [B, L, 1] 1 where one is
};

/// What distances in a window are measured from, and by.
struct ImputeScale {
  std::vector<double> line;  ///< [L] known values and straight lines between, without the season
  double scale = 1;          ///< the change between neighbours around
};

/// A window to draw, and its cells [first, end) that are kept of it.
struct ImputeStep {
  Index start = 0, first = 0, end = 0;
};

/// The windows of a panel's series without their seasons.
class ImputeWindows {
 public:
  struct Options {
    Index season = 1;
    Calendar calendar = {};
    Columns columns = {};
  };

  /// Numbers that are told of every cell: the line, waves of its place, whether its value is known,
  /// how far known ones are, the calendar, covariates with masks, statics.
  static Index side(const Calendar& calendar, const Columns& n) {
    return place_features + 4 + calendar.channels() + 2 * n.known + 2 * n.past + n.statics;
  }

  /// Refers to the panel. Throws ArgumentError for a panel of other columns.
  ImputeWindows(const Panel& panel, const Options& options) : panel_(panel), options_(options) {
    if (panel.size() > 0 && panel.columns() != options.columns)
      raise<ArgumentError>("Imputer: made for ", options.columns, "; the panel has ",
                           panel.columns());
    scaler_ = Scaler::fit(panel, {.columns = options.columns}, 0);
    for (const Series& s : panel) {
      fills_.push_back(seasonal_fill(s.values, options.season));
      std::vector<double>& x = adjusted_.emplace_back(s.values);
      for (Index t = 0; t < s.size(); ++t)
        if (double& v = x[static_cast<std::size_t>(t)]; !std::isnan(v))
          v = fills_.back().remove(v, t);
      Moments m = moments([&](Index t) { return x[at(t)]; }, 0, s.size());
      if (!(m.deviation > 0)) m.deviation = 1;
      if (!(m.change > 0)) m.change = m.deviation;
      moments_.push_back(m);
      const std::vector<Gap> own = find_gaps(s.values);
      gaps_.insert(gaps_.end(), own.begin(), own.end());
    }
  }

  /// Values of a series without their season, and one with it again.
  const std::vector<double>& adjusted(Index series) const { return adjusted_[at(series)]; }
  double restore(Index series, double v, Index cell) const {
    return std::isnan(v) ? v : fills_[at(series)].restore(v, cell);
  }

  /// Windows that hold two known values, by their first cells.
  std::vector<Origin> places(Index length) const {
    std::vector<Origin> out;
    for (Index s = 0; s < panel_.size(); ++s) {
      const std::vector<double>& x = adjusted(s);
      for (Index a = 0; a <= std::max<Index>(0, std::ssize(x) - length); ++a) {
        const auto end = x.begin() + std::min(a + length, std::ssize(x));
        if (std::count_if(x.begin() + a, end, [](double v) { return !std::isnan(v); }) >= 2)
          out.push_back({s, a});
      }
    }
    return out;
  }

  /// The windows that fill a series from left to right: each moves on half a length, and keeps its
  /// middle half.
  std::vector<ImputeStep> steps(Index series, Index length) const {
    const std::vector<double>& x = adjusted(series);
    const Index n = std::ssize(x), half = length / 2, quarter = length / 4;
    Index first = 0, end = n;
    while (first < end && std::isnan(x[at(first)])) ++first;
    while (end > first && std::isnan(x[at(end - 1)])) --end;
    std::vector<ImputeStep> out;
    for (Index a = 0, done = 0; done < n; a += half) {
      const bool last = a + length >= n;
      const ImputeStep step{a, std::max(done, first),
                            std::min(last ? n : a + length - quarter, end)};
      done = last ? n : a + length - quarter;
      for (Index t = step.first; t < step.end; ++t)
        if (std::isnan(x[at(t)])) {
          out.push_back(step);
          break;
        }
    }
    return out;
  }

  ImputeBatch batch(Index rows, Index length) const {
    return {Tensor<float>({rows, length, 1}),
            Tensor<float>({rows, length, side(options_.calendar, options_.columns)}),
            Tensor<float>({rows, length, 1}), Tensor<float>({rows, length, 1})};
  }

  /// Which of a window's cells to hide, from L + 4 uniform numbers: every second time a random
  /// share, else a stretch as long as a gap of the panel; at least one that is known, and one that
  /// is known is left.
  std::vector<char> to_hide(const Origin& place, std::span<const float> u) const {
    const std::vector<double>& x = adjusted(place.series);
    const Index L = std::ssize(u) - 4;
    std::vector<Index> known;
    for (Index l = 0; l < L && place.at + l < std::ssize(x); ++l)
      if (!std::isnan(x[at(place.at + l)])) known.push_back(l);
    const auto pick = [](float v, Index n) {
      return std::min(n - 1, static_cast<Index>(v * static_cast<float>(n)));
    };
    std::vector<char> out(at(L), 0);
    Index hidden = 0;
    const auto hide = [&](Index l) {
      if (out[at(l)] == 0 && hidden + 1 < std::ssize(known)) out[at(l)] = 1, ++hidden;
    };
    if (u[0] < 0.5F || gaps_.empty()) {
      for (const Index l : known)
        if (u[at(l + 4)] < u[1]) hide(l);
    } else {
      const Index length = std::min(L - 2, gaps_[at(pick(u[1], std::ssize(gaps_)))].length);
      const Index first = pick(u[2], L - length + 1);
      for (const Index l : known)
        if (l >= first && l < first + length) hide(l);
    }
    if (hidden == 0) hide(known[at(pick(u[3], std::ssize(known)))]);
    return out;
  }

  /// Row b of a batch: a window whose hidden cells are targets, over `unit`.
  void write_hidden(const Origin& place, const std::vector<char>& hide, double unit, Index b,
                    ImputeBatch& out) const {
    const std::vector<double>& x = adjusted(place.series);
    const auto visible = [&](Index t) {
      const Index l = t - place.at;
      const bool hidden = l >= 0 && l < std::ssize(hide) && hide[at(l)] != 0;
      return hidden ? std::numeric_limits<double>::quiet_NaN() : x[at(t)];
    };
    const ImputeScale s = write(place, visible, b, out);
    for (Index l = 0; l < std::ssize(hide); ++l) {
      if (hide[at(l)] == 0) continue;
      out.target(b, l, 0) =
          static_cast<float>((x[at(place.at + l)] - s.line[at(l)]) / s.scale / unit);
      out.target_mask(b, l, 0) = 1;
    }
  }

  /// Row b of a batch: what is known of a window, value(cell) without its season, NaN where none
  /// is.
  template <class F>
  ImputeScale write(const Origin& place, const F& value, Index b, ImputeBatch& out) const {
    const Series& s = panel_[place.series];
    const Index n = s.size(), a = place.at, L = out.unknown.dim(1);
    std::vector<double> x(at(L), std::numeric_limits<double>::quiet_NaN());
    for (Index l = 0; l < L && a + l < n; ++l) x[at(l)] = value(a + l);
    Index left = a - 1, right = a + L;  // the nearest known cells outside
    while (left >= 0 && std::isnan(value(left))) --left;
    while (right < n && std::isnan(value(right))) ++right;
    const Moments around = moments_around(place.series, value, a, L);
    ImputeScale out_scale{std::vector<double>(at(L)), around.change};
    std::vector<Index> before(at(L)), behind(at(L));
    for (Index l = 0, last = left; l < L; ++l) {
      if (!std::isnan(x[at(l)])) last = a + l;
      before[at(l)] = last;
    }
    for (Index l = L - 1, next = right; l >= 0; --l) {
      if (!std::isnan(x[at(l)])) next = a + l;
      behind[at(l)] = next;
    }
    double location = 0;
    for (Index l = 0; l < L; ++l) {
      const Index p = before[at(l)], q = behind[at(l)];
      double& v = out_scale.line[at(l)];
      if (p >= 0 && q < n && p < q) {
        const double share = static_cast<double>(a + l - p) / static_cast<double>(q - p);
        v = (1 - share) * value(p) + share * value(q);
      } else {
        v = p >= 0 ? value(p) : q < n ? value(q) : 0;
      }
      location += v / static_cast<double>(L);
    }
    for (Index l = 0; l < L; ++l) {
      const bool known = !std::isnan(x[at(l)]);
      out.side(b, l, 0) = static_cast<float>((out_scale.line[at(l)] - location) / around.deviation);
      out.unknown(b, l, 0) = known ? 0.0F : 1.0F;
      tell(s, a, l, known, a + l - before[at(l)], behind[at(l)] - a - l, &out.side(b, l, 1));
    }
    return out_scale;
  }

 private:
  static constexpr Index place_features = 16;

  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }

  /// The deviation of known values in [first, end), and the root mean square of the changes
  /// between neighbours.
  struct Moments {
    double deviation = 0, change = 0, count = 0, changes = 0;
  };
  template <class F>
  static Moments moments(const F& value, Index first, Index end) {
    Moments m;
    double mean = 0, before = std::numeric_limits<double>::quiet_NaN();
    for (Index t = first; t < end; ++t) {
      const double v = value(t);
      if (!std::isnan(v)) {
        const double d = v - mean;
        mean += d / ++m.count;
        m.deviation += d * (v - mean);
        if (!std::isnan(before)) m.change += (v - before) * (v - before), ++m.changes;
      }
      before = v;
    }
    m.deviation = std::sqrt(m.deviation / std::max(1.0, m.count));
    m.change = std::sqrt(m.change / std::max(1.0, m.changes));
    return m;
  }
  /// The same of the window and one length on both sides; of the whole series where few are known
  /// there, or they stand still.
  template <class F>
  Moments moments_around(Index series, const F& value, Index a, Index L) const {
    Moments whole = moments_[at(series)];
    const Moments own =
        moments(value, std::max<Index>(0, a - L), std::min(panel_[series].size(), a + 2 * L));
    const auto least = static_cast<double>(L / 2);
    if (own.count >= least && own.deviation > 1e-3 * whole.deviation)
      whole.deviation = own.deviation;
    if (own.changes >= least && own.change > 1e-3 * whole.change) whole.change = own.change;
    return whole;
  }

  /// What is told of cell l of a window that begins at a: `before` and `behind` cells from known
  /// ones.
  void tell(const Series& s, Index a, Index l, bool known, Index before, Index behind,
            float* to) const {
    for (Index i = 0; i < place_features / 2; ++i) {
      const double angle =
          static_cast<double>(l) * std::pow(1e-3, 2.0 * double(i) / place_features);
      *to++ = static_cast<float>(std::sin(angle));
      *to++ = static_cast<float>(std::cos(angle));
    }
    *to++ = known ? 1.0F : 0.0F;
    for (const Index d : {before, behind}) *to++ = 0.25F * std::log1p(static_cast<float>(d));
    const auto waves = static_cast<std::size_t>(options_.calendar.channels());
    if (waves > 0) options_.calendar.write(s.time.at(a + l), {to, waves});
    to += waves;
    const auto put = [&](const Tensor<double>& table, const Standard& standard) {
      for (Index k = 0; !table.empty() && k < table.dim(1); ++k) {
        const double v = a + l < table.dim(0) ? table(a + l, k) : NAN;
        *to++ = std::isnan(v) ? 0.0F : static_cast<float>(standard(v, k));
        *to++ = std::isnan(v) ? 0.0F : 1.0F;
      }
    };
    put(s.known, scaler_.known);
    put(s.past, scaler_.past);
    for (Index k = 0; k < std::ssize(s.statics); ++k) {
      const double v = s.statics[at(k)];
      *to++ = std::isnan(v) ? 0.0F : static_cast<float>(scaler_.statics(v, k));
    }
  }

  const Panel& panel_;
  Options options_;
  Scaler scaler_;
  std::vector<SeasonalFill> fills_;
  std::vector<std::vector<double>> adjusted_;
  std::vector<Moments> moments_;
  std::vector<Gap> gaps_;
};

}  // namespace foglift::inline v0::forecast
