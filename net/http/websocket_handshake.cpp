#include "net/http/websocket_handshake.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include "net/http/http_connection.hpp"
#include "net/http/shard.hpp"
#include "net/stream/websocket_frame.hpp"

namespace lapwing::net {

bool check_websocket_handshake(const exchange_ptr& x) {
  const auto& head = x->head();
  namespace http = boost::beast::http;
  auto upgrade = head.header(field::upgrade);
  bool asks = head.method == verb::get && head.version == 11 && x->reader.wants_upgrade()
              && http::token_list{upgrade}.exists("websocket");
  if (!asks || head.header(field::sec_websocket_version) != "13") {
    auto made = x->problem({errc::upgrade_required, "this is a WebSocket (version 13)"}, 426, 0);
    made.headers += "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    x->answer(std::move(made));
    return false;
  }
  if (!valid_websocket_key(head.header(field::sec_websocket_key))) {
    x->fail({errc::bad_request, "bad Sec-WebSocket-Key"});
    return false;
  }
  auto origin = head.header(field::origin);
  if (!origin.empty() && !origin_allowed(x->home().current(), origin, head.header(field::host))) {
    x->fail({errc::origin_forbidden, "Origin is not on the list"});
    return false;
  }
  return true;
}

exchange::taken_socket accept_websocket(const exchange_ptr& x) {
  std::string answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
  answer += websocket_accept_key(x->head().header(field::sec_websocket_key));
  answer += "\r\nX-Request-Id: ";
  answer += x->request_id();
  answer += "\r\n\r\n";
  auto taken = x->take_socket(101);
  taken.link.write(answer); // The first bytes of a new socket always fit.
  return taken;
}

} // namespace lapwing::net
