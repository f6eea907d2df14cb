// Other people's HTTP servers, asked with libcurl on an I/O thread of ours: nothing here blocks and
// no thread is added but curl's for name look-ups.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "core/http_client.hpp"
#include "net/outbound/outbound_metrics.hpp"
#include "net/outbound/outbound_rules.hpp"

namespace lapwing::net {

struct outbound_state;
class outbound_engine;

/// Connections are kept and shared (HTTP/2 where the server offers it over TLS); certificates are
/// verified; redirects are answers; no proxy, cookie, password file or other setting of the
/// environment has a say. Addresses are checked when a connection is opened, so a name that
/// resolves to something else the second time does not pass.
///
/// A POST or PATCH is sent at most once. Others may be sent again on a new connection when a kept
/// one turns out to be closed.
///
/// gzip is asked for and unfolded; the bound of the answer's size counts unfolded bytes.
class outbound_client final : public http_client {
public:
  /// All work is done on the one thread that runs `io`, which must outlive the client.
  outbound_client(boost::asio::io_context& io, outbound_rules rules);
  /// On that thread, or when nothing runs `io`. Ends what is left with errc::shutting_down.
  ~outbound_client() override;
  outbound_client(const outbound_client&) = delete;
  outbound_client& operator=(const outbound_client&) = delete;

  /// As in http_client. `done` is called on the client's thread, but at once on the caller's when
  /// the request is refused for its text, the bound of waiting ones, or a stop.
  void send(http_request request, callback done) override;

  /// Any thread. Ends whatever is under way or waiting with errc::shutting_down, then calls
  /// `stopped` on the client's thread; from then on the client may be destroyed by any thread.
  void stop(std::function<void()> stopped = {});

  const outbound_metrics& metrics() const noexcept;

private:
  boost::asio::io_context& io_;
  std::shared_ptr<outbound_state> shared_;
  std::shared_ptr<outbound_engine> engine_;
};

} // namespace lapwing::net
