#pragma once

#include "foglift/core/tensor.hpp"
#include "foglift/forecast/simulate/course_shape.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace foglift::inline v0::forecast {

/// The stretches of `steps` steps, steps + 1 snapshots, that lie in courses of dynamics, by number:
/// the examples that models of dynamics are trained on. Whoever asks for single snapshots of a
/// batch holds no others, however long the stretches are.
class Stretches {
 public:
  /// Of courses [count, time, ..., channels]. Throws ShapeError for less than three axes,
  /// ArgumentError for less than one step, or courses that are shorter.
  Stretches(Tensor<float> courses, Index steps) : courses_(std::move(courses)), steps_(steps) {
    if (courses_.rank() < 3 || courses_.empty())
      raise<ShapeError>("Stretches: courses ", courses_.shape(),
                        ", needed [count, time, ..., channels], not empty");
    if (steps < 1 || courses_.dim(1) <= steps)
      raise<ArgumentError>("Stretches: ", steps, " steps in courses ", courses_.shape(),
                           ", needed at least 1, and a snapshot more");
  }

  Index steps() const { return steps_; }
  /// How many there are: stretch i begins at snapshot i % n of course i / n, n being their number
  /// in one course.
  Index size() const { return courses_.dim(0) * per_course(); }
  /// Of a state, [..., channels].
  Shape state() const { return courses_.shape().slice(2, courses_.rank()); }

  /// Snapshot `step` of some stretches, [B, ..., channels]. Throws ArgumentError for a stretch or a
  /// step that is not there.
  Tensor<float> at(std::span<const Index> which, Index step) const {
    return gathered(which, [&](std::size_t) { return step; });
  }
  /// Snapshot step[b] of stretch which[b]. Throws ShapeError unless there is a step for each.
  Tensor<float> at(std::span<const Index> which, std::span<const Index> step) const {
    if (step.size() != which.size())
      raise<ShapeError>("Stretches: ", step.size(), " steps of ", which.size(), " stretches");
    return gathered(which, [&](std::size_t b) { return step[b]; });
  }

 private:
  Index per_course() const { return courses_.dim(1) - steps_; }

  template <class F>
  Tensor<float> gathered(std::span<const Index> which, const F& step) const {
    const Index n = state().size();
    auto out =
        Tensor<float>::uninitialized(course_shape({static_cast<Index>(which.size())}, state()));
    for (std::size_t b = 0; b < which.size(); ++b) {
      const Index i = which[b], s = step(b);
      if (i < 0 || i >= size() || s < 0 || s > steps_)
        raise<ArgumentError>("Stretches: snapshot ", s, " of stretch ", i, ", of ", size(), " of ",
                             steps_, " steps");
      const Index snapshot = i / per_course() * courses_.dim(1) + i % per_course() + s;
      std::copy_n(courses_.data() + snapshot * n, n, out.data() + static_cast<Index>(b) * n);
    }
    return out;
  }

  Tensor<float> courses_;
  Index steps_;
};

/// Forecasts [B, horizon, ..., channels] that are put together step by step.
class ForecastCourse {
 public:
  /// From snapshots [B, ..., channels].
  ForecastCourse(const Shape& first, Index horizon)
      : values_(course_shape({first.dim(0), horizon}, first.slice(1, first.rank()))),
        horizon_(horizon) {}

  /// Step i of 1 ... horizon. Throws ShapeError for another shape than that of the snapshots.
  void put(Index i, const Tensor<float>& state) {
    const Index batch = values_.dim(0), n = batch > 0 ? values_.row_size() / horizon_ : 0;
    if (state.size() != batch * n)
      raise<ShapeError>("ForecastCourse: a step ", state.shape(), " of forecasts ",
                        values_.shape());
    for (Index b = 0; b < batch; ++b)
      std::copy_n(state.data() + b * n, n, values_.data() + (b * horizon_ + i - 1) * n);
  }
  Tensor<float> values() && { return std::move(values_); }

 private:
  Tensor<float> values_;
  Index horizon_;
};

}  // namespace foglift::inline v0::forecast
