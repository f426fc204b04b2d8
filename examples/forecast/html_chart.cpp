#include "html_chart.hpp"

#include "foglift/forecast/score/quantile.hpp"
#include "time_ticks.hpp"

#include <algorithm>
#include <cmath>

namespace tool::html {

namespace {

class Fan {
 public:
  Fan(const forecast::Series& s, const std::vector<Window>& windows, Index horizon, bool future)
      : series_(s), windows_(windows), future_(future) {
    const Index begin = windows.front().at;
    first_ = std::max<Index>(0, begin - (future ? std::min<Index>(2000, 20 * horizon) : horizon));
    last_ = windows.back().at + horizon - 1;
    view_ = future ? std::max<Index>(first_, begin - 3 * horizon) : first_;
    for (const Window& w : windows)
      for (const double v : w.quantiles) range(v);
    for (Index i = first_; i < std::min(last_ + 1, s.size()); ++i) range(s.value(i));
    if (!(low_ <= high_)) low_ = 0, high_ = 1;
    if (low_ == high_) low_ -= 1, high_ += 1;
  }

  std::string html() const {
    double low = high_, high = low_;  // of what is in view at first
    for (const Window& w : windows_)
      for (const double v : w.quantiles) low = std::min(low, v), high = std::max(high, v);
    for (Index i = view_; i < std::min(last_ + 1, series_.size()); ++i)
      if (const double v = series_.value(i); !std::isnan(v))
        low = std::min(low, v), high = std::max(high, v);
    const double room = 0.06 * (high > low ? high - low : 1);
    low -= low >= 0 && low < room ? low : room;
    high += room;
    const Frame f;
    std::string out = "<figure class=\"chart\">\n" +
                      svg_begin(f, "forecast with bands of 50, 80 and 95 %") + y_axis(f, low, high);
    out += text(
        "<svg class=\"plot\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" viewBox=\"%td %.2f "
        "%td %.2f\" preserveAspectRatio=\"none\">\n",
        f.left, f.top, f.inner_width(), f.inner_height(), view_ - first_, place(high),
        last_ - view_, place(low) - place(high));
    if (future_)
      out += text("<path class=\"rule\" d=\"M%.1f -1000V2000\"/>\n",
                  static_cast<double>(windows_.front().at - first_) - 0.5);
    for (std::size_t b = 0; b < 3; ++b)
      for (const Window& w : windows_) out += band(w, b);
    for (const Window& w : windows_)
      out += "<path class=\"median\" d=\"" +
             curve(w.at, w.quantiles.dim(1), [&](Index h) { return w.quantiles(3, h); }) + "\"/>\n";
    out += "<path class=\"seen\" d=\"" +
           curve(first_, std::min(last_ + 1, series_.size()) - first_,
                 [&](Index i) { return series_.value(first_ + i); }) +
           "\"/>\n</svg>\n" + time_marks(f, series_.time, view_, last_) +
           text(
               "<line class=\"axis hair\" x1=\"0\" x2=\"0\" y1=\"%g\" y2=\"%g\" "
               "visibility=\"hidden\"/>\n</svg>\n",
               f.top, f.top + f.inner_height());
    return out +
           "<div class=\"key\"><span><i style=\"background:var(--seen)\"></i>observed</span><span>"
           "<i style=\"background:var(--median)\"></i>median</span><span><i style=\"background:"
           "var(--b50)\"></i>50 %</span><span><i style=\"background:var(--b80)\"></i>80 %</span>"
           "<span><i style=\"background:var(--b95)\"></i>95 %</span></div>\n<figcaption>" +
           escaped(series_.time.text(view_) + " to " + series_.time.text(last_)) +
           "</figcaption>\n<script type=\"application/json\">" + data() + "</script>\n</figure>\n";
  }

 private:
  void range(double v) {
    if (!std::isnan(v)) low_ = std::min(low_, v), high_ = std::max(high_, v);
  }
  double place(double v) const { return 1000 * (high_ - v) / (high_ - low_); }

  /// Lines through values that are there, from cell `at` on; broken at gaps and closed hours.
  template <class F>
  std::string curve(Index at, Index n, const F& value) const {
    std::string out;
    bool pen = false;
    for (Index i = 0; i < n; ++i) {
      const double v = value(i);
      if (i > 0 && series_.time.closed_before(at + i)) pen = false;
      if (!std::isnan(v)) {
        out += text("%c%td %.1f", pen ? 'L' : 'M', at + i - first_, place(v));
        const bool alone = !pen && (i + 1 == n || std::isnan(value(i + 1)));
        if (alone) out += "h.3";
      }
      pen = !std::isnan(v);
    }
    return out;
  }

  std::string band(const Window& w, std::size_t b) const {
    const Index H = w.quantiles.dim(1), lower = static_cast<Index>(b), upper = 6 - lower;
    std::string out;
    for (Index h = 0; h < H;) {  // one area for each run of open hours
      Index end = h + 1;
      while (end < H && !series_.time.closed_before(w.at + end)) ++end;
      out += "M";
      for (Index i = h; i < end; ++i)
        out +=
            text("%s%td %.1f", i == h ? "" : "L", w.at + i - first_, place(w.quantiles(upper, i)));
      for (Index i = end; i-- > h;)
        out += text("L%td %.1f", w.at + i - first_, place(w.quantiles(lower, i)));
      out += "Z";
      h = end;
    }
    return text("<path class=\"q%zu\" d=\"", b) + out + "\"/>\n";
  }

  /// What the script needs: times, labels and their ranks, observed values and quantiles of each
  /// cell, the range of values that the paths are drawn for, the cells in view.
  std::string data() const {
    Json t = Json::array(), l = Json::array(), y = Json::array(), q = Json::array();
    std::string k;
    const auto number = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
    for (Index i = first_; i <= last_; ++i) {
      t.push_back(series_.time.text(i));
      l.push_back(tick_label(series_.time, i));
      k += static_cast<char>('0' + roundness(series_.time, i));
      y.push_back(i < series_.size() ? number(series_.value(i)) : Json(nullptr));
      q.push_back(nullptr);
    }
    for (const Window& w : windows_)
      for (Index h = 0; h < w.quantiles.dim(1); ++h) {
        Json one = Json::array();
        for (Index j = 0; j < 7; ++j) one.push_back(w.quantiles(j, h));
        q[static_cast<std::size_t>(w.at + h - first_)] = one;
      }
    const Json out = {{"t", t},
                      {"l", l},
                      {"k", k},
                      {"y", y},
                      {"q", q},
                      {"lo", low_},
                      {"hi", high_},
                      {"a", view_ - first_},
                      {"b", last_ - first_}};
    return out.dump(-1, ' ', true, Json::error_handler_t::replace);
  }

  const forecast::Series& series_;
  const std::vector<Window>& windows_;
  bool future_;
  Index first_ = 0, last_ = 0, view_ = 0;
  double low_ = INFINITY, high_ = -INFINITY;
};

}  // namespace

Window window_of(const Tensor<double>& paths, Index row, Index at) {
  const Tensor<double> q = forecast::quantiles(paths.rows(row, 1), band_levels);
  return {at, q.reshaped({q.dim(1), q.dim(2)})};
}

std::vector<Window> future_windows(const Future& f, Index series) {
  return {window_of(f.paths, series, f.origins[static_cast<std::size_t>(series)].at)};
}

std::vector<Window> backtest_windows(const Backtest& b, Index series) {
  std::vector<Window> out;
  for (std::size_t w = 0; w < b.origins.size(); ++w)
    if (b.origins[w].series == series)
      out.push_back(window_of(b.paths, static_cast<Index>(w), b.origins[w].at));
  return out;
}

std::string line_chart(const std::vector<double>& x, const std::vector<double>& y, bool shares,
                       const std::string& caption) {
  double low = shares ? 0 : INFINITY, high = shares ? 1 : -INFINITY;
  for (const double v : y)
    if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  if (!(low <= high) || x.size() < 2) return {};
  if (!shares) {
    const double room = (high > low ? high - low : std::abs(high) + 1) * 0.06;
    low = low >= 0 && low < 0.4 * high ? 0 : low - room;
    high += room;
  }
  const double first = shares ? 0 : x.front(), last = shares ? 1 : x.back();
  const Frame f{.width = 380, .height = 220};
  const auto px = [&](double v) { return f.left + f.inner_width() * (v - first) / (last - first); };
  const auto py = [&](double v) { return f.top + f.inner_height() * (high - v) / (high - low); };
  std::string path;
  bool pen = false;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isfinite(y[i])) path += text("%c%.1f %.1f", pen ? 'L' : 'M', px(x[i]), py(y[i]));
    pen = std::isfinite(y[i]);
  }
  std::string out = "<figure>" + svg_begin(f, caption) + y_axis(f, low, high);
  if (shares)
    out += text("<path class=\"rule\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", px(0), py(0), px(1), py(1));
  out += "<path class=\"median\" d=\"" + path + "\"/>\n";
  for (const double v : {first, (first + last) / 2, last})
    out += text("<text x=\"%.1f\" y=\"%g\" text-anchor=\"%s\">%g</text>", px(v), f.height - 8,
                v == first  ? "start"
                : v == last ? "end"
                            : "middle",
                shares ? v : std::round(v));
  return out + "</svg><figcaption>" + escaped(caption) + "</figcaption></figure>\n";
}

std::string strip(const forecast::TimeAxis& axis, Index first, const std::vector<double>& values,
                  const std::string& name, bool last) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double room = 0.06 * (*most > *least ? *most - *least : 1);
  const double low = *least - room, high = *most + room;
  const Frame f{.height = last ? 138.0 : 116.0, .bottom = last ? 28.0 : 6.0};
  const Index n = std::ssize(values);
  const double each = f.inner_width() / static_cast<double>(std::max<Index>(1, n - 1));
  std::string path;
  for (Index i = 0; i < n; ++i)
    path += text(
        "%c%.1f %.1f", i == 0 ? 'M' : 'L', f.left + each * static_cast<double>(i),
        f.top + f.inner_height() * (high - values[static_cast<std::size_t>(i)]) / (high - low));
  std::string out = "<figure class=\"strip\"><figcaption>" + escaped(name) + "</figcaption>" +
                    svg_begin(f, name) + y_axis(f, low, high, 4) + "<path class=\"median\" d=\"" +
                    path + "\"/>\n";
  if (last) out += time_marks(f, axis, first, first + n - 1);
  return out + "</svg></figure>\n";
}

std::string bar_chart(const std::vector<double>& bars, const std::string& caption) {
  const double high = std::max(2.0, 1.1 * *std::max_element(bars.begin(), bars.end()));
  const Frame f{.width = 380, .height = 220};
  const double each = f.inner_width() / static_cast<double>(bars.size());
  const auto py = [&](double v) { return f.top + f.inner_height() * (high - v) / high; };
  std::string out = "<figure>" + svg_begin(f, caption) + y_axis(f, 0, high);
  for (std::size_t i = 0; i < bars.size(); ++i)
    out += text("<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                f.left + each * static_cast<double>(i) + 1, py(bars[i]), each - 2,
                py(0) - py(bars[i]));
  out +=
      text("<path class=\"rule\" d=\"M%.1f %.1fH%.1f\"/>", f.left, py(1), f.left + f.inner_width());
  for (const double v : {0.0, 0.5, 1.0})
    out += text("<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%g</text>",
                f.left + f.inner_width() * v, f.height - 8, v);
  return out + "</svg><figcaption>" + escaped(caption) + "</figcaption></figure>\n";
}

std::string fan(const forecast::Series& s, const std::vector<Window>& windows, Index horizon,
                bool future) {
  return windows.empty() ? "" : Fan(s, windows, horizon, future).html();
}

}  // namespace tool::html
