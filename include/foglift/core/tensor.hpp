#pragma once

#include "foglift/core/element.hpp"
#include "foglift/core/error.hpp"
#include "foglift/core/pool.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <initializer_list>
#include <span>
#include <utility>

namespace foglift::inline v0 {

/// A dense array that owns its elements: contiguous, row-major, 64-byte aligned, channels last
/// ([batch, length, channels], [batch, height, width, channels]). A regular value: a copy is a
/// copy. Operations compute on those of a Scalar; tensors of integers hold, index and gather.
template <Element T = float>
class Tensor {
 public:
  using value_type = T;

  /// An empty tensor of shape [0].
  Tensor() : shape_{0} {}
  /// All elements zero.
  explicit Tensor(Shape shape) : Tensor(shape, T(0)) {}
  /// All elements `value`.
  Tensor(Shape shape, T value) : Tensor(shape, Raw{}) { std::fill_n(data_, size_, value); }
  /// Elements in row-major order. Throws ShapeError if their number is not shape.size().
  Tensor(Shape shape, std::span<const T> values) : Tensor(shape, Raw{}) {
    if (static_cast<Index>(values.size()) != size_)
      raise<ShapeError>("Tensor: ", values.size(), " values for shape ", shape, ", which has ",
                        size_);
    std::copy_n(values.data(), size_, data_);
  }
  Tensor(Shape shape, std::initializer_list<T> values)
      : Tensor(shape, std::span<const T>(values.begin(), values.size())) {}

  /// Elements unset, for code that writes every one of them.
  static Tensor uninitialized(Shape shape) { return Tensor(shape, Raw{}); }

  Tensor(const Tensor& other) : Tensor(other.shape_, Raw{}) {
    std::copy_n(other.data_, size_, data_);
  }
  Tensor(Tensor&& other) noexcept
      : shape_(std::exchange(other.shape_, Shape{0})),
        size_(std::exchange(other.size_, 0)),
        data_(std::exchange(other.data_, nullptr)) {}
  Tensor& operator=(const Tensor& other) {
    if (this == &other) return *this;
    if (size_ == other.size_) {  // reuse the memory: an optimizer step copies nothing around
      shape_ = other.shape_;
      std::copy_n(other.data_, size_, data_);
    } else {
      *this = Tensor(other);
    }
    return *this;
  }
  Tensor& operator=(Tensor&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Tensor() {
    if (size_ > 0) pool::release(data_, bytes());
  }

  void swap(Tensor& other) noexcept {
    std::swap(shape_, other.shape_);
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
  }

  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  /// Extent of an axis; negative axes count from the end.
  Index dim(int axis) const { return shape_.dim(axis); }
  Index size() const { return size_; }
  bool empty() const { return size_ == 0; }

  /// The first element; nullptr if there is none.
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  std::span<T> span() { return {data_, static_cast<std::size_t>(size_)}; }
  std::span<const T> span() const { return {data_, static_cast<std::size_t>(size_)}; }

  /// Element by flat, row-major index.
  T& operator[](Index i) { return data_[i]; }
  const T& operator[](Index i) const { return data_[i]; }

  /// Element by one index an axis.
  template <class... I>
  T& operator()(I... indices) {
    return data_[offset(static_cast<Index>(indices)...)];
  }
  template <class... I>
  const T& operator()(I... indices) const {
    return data_[offset(static_cast<Index>(indices)...)];
  }

  void fill(T value) { std::fill_n(data_, size_, value); }

  /// The only element of a tensor of size 1. Throws ShapeError otherwise.
  T item() const {
    if (size_ != 1) raise<ShapeError>("Tensor::item: shape ", shape_, " has not one element");
    return data_[0];
  }

  /// The same elements under another shape. Throws ShapeError if the sizes differ.
  Tensor reshaped(Shape shape) const& { return Tensor(*this).reshaped(shape); }
  Tensor reshaped(Shape shape) && {
    if (shape.size() != size_)
      raise<ShapeError>("Tensor::reshaped: ", shape_, " has ", size_, " elements, ", shape,
                        " needs ", shape.size());
    shape_ = shape;
    return std::move(*this);
  }

  /// Rows [first, first + count) of the first axis, copied. Throws ArgumentError outside the batch.
  Tensor rows(Index first, Index count) const {
    if (rank() == 0 || first < 0 || count < 0 || count > shape_[0] - first)
      raise<ArgumentError>("Tensor::rows: ", count, " rows from row ", first, " of shape ", shape_);
    Tensor out(shape_.with(0, count), Raw{});
    const Index row = row_size();
    std::copy_n(data_ + first * row, count * row, out.data_);
    return out;
  }
  /// Rows index[0], index[1], ... of the first axis, copied in that order. Throws ArgumentError for
  /// one outside the batch.
  Tensor rows(std::span<const Index> index) const {
    if (rank() == 0) raise<ArgumentError>("Tensor::rows: a scalar has none");
    Tensor out(shape_.with(0, static_cast<Index>(index.size())), Raw{});
    const Index row = row_size();
    T* to = out.data_;
    for (const Index i : index) {
      if (i < 0 || i >= shape_[0])
        raise<ArgumentError>("Tensor::rows: row ", i, " of shape ", shape_);
      to = std::copy_n(data_ + i * row, row, to);
    }
    return out;
  }
  /// Elements of one row of the first axis; 1 for rank 0.
  Index row_size() const { return shape_.size(rank() ? 1 : 0, rank()); }

  /// The same values in another type, as static_cast converts them.
  template <Element U>
  Tensor<U> cast() const {
    auto out = Tensor<U>::uninitialized(shape_);
    std::transform(begin(), end(), out.begin(), [](T v) { return static_cast<U>(v); });
    return out;
  }

  friend bool operator==(const Tensor& a, const Tensor& b) {
    return a.shape_ == b.shape_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  struct Raw {};
  Tensor(Shape shape, Raw) : shape_(shape), size_(shape.size()) {
    if (size_ > 0) data_ = static_cast<T*>(pool::acquire(bytes()));
  }
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }
  template <class... I>
  Index offset(I... indices) const {
    Index at = 0;
    int axis = 0;
    ((at = at * shape_[axis++] + indices), ...);
    return at;
  }

  Shape shape_;
  Index size_ = 0;
  T* data_ = nullptr;
};

}  // namespace foglift::inline v0
