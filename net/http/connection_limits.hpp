// How many connections the node and each address may have, and how many body bytes the node holds.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

struct sockaddr_storage;

namespace lapwing::net {

/// A peer in 18 bytes; IPv4 is kept as a mapped IPv6 address.
struct peer_address {
  std::array<unsigned char, 16> bytes{};
  std::uint16_t port = 0;

  static peer_address of(const sockaddr_storage& from) noexcept;
  bool loopback() const noexcept;
  std::string address() const; ///< "127.0.0.1", "2001:db8::1"
  std::string text() const;    ///< "127.0.0.1:40000", "[2001:db8::1]:443"
};

/// Any thread.
class connection_limits {
public:
  /// A place taken; given back by its destructor.
  class lease {
  public:
    lease() = default;
    lease(lease&& other) noexcept : limits_(std::exchange(other.limits_, nullptr)), peer_(other.peer_) {}
    lease& operator=(lease&& other) noexcept {
      std::swap(limits_, other.limits_);
      std::swap(peer_, other.peer_);
      return *this;
    }
    ~lease() {
      if (limits_)
        limits_->give_back(peer_);
    }
    explicit operator bool() const noexcept { return limits_ != nullptr; }
    const peer_address& peer() const noexcept { return peer_; }

  private:
    friend class connection_limits;
    lease(connection_limits* limits, const peer_address& peer) : limits_(limits), peer_(peer) {}
    connection_limits* limits_ = nullptr;
    peer_address peer_;
  };

  /// 0: no limit.
  void set(std::size_t total_max, std::size_t per_address_max) noexcept;

  /// False when the node or the address has no place left.
  lease take(const peer_address& peer);

  std::size_t open() const noexcept { return open_.load(std::memory_order_relaxed); }

private:
  struct address_hash {
    std::size_t operator()(const std::array<unsigned char, 16>& bytes) const noexcept;
  };

  void give_back(const peer_address& peer);

  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> total_max_{0};
  std::atomic<std::size_t> per_address_max_{0};
  std::mutex mutex_;
  std::unordered_map<std::array<unsigned char, 16>, std::size_t, address_hash> addresses_;
};

/// Bytes of request bodies held at once in the whole node. Any thread.
class body_budget {
public:
  void set_max(std::size_t bytes) noexcept { max_.store(bytes, std::memory_order_relaxed); }
  bool take(std::size_t bytes) noexcept {
    auto now = held_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    if (now <= max_.load(std::memory_order_relaxed))
      return true;
    held_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  void give_back(std::size_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }
  std::size_t room() const noexcept {
    auto max = max_.load(std::memory_order_relaxed);
    auto now = held();
    return now < max ? max - now : 0;
  }

private:
  std::atomic<std::size_t> held_{0};
  std::atomic<std::size_t> max_{0};
};

} // namespace lapwing::net
