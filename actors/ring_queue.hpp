// A first-in-first-out queue that holds no memory while it is empty. std::deque keeps 576 bytes from
// birth, and every user's supervisor has four queues that are empty nearly always.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace lapwing {

template <class T>
class ring_queue {
public:
  bool empty() const noexcept { return count_ == 0; }
  std::size_t size() const noexcept { return count_; }

  T& operator[](std::size_t i) noexcept { return slots_[(first_ + i) & (slots_.size() - 1)]; }
  const T& operator[](std::size_t i) const noexcept {
    return slots_[(first_ + i) & (slots_.size() - 1)];
  }
  T& front() noexcept { return (*this)[0]; }
  const T& front() const noexcept { return (*this)[0]; }

  void push_back(T value) {
    if (count_ == slots_.size())
      grow();
    ++count_;
    (*this)[count_ - 1] = std::move(value);
  }

  /// Takes the oldest; the queue must not be empty.
  T take_front() {
    T value = std::move(front());
    front() = T{};
    first_ = (first_ + 1) & (slots_.size() - 1);
    if (--count_ == 0)
      clear();
    return value;
  }

  void clear() noexcept {
    std::vector<T>{}.swap(slots_);
    first_ = count_ = 0;
  }

private:
  void grow() {
    std::vector<T> larger(slots_.empty() ? 2 : slots_.size() * 2);
    for (std::size_t i = 0; i < count_; ++i)
      larger[i] = std::move((*this)[i]);
    slots_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> slots_; ///< Its size is zero or a power of two.
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

} // namespace lapwing
