#pragma once

#include "foglift/version.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {

/// Blocks of memory that tensors and tapes are made of: 64-byte aligned, of some hundred sizes,
/// kept in a free list of the calling thread when released, so that a loop over the same shapes
/// stops asking the system for memory. Under AddressSanitizer nothing is kept, so that it sees
/// every use after free.
namespace pool {

inline constexpr std::size_t alignment = 64;
/// A thread keeps at most this many free bytes: enough for the activations of a small model, no
/// more than a user notices.
inline constexpr std::size_t keep_at_most = std::size_t{512} << 20;

/// Free blocks by size class; a free block's first bytes point to the next one.
struct FreeLists {
  std::array<void*, 256> heads{};
  std::size_t kept = 0;
  FreeLists();
  FreeLists(const FreeLists&) = delete;
  FreeLists& operator=(const FreeLists&) = delete;
  ~FreeLists();
};

inline void*& next_of(void* block) { return *static_cast<void**>(block); }

/// Where the thread is: values with static or thread storage may make and destroy tensors after its
/// free lists have ended, and then deal with the system alone.
enum class Life { before, lists, after };
inline Life& life() {
  thread_local Life value = Life::before;
  return value;
}

inline FreeLists& free_lists() {
  thread_local FreeLists lists;
  return lists;
}

inline FreeLists::FreeLists() { life() = Life::lists; }
inline FreeLists::~FreeLists() {
  life() = Life::after;
  for (void* p : heads)
    while (p) ::operator delete (std::exchange(p, next_of(p)), std::align_val_t{alignment});
}

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool reuse = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool reuse = false;
#else
inline constexpr bool reuse = true;
#endif
#else
inline constexpr bool reuse = true;
#endif

/// Size class of a request: four to a doubling, at least 64 bytes, so that a block is at most a
/// quarter larger than what was asked for.
inline std::size_t size_class(std::size_t bytes) {
  const std::size_t last = (bytes < alignment ? alignment : bytes) - 1;
  // std::bit_width, which returns an int in some libraries and a std::size_t in others.
  const auto width = 8 * sizeof(last) - static_cast<std::size_t>(std::countl_zero(last));
  return 4 * width + (last >> (width - 3) & 3);
}
/// Bytes of the blocks of a class.
inline std::size_t block_size(std::size_t size_class) {
  return (5 + size_class % 4) << (size_class / 4 - 3);
}

/// Throws std::bad_alloc when the system has no memory left.
inline void* acquire(std::size_t bytes) {
  const std::size_t c = size_class(bytes);
  if (reuse && life() != Life::after) {
    FreeLists& free = free_lists();
    if (void* const p = free.heads[c]) {
      free.heads[c] = next_of(p);
      free.kept -= block_size(c);
      return p;
    }
  }
  return ::operator new (block_size(c), std::align_val_t{alignment});
}

inline void release(void* p, std::size_t bytes) noexcept {
  const std::size_t c = size_class(bytes);
  if (reuse && life() == Life::lists && free_lists().kept + block_size(c) <= keep_at_most) {
    FreeLists& free = free_lists();
    next_of(p) = std::exchange(free.heads[c], p);
    free.kept += block_size(c);
  } else {
    ::operator delete (p, std::align_val_t{alignment});
  }
}

/// The pool as an allocator of standard containers.
template <class T>
struct Allocator {
  using value_type = T;
  Allocator() = default;
  template <class U>
  Allocator(const Allocator<U>&) noexcept {}  // NOLINT: containers convert between their nodes'
  T* allocate(std::size_t n) { return static_cast<T*>(acquire(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) noexcept { release(p, n * sizeof(T)); }
  friend bool operator==(Allocator, Allocator) { return true; }
};
template <class T>
using Vector = std::vector<T, Allocator<T>>;

}  // namespace pool
}  // namespace v0
}  // namespace foglift
