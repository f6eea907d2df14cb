// RFC 6455 4.2: the handshake that every WebSocket route shares.
#pragma once

#include "net/http/exchange.hpp"

namespace lapwing::net {

/// True when the request is a WebSocket handshake from an allowed origin; otherwise it has been
/// answered.
bool check_websocket_handshake(const exchange_ptr& x);

/// Answers 101 and takes the socket. Only while x->connected().
exchange::taken_socket accept_websocket(const exchange_ptr& x);

} // namespace lapwing::net
