#pragma once

// Replaces operator new to count what lives on the heap, in every test program that a source of it
// includes this in.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

#include <malloc.h>

// Where a block that was freed is kept for the next call. Under the address sanitizer nothing is
// pooled, and what threads do under theirs is of no account here.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef COUNTS_ALLOCATIONS
#endif
#endif
#endif

namespace counted {

inline std::atomic<std::ptrdiff_t> live{0};
inline std::atomic<std::ptrdiff_t> peak{0};
inline std::atomic<long> calls{0};

[[gnu::noinline]] inline void* plain(std::size_t size) {
  return std::malloc(std::max<std::size_t>(size, 1));
}

/// Blocks that begin on a multiple of a huge page, with the bytes they were asked for: to
/// malloc_usable_size, the room that alignment leaves behind them is theirs, where no memory is.
struct Large {
  void* block;
  std::size_t size;
};
inline std::array<Large, 4096> large{};
inline std::mutex large_mutex;
inline constexpr std::size_t huge_page = std::size_t{2} << 20;

inline Large* large_at(const void* block) {
  const auto found =
      std::find_if(large.begin(), large.end(), [&](const Large& l) { return l.block == block; });
  return found == large.end() ? nullptr : &*found;
}

[[gnu::noinline]] inline void* aligned(std::size_t size, std::align_val_t align) {
  const auto a = static_cast<std::size_t>(align);
  void* p = nullptr;  // not std::aligned_alloc, which counts a block as a multiple of its alignment
  if (posix_memalign(&p, a, size) != 0) return nullptr;
  if (a >= huge_page) {
    const std::lock_guard lock(large_mutex);
    if (Large* const free = large_at(nullptr)) *free = {p, size};
  }
  return p;
}

/// Bytes of a block; forgets a large one that is `given_back`.
inline std::ptrdiff_t size_of(void* p, bool given_back) {
  if (reinterpret_cast<std::uintptr_t>(p) % huge_page == 0) {
    const std::lock_guard lock(large_mutex);
    if (Large* const l = p ? large_at(p) : nullptr) {
      const std::size_t size = l->size;
      if (given_back) *l = {};
      return static_cast<std::ptrdiff_t>(size);
    }
  }
  return static_cast<std::ptrdiff_t>(malloc_usable_size(p));
}

inline void* keep(void* p) {
  if (!p) throw std::bad_alloc();
  ++calls;
  const std::ptrdiff_t size = size_of(p, false);
  const std::ptrdiff_t now = live.fetch_add(size) + size;
  std::ptrdiff_t before = peak.load();
  while (now > before && !peak.compare_exchange_weak(before, now)) {
  }
  return p;
}

[[gnu::noinline]] inline void drop(void* p) noexcept {
  live -= size_of(p, true);
  std::free(p);
}

/// False where a sanitizer's own operator new was linked instead of these, and nothing is counted.
inline bool counting() {
  const long before = calls.load();
  ::operator delete(::operator new(1));
  return calls.load() != before;
}

/// The most bytes that lived on the heap at one time during f(), beyond those that lived before.
template <class F>
std::ptrdiff_t peak_of(F&& f) {
  const std::ptrdiff_t before = live.load();
  peak = before;
  f();
  return peak.load() - before;
}

}  // namespace counted

// Every form, since a sanitizer brings its own of those that are left out; weak, since several
// sources may include them.
[[gnu::weak]] void* operator new(std::size_t size) { return counted::keep(counted::plain(size)); }
[[gnu::weak]] void* operator new[](std::size_t size) { return counted::keep(counted::plain(size)); }
[[gnu::weak]] void* operator new(std::size_t size, std::align_val_t align) {
  return counted::keep(counted::aligned(size, align));
}
[[gnu::weak]] void* operator new[](std::size_t size, std::align_val_t align) {
  return counted::keep(counted::aligned(size, align));
}
[[gnu::weak]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  void* p = counted::plain(size);
  return p ? counted::keep(p) : nullptr;
}
[[gnu::weak]] void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  void* p = counted::plain(size);
  return p ? counted::keep(p) : nullptr;
}
[[gnu::weak]] void operator delete(void* p) noexcept { counted::drop(p); }
[[gnu::weak]] void operator delete[](void* p) noexcept { counted::drop(p); }
[[gnu::weak]] void operator delete(void* p, std::size_t) noexcept { counted::drop(p); }
[[gnu::weak]] void operator delete[](void* p, std::size_t) noexcept { counted::drop(p); }
[[gnu::weak]] void operator delete(void* p, std::align_val_t) noexcept { counted::drop(p); }
[[gnu::weak]] void operator delete[](void* p, std::align_val_t) noexcept { counted::drop(p); }
[[gnu::weak]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  counted::drop(p);
}
[[gnu::weak]] void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
  counted::drop(p);
}
[[gnu::weak]] void operator delete(void* p, const std::nothrow_t&) noexcept { counted::drop(p); }
[[gnu::weak]] void operator delete[](void* p, const std::nothrow_t&) noexcept { counted::drop(p); }
