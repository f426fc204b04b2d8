#pragma once

#include "foglift/core/shape.hpp"

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace foglift {
inline namespace v0 {

/// Workers of the process. They serve one parallel_for at a time; a call from inside another one,
/// or from a second thread while they are busy, runs in the caller alone, with the same result.
/// Workers compute in the caller's floating-point mode (rounding, denormals), or the result would
/// depend on the number of threads.
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
    if (threads == this->threads()) return;
    stop();
    try {
      for (int i = 1; i < threads; ++i)
        workers_.emplace_back([this, i, seen = generation_]() mutable { serve(i, seen); });
    } catch (...) {
      stop();
      throw;
    }
    threads_ = threads;
  }

  /// job(thread, count) once for each thread in [0, count), the caller being thread 0; rethrows the
  /// first exception. `count` is threads() while the job runs: what threads() said before may have
  /// changed. False, with nothing done, if the workers are busy. A job may not call run or resize.
  template <class Job>
  bool run(const Job& job) {
    std::unique_lock busy(busy_, std::try_to_lock);
    if (!busy || workers_.empty()) return false;
    {
      const std::lock_guard lock(mutex_);
      call_ = [](const void* f, int thread, int count) {
        (*static_cast<const Job*>(f))(thread, count);
      };
      job_ = &job;
      std::fegetenv(&mode_);
      pending_ = static_cast<int>(workers_.size());
      ++generation_;
    }
    wake_.notify_all();
    work(0);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return pending_ == 0; });
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return true;
  }

 private:
  void work(int thread) {
    try {
      call_(job_, thread, threads());
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  void serve(int thread, std::uint64_t seen) {
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
        if (stopping_) return;
        seen = generation_;
      }
      std::fenv_t own;
      std::fegetenv(&own);
      std::fesetenv(&mode_);
      work(thread);
      std::fesetenv(&own);
      const std::lock_guard lock(mutex_);
      if (--pending_ == 0) done_.notify_one();
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    workers_.clear();
    stopping_ = false;
    threads_ = 1;
  }

  std::mutex busy_, mutex_;
  std::condition_variable wake_, done_;
  std::atomic<int> threads_{1};
  std::uint64_t generation_ = 0;
  int pending_ = 0;
  bool stopping_ = false;
  void (*call_)(const void*, int, int) = nullptr;
  const void* job_ = nullptr;
  std::fenv_t mode_{};
  std::exception_ptr error_;
  std::vector<std::jthread> workers_;
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

/// Number of threads that parallel_for uses. No result depends on it.
inline int threads() { return thread_pool().threads(); }
/// Throws ArgumentError for n < 1 and inside a parallel_for, whose end it would wait for.
inline void set_threads(int n) {
  if (inside_parallel()) raise<ArgumentError>("set_threads: called inside a parallel_for");
  thread_pool().resize(n);
}

/// body(i) for every i in [0, n), in contiguous runs of indices, one a thread. The bodies must be
/// independent: then the result does not depend on the number of threads. Loops of fewer than 2 *
/// grain indices stay in the calling thread.
template <class Body>
void parallel_for(Index n, Index grain, const Body& body) {
  const Index most = grain > 0 ? n / grain : n;
  const auto serial = [&] {
    for (Index i = 0; i < n; ++i) body(i);
  };
  if (most < 2 || inside_parallel() || threads() == 1) return serial();
  const bool ran = thread_pool().run([&](int thread, int count) {
    const Index parts = std::min<Index>(count, most);
    if (thread >= parts) return;
    inside_parallel() = true;
    struct Reset {
      ~Reset() { inside_parallel() = false; }
    } reset;
    const Index first = n * thread / parts, last = n * (thread + 1) / parts;
    for (Index i = first; i < last; ++i) body(i);
  });
  if (!ran) serial();
}

/// The sum of values[0..n) in a fixed binary tree, whatever the threads: values[i] += values[i +
/// stride] for strides 1, 2, 4... `add(a, b)` must do a += b. The sum ends in values[0].
template <class Values, class Add>
void tree_reduce(Values& values, Index n, const Add& add) {
  for (Index stride = 1; stride < n; stride *= 2)
    for (Index i = 0; i + stride < n; i += 2 * stride)
      add(values[static_cast<std::size_t>(i)], values[static_cast<std::size_t>(i + stride)]);
}

}  // namespace v0
}  // namespace foglift
