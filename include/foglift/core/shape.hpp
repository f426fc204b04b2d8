#pragma once

#include "foglift/core/error.hpp"

#include <array>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <ostream>

namespace foglift::inline v0 {

/// Signed size and index type, the same as Eigen's.
using Index = std::ptrdiff_t;

/// Extents of a tensor, outermost first: [batch, length, channels]. Rank 0 (a scalar) to 6, stored
/// inline.
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  /// Throws ShapeError for more than 6 extents, a negative extent, or an element count beyond
  /// Index.
  Shape(std::initializer_list<Index> extents) : Shape(extents.begin(), extents.size()) {}
  Shape(const Index* extents, std::size_t rank) {
    if (rank > static_cast<std::size_t>(max_rank))
      raise<ShapeError>("Shape: rank ", rank, ", at most ", max_rank, " is supported");
    for (std::size_t i = 0; i < rank; ++i) push_back(extents[i]);
    check();
  }

  int rank() const { return rank_; }
  Index operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }

  /// Extent of an axis; negative axes count from the end. Throws ArgumentError outside the rank.
  Index dim(int axis) const {
    const int a = axis < 0 ? axis + rank_ : axis;
    if (a < 0 || a >= rank_)
      raise<ArgumentError>("Shape::dim: axis ", axis, " of a shape of rank ", rank_);
    return (*this)[a];
  }

  /// Number of elements; 1 for rank 0.
  Index size() const { return size(0, rank_); }
  /// The product of the extents [first, last).
  Index size(int first, int last) const {
    Index n = 1;
    for (int i = first; i < last; ++i) n *= (*this)[i];
    return n;
  }

  const Index* begin() const { return extents_.data(); }
  const Index* end() const { return extents_.data() + rank_; }

  /// The same shape with one extent replaced.
  Shape with(int axis, Index extent) const {
    dim(axis);
    Shape s = *this;
    s.extents_[static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis)] = extent;
    s.check();
    return s;
  }

  /// Extents [first, last) as a shape: shape.slice(1, rank()) is one sample of a batch.
  Shape slice(int first, int last) const {
    return Shape(begin() + first, static_cast<std::size_t>(last > first ? last - first : 0));
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    out << '[';
    for (int i = 0; i < s.rank_; ++i) out << (i ? ", " : "") << s[i];
    return out << ']';
  }

 private:
  void push_back(Index extent) { extents_[static_cast<std::size_t>(rank_++)] = extent; }

  void check() const {
    Index n = 1;
    for (int i = 0; i < rank_; ++i) {
      const Index e = (*this)[i];
      if (e < 0) raise<ShapeError>("Shape: negative extent ", e, " at axis ", i);
      if (__builtin_mul_overflow(n, e > 0 ? e : 1, &n) || n > std::numeric_limits<Index>::max() / 8)
        raise<ShapeError>("Shape: ", *this, " has more elements than can be addressed");
    }
  }

  std::array<Index, max_rank> extents_{};
  int rank_ = 0;
};

}  // namespace foglift::inline v0
