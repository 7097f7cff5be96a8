// Work done ahead of its use by one background thread, handed over through a bounded queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>

namespace gesso::nn {

/// next() returns what `produce` returns, call by call. With a depth of n > 0 a thread of its own calls
/// `produce`, at most n results ahead; with 0 next() calls it itself. What `produce` throws is rethrown by
/// that next() and by each one after it: a producer that failed is not called again.
template <class T>
class Prefetch {
 public:
  Prefetch(int depth, std::function<T()> produce) : produce_(std::move(produce)), depth_(depth) {
    if (depth_ > 0) worker_ = std::thread([this] { work(); });
  }
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;
  ~Prefetch() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_one();
    if (worker_.joinable()) worker_.join();
  }

  T next() {
    if (depth_ <= 0 && ready_.empty()) ready_.push_back(call());
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return !ready_.empty(); });
    if (const auto* error = std::get_if<std::exception_ptr>(&ready_.front())) std::rethrow_exception(*error);
    T result = std::get<T>(std::move(ready_.front()));
    ready_.pop_front();
    lock.unlock();
    room_.notify_one();
    return result;
  }

 private:
  using Result = std::variant<T, std::exception_ptr>;

  Result call() {
    try {
      return produce_();
    } catch (...) {
      return std::current_exception();
    }
  }

  void work() {
    for (bool failed = false; !failed;) {
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [this] { return stopping_ || static_cast<int>(ready_.size()) < depth_; });
        if (stopping_) return;
      }
      Result result = call();
      failed = std::holds_alternative<std::exception_ptr>(result);
      {
        const std::lock_guard lock(mutex_);
        ready_.push_back(std::move(result));
      }
      filled_.notify_one();
    }
  }

  std::function<T()> produce_;
  const int depth_;
  std::mutex mutex_;
  std::condition_variable filled_, room_;
  std::deque<Result> ready_;
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace gesso::nn
