#pragma once

#include "foglift/version.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <new>
#include <vector>

namespace foglift {
inline namespace v0 {

/// Blocks of memory that tensors are made of: 64-byte aligned, sizes rounded up to a power of two,
/// kept in a free list of the calling thread when released, so that a loop over the same shapes
/// stops asking the system for memory. Under AddressSanitizer nothing is kept, so that it sees
/// every use after free.
namespace pool {

inline constexpr std::size_t alignment = 64;
/// A thread keeps at most this many free bytes: enough for the activations of a small model, no
/// more than a user notices.
inline constexpr std::size_t keep_at_most = std::size_t{512} << 20;

struct FreeLists {
  std::array<std::vector<void*>, 64> lists;
  std::size_t kept = 0;
  FreeLists();
  FreeLists(const FreeLists&) = delete;
  FreeLists& operator=(const FreeLists&) = delete;
  ~FreeLists();
};

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
  for (auto& list : lists)
    for (void* p : list) ::operator delete (p, std::align_val_t{alignment});
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

/// Size class of a request: the exponent of the next power of two, at least 64 bytes.
inline std::size_t size_class(std::size_t bytes) {
  return static_cast<std::size_t>(std::bit_width((bytes < 64 ? 64 : bytes) - 1));
}

/// Throws std::bad_alloc when the system has no memory left.
inline void* acquire(std::size_t bytes) {
  const std::size_t c = size_class(bytes);
  if (reuse && life() != Life::after) {
    FreeLists& free = free_lists();
    if (!free.lists[c].empty()) {
      void* p = free.lists[c].back();
      free.lists[c].pop_back();
      free.kept -= std::size_t{1} << c;
      return p;
    }
  }
  return ::operator new (std::size_t{1} << c, std::align_val_t{alignment});
}

inline void release(void* p, std::size_t bytes) noexcept {
  const std::size_t c = size_class(bytes);
  if (reuse && life() == Life::lists && free_lists().kept + (std::size_t{1} << c) <= keep_at_most) {
    try {
      free_lists().lists[c].push_back(p);
      free_lists().kept += std::size_t{1} << c;
      return;
    } catch (...) {  // no memory for the list itself: hand the block back
    }
  }
  ::operator delete (p, std::align_val_t{alignment});
}

}  // namespace pool
}  // namespace v0
}  // namespace foglift
