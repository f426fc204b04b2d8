#pragma once

#include "foglift/kernels/pointwise/elementwise.hpp"
#include "foglift/kernels/pointwise/reduce.hpp"

#include <array>

namespace foglift::inline v0::kernels {

/// The shape that a and b broadcast to by NumPy's rules: aligned at the last axis, an extent of 1
/// repeats. Throws ShapeError, naming `op`, where extents differ and neither is 1.
inline Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::array<Index, Shape::max_rank> extents{};
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    const Index ea = ia < 0 ? 1 : a[ia], eb = ib < 0 ? 1 : b[ib];
    if (ea != eb && ea != 1 && eb != 1)
      raise<ShapeError>(op, ": shapes ", a, " and ", b,
                        " do not broadcast: extents must be equal or 1, counted from the last");
    extents[static_cast<std::size_t>(i)] = ea == 1 ? eb : ea;
  }
  return Shape(extents.data(), static_cast<std::size_t>(rank));
}

/// How to walk an output of a shape in rows while N operands repeat: axes over which all of them
/// advance alike are merged, so that equal shapes are one row and a trailing vector is two axes.
template <std::size_t N>
struct BroadcastWalk {
  struct Axis {
    Index extent;
    std::array<Index, N> stride;  // in elements of the operand; 0 where it repeats
  };
  std::array<Axis, Shape::max_rank> axes{};  // innermost first
  int rank = 0;

  BroadcastWalk(const Shape& out, const std::array<Shape, N>& operands) {
    std::array<Index, N> size;  // elements of each operand inside the current axis
    size.fill(1);
    for (int i = out.rank() - 1; i >= 0; --i) {
      Axis axis{out[i], {}};
      for (std::size_t k = 0; k < N; ++k) {
        const int own = i - (out.rank() - operands[k].rank());
        const Index extent = own < 0 ? 1 : operands[k][own];
        axis.stride[k] = extent == 1 ? 0 : size[k];
        size[k] *= extent;
      }
      if (axis.extent != 1) append(axis);
    }
    if (rank == 0) append({1, {}});
  }

  Index width() const { return axes[0].extent; }
  Index rows() const {
    Index n = 1;
    for (int i = 1; i < rank; ++i) n *= axes[static_cast<std::size_t>(i)].extent;
    return n;
  }
  /// Where each operand stands at the start of a row.
  std::array<Index, N> at(Index row) const {
    std::array<Index, N> offset{};
    for (std::size_t i = 1; i < static_cast<std::size_t>(rank); ++i) {
      const Index next = row / axes[i].extent, index = row - next * axes[i].extent;
      for (std::size_t k = 0; k < N; ++k) offset[k] += index * axes[i].stride[k];
      row = next;
    }
    return offset;
  }

 private:
  void append(const Axis& axis) {
    if (rank > 0) {
      Axis& inner = axes[static_cast<std::size_t>(rank - 1)];
      bool merge = true;
      for (std::size_t k = 0; k < N; ++k)
        merge = merge && axis.stride[k] == inner.stride[k] * inner.extent;
      if (merge) {
        inner.extent *= axis.extent;
        return;
      }
    }
    axes[static_cast<std::size_t>(rank++)] = axis;
  }
};

/// y = f(a, b) with broadcasting; y [out], out = broadcast_shape(a, b). f maps two Lanes to one.
template <Scalar T, class F>
void broadcast(const Shape& out, const T* a, const Shape& shape_a, const T* b, const Shape& shape_b,
               T* y, const F& f) {
  if (out.size() == 0) return;
  const BroadcastWalk<2> walk(out, {shape_a, shape_b});
  const auto [step_a, step_b] = walk.axes[0].stride;
  const Index width = walk.width(), rows = walk.rows();
  const bool fixed_a = step_a == 0, fixed_b = step_b == 0;
  const auto run = [&](Index n, const T* pa, const T* pb, T* py) {
    if (fixed_a == fixed_b) {  // both repeat only if the output is one element
      map(n, py, f, pa, pb);
    } else if (fixed_b) {
      const Lanes<T> s(*pb);
      map(n, py, [&](Lanes<T> v) { return f(v, s); }, pa);
    } else {
      const Lanes<T> s(*pa);
      map(n, py, [&](Lanes<T> v) { return f(s, v); }, pb);
    }
  };
  if (rows == 1)
    for_blocks(width, [&](Index first, Index n) {
      run(n, fixed_a ? a : a + first, fixed_b ? b : b + first, y + first);
    });
  else
    for_rows(rows, width, [&](Index row) {
      const auto offset = walk.at(row);
      run(width, a + offset[0], b + offset[1], y + row * width);
    });
}

/// The adjoint of repeating: dx [in] collects the elements of dy [out] that x was repeated to.
/// Sums in double, in row-major order of dy; threads share dx, never a sum.
template <Scalar T>
void sum_to(const Shape& out, const T* dy, const Shape& in, T* dx) {
  const BroadcastWalk<1> walk(out, {in});
  const auto& outer = walk.axes[static_cast<std::size_t>(walk.rank - 1)];
  const Index width = walk.width(), rows = walk.rows();
  Tensor<double> sums(in);
  const auto add = [&](Index row, Index first, Index last) {
    double* const s = sums.data() + walk.at(row)[0];
    const T* const d = dy + row * width;
    if (walk.axes[0].stride[0] == 0)
      *s += sum(width, d);
    else
      for (Index i = first; i < last; ++i) s[i] += static_cast<double>(d[i]);
  };
  constexpr Index chunk = 512;
  if (out.size() == 0) {
  } else if (walk.rank > 1 && outer.stride[0] != 0) {  // the slowest axis is kept
    const Index inner = rows / outer.extent;
    parallel_for(outer.extent, grain_of(inner * width), [&](Index o) {
      for (Index row = o * inner; row < (o + 1) * inner; ++row) add(row, 0, width);
    });
  } else if (walk.axes[0].stride[0] != 0) {  // the fastest is
    parallel_for((width + chunk - 1) / chunk, grain_of(rows * chunk), [&](Index c) {
      for (Index row = 0; row < rows; ++row) add(row, c * chunk, std::min(width, (c + 1) * chunk));
    });
  } else {
    for (Index row = 0; row < rows; ++row) add(row, 0, width);
  }
  for (Index i = 0; i < in.size(); ++i) dx[i] = static_cast<T>(sums[i]);
}

}  // namespace foglift::inline v0::kernels
