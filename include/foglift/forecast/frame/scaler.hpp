#pragma once

#include "foglift/forecast/frame/frame.hpp"

#include <algorithm>

namespace foglift::inline v0::forecast {

/// Location and scale of columns; of none, they are 0 and 1.
struct Standard {
  Tensor<double> location, scale;  ///< [columns] each

  double operator()(double v, Index column) const {
    return location.empty() ? v : (v - location[column]) / scale[column];
  }
};

/// The numbers of a scaling that are fitted on training cells, and saved with the weights: frames
/// mean the same to a model restored as they did to the one that was trained.
struct Scaler {
  double spread = 1;  ///< root mean square of (target - center) / scale
  Standard values;    ///< of the channels, for Scaling::panel
  Standard known, past, statics;

  using Fitted = std::map<std::string, Tensor<double>>;

  /// Means and standard deviations of all cells but the last `held_out` of each series; what never
  /// varies has scale 1. The spread is left as it is. Throws NumericError for a value that is not
  /// usable().
  static Scaler fit(const Panel& panel, const FrameOptions& options, Index held_out) {
    const Columns& n = options.columns;
    Scaler out;
    const auto over = [&](Index columns, const auto& cell) {
      return standard(columns, [&](const auto& visit) {
        for (const Series& s : panel)
          for (Index t = 0; t < s.size() - held_out; ++t)
            for (Index k = 0; k < columns; ++k) visit(cell(s, t, k), k);
      });
    };
    if (options.scaling == Scaling::panel)
      out.values =
          over(n.channels, [](const Series& s, Index t, Index k) { return s.value(t, k); });
    out.known = over(n.known, [](const Series& s, Index t, Index k) { return s.known(t, k); });
    out.past = over(n.past, [](const Series& s, Index t, Index k) { return s.past(t, k); });
    out.statics = standard(n.statics, [&](const auto& visit) {
      for (const Series& s : panel)
        for (Index k = 0; k < n.statics; ++k) visit(s.statics[static_cast<std::size_t>(k)], k);
    });
    return out;
  }

  /// Puts the numbers where a checkpoint keeps them, under names of their own.
  void save(Fitted& fitted) const {
    fitted["spread"] = Tensor<double>({1}, spread);
    each(*this, [&](const std::string& name, const Standard& s) {
      if (s.location.empty()) return;
      fitted[name + ".location"] = s.location;
      fitted[name + ".scale"] = s.scale;
    });
  }

  /// The numbers that `save` put there. Throws ArgumentError, beginning with `where` and naming it,
  /// for one that is missing, or is none that `fit` finds.
  static Scaler saved(const Fitted& fitted, const FrameOptions& options, const std::string& where) {
    const auto number = [&](const std::string& name, Index size, bool positive) {
      return checked(fitted, name, size, positive, where);
    };
    Scaler out;
    out.spread = number("spread", 1, true)[0];
    const Columns& n = options.columns;
    const Index columns[] = {options.scaling == Scaling::panel ? n.channels : 0, n.known, n.past,
                             n.statics};
    Index i = 0;
    each(out, [&](const std::string& name, Standard& s) {
      const Index size = columns[i++];
      if (size == 0) return;
      s.location = number(name + ".location", size, false);
      s.scale = number(name + ".scale", size, true);
    });
    return out;
  }

 private:
  static void each(auto& self, const auto& f) {
    f("scaler.values", self.values);
    f("scaler.known", self.known);
    f("scaler.past", self.past);
    f("scaler.statics", self.statics);
  }

  /// for_all(visit) calls visit(value, column) for every value, each time the same.
  template <class F>
  static Standard standard(Index columns, const F& for_all) {
    if (columns == 0) return {};
    Tensor<double> count({columns}), mean({columns}), square({columns});
    for_all([&](double v, Index k) {
      if (!usable(v))
        raise<NumericError>("Scaler: a value of column ", k, " is ", v, "; needed at most ",
                            largest_value, " in size, or NaN where it is missing");
      if (!std::isnan(v)) mean[k] += v, ++count[k];
    });
    for (Index k = 0; k < columns; ++k) mean[k] /= std::max(1.0, count[k]);
    for_all([&](double v, Index k) {
      if (!std::isnan(v)) square[k] += (v - mean[k]) * (v - mean[k]);
    });
    for (Index k = 0; k < columns; ++k) {
      const double deviation = std::sqrt(square[k] / std::max(1.0, count[k]));
      square[k] = deviation > 1e-9 * std::abs(mean[k]) ? deviation : 1;
    }
    return {mean, square};
  }

  static Tensor<double> checked(const Fitted& fitted, const std::string& name, Index size,
                                bool positive, const std::string& where) {
    const auto found = fitted.find(name);
    if (found == fitted.end())
      raise<ArgumentError>(where, ": the state has no \"", name,
                           "\", which was fitted when it was trained; older checkpoints did not "
                           "keep it: fit on the series of the training finds it again");
    const Tensor<double>& t = found->second;
    if (t.shape() != Shape{size})
      raise<ArgumentError>(where, ": the state's \"", name, "\" is ", t.shape(), ", needed ",
                           Shape{size});
    for (const double v : t)
      if (!(std::abs(v) < largest_value) || (positive && !(v > 0)))
        raise<ArgumentError>(where, ": the state's \"", name, "\" is ", v, ", no ",
                             positive ? "positive " : "", "number");
    return t;
  }
};

}  // namespace foglift::inline v0::forecast
