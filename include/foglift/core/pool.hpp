#pragma once

#include "foglift/version.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace foglift::inline v0 {

/// Blocks of memory that tensors and tapes are made of: 64-byte aligned or more, of some hundred
/// sizes, kept in a free list of the calling thread when released, so that a loop over the same
/// shapes stops asking the system for memory. What was not needed in the last rounds goes back to
/// the system. Under AddressSanitizer nothing is kept, so that it sees every use after free.
namespace pool {

inline constexpr std::size_t alignment = 64;
/// Blocks of this size and more begin on a multiple of it and ask the system for pages as large
/// (MADV_HUGEPAGE): loops over large tensors wait for page tables otherwise. Adam's step over 10 M
/// weights in 16 tensors takes three quarters of the time (bench/measure.cpp).
inline constexpr std::size_t huge_page = std::size_t{2} << 20;
/// A thread keeps at most this many free bytes, whatever it does.
inline constexpr std::size_t keep_at_most = std::size_t{512} << 20;
/// What a thread had no use for in so many rounds (runs of a sampler, say) goes back.
inline constexpr std::uint32_t rounds_kept = 16;
/// Smaller blocks are not worth giving back before the thread ends.
inline constexpr std::size_t give_back_from = std::size_t{32} << 10;
/// So many bytes at once are given back to the system itself, not to its allocator alone.
inline constexpr std::size_t trim_from = std::size_t{16} << 20;

/// Free blocks by size class; a free block's first bytes point to the next one.
struct FreeLists {
  struct List {
    void* head = nullptr;
    std::uint32_t count = 0;
    std::uint32_t least = 0;  ///< of the counts in these rounds: blocks that nobody needed
  };
  std::array<List, 256> lists{};
  std::size_t kept = 0;
  std::uint32_t rounds = 0;  ///< since unneeded blocks were given back
  std::uint32_t seen = 0;    ///< rounds of the process that this thread knows of

  FreeLists();
  FreeLists(const FreeLists&) = delete;
  FreeLists& operator=(const FreeLists&) = delete;
  ~FreeLists();

  void* take(std::size_t size_class);
  void put(std::size_t size_class, void* block) noexcept;
  /// Frees the first n blocks of a list.
  void shorten(std::size_t size_class, std::uint32_t n) noexcept;
  void end_round() noexcept;
  void clear() noexcept;
};

inline void*& next_of(void* block) { return *static_cast<void**>(block); }

/// Hands free memory of the allocator back to the system, where it keeps that otherwise.
inline void trim() noexcept {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

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
  clear();
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

/// Where a block of the system's of so many bytes begins.
inline std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t{bytes < huge_page ? alignment : huge_page};
}
/// Throws std::bad_alloc when the system has no memory left.
inline void* from_system(std::size_t bytes) {
  void* const p = ::operator new(bytes, alignment_of(bytes));
#if defined(MADV_HUGEPAGE)
  if (bytes >= huge_page) madvise(p, bytes / huge_page * huge_page, MADV_HUGEPAGE);  // may refuse
#endif
  return p;
}
inline void to_system(void* p, std::size_t bytes) noexcept {
  ::operator delete(p, alignment_of(bytes));
}

/// A free block, or nullptr.
inline void* FreeLists::take(std::size_t size_class) {
  List& list = lists[size_class];
  if (!list.head) return nullptr;
  list.least = std::min(list.least, --list.count);
  kept -= block_size(size_class);
  return std::exchange(list.head, next_of(list.head));
}

inline void FreeLists::put(std::size_t size_class, void* block) noexcept {
  List& list = lists[size_class];
  next_of(block) = std::exchange(list.head, block);
  ++list.count;
  kept += block_size(size_class);
}

inline void FreeLists::shorten(std::size_t size_class, std::uint32_t n) noexcept {
  if (n == 0) return;  // the first classes have no size
  List& list = lists[size_class];
  list.count -= n;
  kept -= n * block_size(size_class);
  for (; n > 0; --n) {
    void* const next = next_of(list.head);
    to_system(std::exchange(list.head, next), block_size(size_class));
  }
}

inline void FreeLists::end_round() noexcept {
  if (++rounds < rounds_kept) return;
  rounds = 0;
  const std::size_t before = kept;
  for (std::size_t c = size_class(give_back_from); c < lists.size(); ++c) {
    shorten(c, lists[c].least);
    lists[c].least = lists[c].count;
  }
  if (before - kept >= trim_from) trim();
}

inline void FreeLists::clear() noexcept {
  for (std::size_t c = 0; c < lists.size(); ++c) {
    shorten(c, lists[c].count);
    lists[c].least = 0;
  }
}

/// Throws std::bad_alloc when the system has no memory left.
inline void* acquire(std::size_t bytes) {
  const std::size_t c = size_class(bytes);
  if (reuse && life() != Life::after)
    if (void* const p = free_lists().take(c)) return p;
  return from_system(block_size(c));
}

inline void release(void* p, std::size_t bytes) noexcept {
  const std::size_t c = size_class(bytes);
  if (reuse && life() == Life::lists && free_lists().kept + block_size(c) <= keep_at_most)
    free_lists().put(c, p);
  else
    to_system(p, block_size(c));
}

/// Rounds that ended in this process so far.
inline std::atomic<std::uint32_t>& all_rounds() {
  static std::atomic<std::uint32_t> count{0};
  return count;
}
/// Ends a round of the calling thread: a piece of work that is likely to come again.
inline void end_round() noexcept {
  all_rounds().fetch_add(1, std::memory_order_relaxed);
  if (reuse && life() == Life::lists) free_lists().end_round();
}
/// Ends a round of a thread that works for others, if one of theirs has ended.
inline void follow_rounds() noexcept {
  if (!reuse || life() != Life::lists) return;
  if (const auto now = all_rounds().load(std::memory_order_relaxed);
      std::exchange(free_lists().seen, now) != now)
    free_lists().end_round();
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
}  // namespace foglift::inline v0
