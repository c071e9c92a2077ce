// Work shared by threads. Which thread does a task never shows in the result: every task writes to
// a place of its own, and sums over tasks are formed afterwards in a fixed order.
#pragma once

#if defined(__wasm__)

namespace lenet {

// A core in a page has one thread; workers with cores of their own may share a training.
struct Mutex {
  void lock() {}
  void unlock() {}
};

class ThreadPool {
 public:
  static ThreadPool& instance() {
    static ThreadPool pool;
    return pool;
  }

  template <typename Function>
  void run(int, int tasks, Function function) {
    for (int task = 0; task < tasks; ++task) function(task, 0);
  }
};

}  // namespace lenet

#else

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace lenet {

using Mutex = std::mutex;

class ThreadPool {
 public:
  // The process's pool. A forked child gets a new one, as threads do not survive a fork.
  static ThreadPool& instance() {
    static std::once_flag once;
    std::call_once(once, [] {
      current() = new ThreadPool;
#if !defined(_WIN32)
      pthread_atfork(nullptr, nullptr, [] { current() = new ThreadPool; });
#endif
    });
    return *current();
  }

  // Calls `function(task, worker)` for every task from 0 on; workers are 0 to `threads` - 1. If
  // another caller has the pool, this one does its tasks alone. What a task throws is thrown here,
  // after all threads have come to rest.
  template <typename Function>
  void run(int threads, int tasks, Function function) {
    std::unique_lock<std::mutex> claim(in_use_, std::try_to_lock);
    if (threads > tasks) threads = tasks;
    if (threads <= 1 || !claim.owns_lock()) {
      for (int task = 0; task < tasks; ++task) function(task, 0);
      return;
    }
    std::atomic<int> next{0};
    std::mutex failing;
    std::exception_ptr failure;
    const std::function<void(int)> work = [&](int worker) {
      try {
        for (int task = next++; task < tasks; task = next++) function(task, worker);
      } catch (...) {
        std::lock_guard<std::mutex> lock(failing);
        failure = std::current_exception();
        next = tasks;
      }
    };
    run_on_all(threads, work);
    if (failure) std::rethrow_exception(failure);
  }

 private:
  static constexpr std::chrono::microseconds kSpin{100};

  static ThreadPool*& current() {
    static ThreadPool* pool = nullptr;  // never deleted: its threads end with the process
    return pool;
  }

  void run_on_all(int threads, const std::function<void(int)>& work) {
    while (size_ < threads - 1) {
      try {
        std::thread([this, worker = size_ + 1] { serve(worker); }).detach();
      } catch (const std::system_error&) {  // the system has no room for another
        threads = size_ + 1;
        break;
      }
      ++size_;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_ = &work;
      threads_ = threads;
      ++round_;
    }
    wake_.notify_all();
    work(0);
    {
      // Whoever has not come by now is not waited for: the system may have no core for it.
      std::lock_guard<std::mutex> lock(mutex_);
      work_ = nullptr;
    }
    while (busy_.load(std::memory_order_acquire) > 0) std::this_thread::yield();
  }

  // A worker's life: wait for a round, first awake and then asleep, and take part in it.
  void serve(int worker) {
    uint64_t seen = 0;
    for (;;) {
      const auto deadline = std::chrono::steady_clock::now() + kSpin;
      while (round_.load(std::memory_order_acquire) == seen &&
             std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
      }
      const std::function<void(int)>* work = nullptr;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return round_.load() != seen; });
        seen = round_.load();
        if (work_ && worker < threads_) {
          work = work_;
          ++busy_;
        }
      }
      if (work) {
        (*work)(worker);
        busy_.fetch_sub(1, std::memory_order_release);
      }
    }
  }

  std::mutex in_use_, mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> round_{0};
  std::atomic<int> busy_{0};  // workers that take part in the round
  const std::function<void(int)>* work_ = nullptr;
  int threads_ = 0, size_ = 0;
};

}  // namespace lenet

#endif
