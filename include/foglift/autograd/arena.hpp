#pragma once

#include "foglift/core/pool.hpp"

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>

namespace foglift::inline v0::detail {

/// Memory for objects that live as long as the arena, one behind the other in blocks of the pool.
/// Their addresses stay; their destructors are the owner's affair. A second arena of the same use
/// finds the blocks of the first in the pool.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    while (block_) {
      Block* const next = block_->next;
      pool::release(block_, block_->size);
      block_ = next;
    }
  }

  template <class V, class... Args>
  V* make(Args&&... args) {
    static_assert(alignof(V) <= unit);
    return ::new (take((sizeof(V) + unit - 1) / unit * unit)) V(std::forward<Args>(args)...);
  }

 private:
  static constexpr std::size_t unit = alignof(std::max_align_t);
  static constexpr std::size_t block_size = 16384;  // some 50 operations
  struct alignas(unit) Block {
    Block* next;
    std::size_t size;
  };

  void* take(std::size_t bytes) {
    if (bytes > left_) {
      const std::size_t size = std::max(block_size, sizeof(Block) + bytes);
      block_ = ::new (pool::acquire(size)) Block{block_, size};
      at_ = reinterpret_cast<std::byte*>(block_ + 1);
      left_ = size - sizeof(Block);
    }
    left_ -= bytes;
    return std::exchange(at_, at_ + bytes);
  }

  Block* block_ = nullptr;
  std::byte* at_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace foglift::inline v0::detail
