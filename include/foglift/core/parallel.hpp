#pragma once

#include "foglift/core/float_mode.hpp"
#include "foglift/core/pool.hpp"
#include "foglift/core/shape.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace foglift::inline v0 {

/// Workers of the process. They serve one parallel_for at a time; a call from inside another one,
/// or from a second thread while they are busy, runs in the caller alone, with the same result.
/// Workers compute in the caller's floating-point mode (rounding, denormals), or the result would
/// depend on the number of threads.
///
/// A job is a number of parts. Caller and workers claim them one by one from a ticket, so that a
/// worker that comes late finds nothing to do instead of being waited for. Who waits watches for a
/// while, which makes a fork and join take 0.5 us (bench_train), and then sleeps.
class ThreadPool {
 public:
  explicit ThreadPool(int threads) { resize(threads); }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool() { stop(); }

  int threads() const { return threads_.load(std::memory_order_relaxed); }

  /// Waits for the running job, then starts or ends workers. Throws ArgumentError for threads < 1,
  /// std::system_error if the system starts no more: then there are no workers at all.
  void resize(int threads) {
    if (threads < 1)
      raise<ArgumentError>("set_threads: ", threads, " threads, at least 1 is needed");
    const std::lock_guard busy(busy_);
    if (threads != this->threads()) start(threads);
  }

  /// Waits for the running job, then ends all workers, with the memory they keep for themselves,
  /// and starts as many. Throws as resize.
  void restart() {
    const std::lock_guard busy(busy_);
    start(threads());
  }

  /// call(job, part) for every part in [0, parts), by the caller and the workers; rethrows the
  /// first exception. False, with nothing done, if the workers are busy or there are none. A job
  /// may not call run or resize. At most 65535 parts.
  bool run(std::uint32_t parts, void (*call)(const void*, std::uint32_t), const void* job) {
    const std::unique_lock busy(busy_, std::try_to_lock);
    if (!busy || workers_.empty()) return false;
    call_ = call;
    job_ = job;
    mode_ = FloatMode::current();
    unfinished_.store(parts, std::memory_order_relaxed);
    const std::uint32_t now = generation_.load(std::memory_order_relaxed) + 1;
    ticket_.store(std::uint64_t{now} << 32 | parts << 16, std::memory_order_release);
    generation_.store(now);
    generation_.notify_all();
    work();
    wait_until(unfinished_, [](std::uint32_t left) { return left == 0; });
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return true;
  }

 private:
  /// Waits until done(value) of an atomic: watches it for some 50 us, giving way to other threads
  /// every 2 us in case they have no core to run on, and then sleeps.
  template <class Done>
  static std::uint32_t wait_until(const std::atomic<std::uint32_t>& value, const Done& done) {
    std::uint32_t now = 0;
#pragma GCC unroll 1
    for (int round = 0; round < 24; ++round) {
#pragma GCC unroll 1                  // clang would make 64 pauses of it
      for (int i = 0; i < 64; ++i) {  // a pause takes 25 to 50 ns on current processors
        now = value.load(std::memory_order_acquire);
        if (done(now)) return now;
        pause();
      }
      std::this_thread::yield();
    }
    while (!done(now = value.load(std::memory_order_acquire))) value.wait(now);
    return now;
  }

  static void pause() {
#if defined(__SSE2__)
    _mm_pause();
#endif
  }

  /// Takes the next part of the current job, whichever that is; false if none is left. The job
  /// stands as it is until every part taken is finished.
  bool claim(std::uint32_t& part) {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    do {
      part = ticket & 0xFFFF;
      if (part >= ((ticket >> 16) & 0xFFFF)) return false;
    } while (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel));
    return true;
  }

  void work() {
    for (std::uint32_t part = 0; claim(part);) {
      mode_.apply();
      try {
        call_(job_, part);
      } catch (...) {
        const std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::current_exception();
      }
      if (unfinished_.fetch_sub(1) == 1) unfinished_.notify_one();
    }
  }

  void serve(std::uint32_t seen) {
    for (;;) {
      seen = wait_until(generation_, [seen](std::uint32_t now) { return now != seen; });
      if (stopping_) return;
      work();
      pool::follow_rounds();
    }
  }

  void start(int threads) {
    stop();
    try {
      for (int i = 1; i < threads; ++i)
        workers_.emplace_back([this, seen = generation_.load()]() mutable { serve(seen); });
    } catch (...) {
      stop();
      throw;
    }
    threads_ = threads;
  }

  void stop() {
    stopping_ = true;
    ++generation_;
    generation_.notify_all();
    workers_.clear();
    stopping_ = false;
    threads_ = 1;
  }

  std::mutex busy_, error_mutex_;
  std::atomic<int> threads_{1};
  std::atomic<bool> stopping_{false};
  void (*call_)(const void*, std::uint32_t) = nullptr;
  const void* job_ = nullptr;
  FloatMode mode_;
  std::exception_ptr error_;
  std::vector<std::jthread> workers_;
  // In cache lines of their own: watching one is not disturbed by writes to another.
  alignas(64) std::atomic<std::uint32_t> generation_{0};
  alignas(64) std::atomic<std::uint64_t> ticket_{0};  // generation, parts (16 bits), next (16 bits)
  alignas(64) std::atomic<std::uint32_t> unfinished_{0};
};

/// The process's workers, as many as the machine has cores until set_threads says otherwise.
inline ThreadPool& thread_pool() {
  static ThreadPool pool(std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
  return pool;
}

/// True in a thread that runs inside a parallel_for: inner loops stay serial.
inline bool& inside_parallel() {
  thread_local bool flag = false;
  return flag;
}

namespace kernels {
class ConstantMemory;
}
/// What a thread's kernels go by. Workers take it over from the caller of parallel_for.
struct KernelSetting {
  kernels::ConstantMemory* constant = nullptr;  ///< memory promised to stay; nullptr: none
  bool bfloat16 = false;                        ///< products of float matrices (Autocast)
};
inline KernelSetting& kernel_setting() {
  thread_local KernelSetting current;
  return current;
}

/// Number of threads that parallel_for uses. No result depends on it.
inline int threads() { return thread_pool().threads(); }
/// Throws ArgumentError for n < 1 and inside a parallel_for, whose end it would wait for.
inline void set_threads(int n) {
  if (inside_parallel()) raise<ArgumentError>("set_threads: called inside a parallel_for");
  thread_pool().resize(n);
}

/// Gives back to the system all memory that the calling thread and the workers keep to use again.
/// The next calls ask for what they need once more. Memory that a thread had no use for in its last
/// 16 runs of a sampler or the like is given back without this. Other threads of the program keep
/// what is theirs until they call it or end. Throws ArgumentError inside a parallel_for.
inline void release_memory() {
  if (inside_parallel()) raise<ArgumentError>("release_memory: called inside a parallel_for");
  thread_pool().restart();
  if (pool::life() == pool::Life::lists) pool::free_lists().clear();
  pool::trim();
}

/// Elements that a thread should get at least in loops of a few operations each: 2 to 4 us of work,
/// several times what a fork and join takes while the workers watch.
inline constexpr Index elements_per_thread = 4096;
/// Bytes that a thread should get at least in one pass over memory that others may have written: a
/// level-2 cache of 1 MB. What fits in a core's own cache is faster for that core alone: 64 KB that
/// another core has written take 3.2 us, its own 1.2 us, on Zen 4 (bench_train: written_elsewhere).
inline constexpr Index bytes_per_thread = Index{1} << 20;
/// The grain of a parallel_for whose bodies see that many elements each.
inline Index grain_of(Index elements) {
  return std::max<Index>(1, elements_per_thread / std::max<Index>(1, elements));
}

namespace detail {

/// A loop over n indices whose body is known by address alone: compiled once for all loops.
struct ParallelLoop {
  Index n;
  Index parts;
  void (*range)(const void* body, Index first, Index last);
  const void* body;
  KernelSetting setting = kernel_setting();

  /// Part `part` of the loop, in a thread of the pool.
  void run(Index part) const {
    struct Inside {
      KernelSetting before = kernel_setting();
      Inside() { inside_parallel() = true; }
      ~Inside() {
        inside_parallel() = false;
        kernel_setting() = before;
      }
    } inside;
    kernel_setting() = setting;
    range(body, n * part / parts, n * (part + 1) / parts);
  }
};

inline void parallel_ranges(Index n, Index grain, void (*range)(const void*, Index, Index),
                            const void* body) {
  const Index most = grain > 0 ? n / grain : n;
  if (most >= 2 && threads() > 1 && !inside_parallel()) {
    const ParallelLoop loop{n, std::min<Index>({threads(), most, 65535}), range, body};
    const auto part = [](const void* of, std::uint32_t i) {
      static_cast<const ParallelLoop*>(of)->run(Index{i});
    };
    if (thread_pool().run(static_cast<std::uint32_t>(loop.parts), part, &loop)) return;
  }
  range(body, 0, n);
}

}  // namespace detail

/// body(i) for every i in [0, n), in contiguous runs of indices, one a thread. The bodies must be
/// independent: then the result does not depend on the number of threads. Loops of fewer than 2 *
/// grain indices stay in the calling thread.
template <class Body>
void parallel_for(Index n, Index grain, const Body& body) {
  const auto range = [](const void* of, Index first, Index last) {
    for (Index i = first; i < last; ++i) (*static_cast<const Body*>(of))(i);
  };
  detail::parallel_ranges(n, grain, range, &body);
}

/// The sum of values[0..n) in a fixed binary tree, whatever the threads: values[i] += values[i +
/// stride] for strides 1, 2, 4... `add(a, b)` must do a += b. The sum ends in values[0].
template <class Values, class Add>
void tree_reduce(Values& values, Index n, const Add& add) {
  for (Index stride = 1; stride < n; stride *= 2)
    for (Index i = 0; i + stride < n; i += 2 * stride)
      add(values[static_cast<std::size_t>(i)], values[static_cast<std::size_t>(i + stride)]);
}

}  // namespace foglift::inline v0
