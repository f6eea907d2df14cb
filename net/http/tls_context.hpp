// The certificate a listener shows. OpenSSL behind two functions.
#pragma once

#include <memory>
#include <string>

#include "core/error.hpp"

using SSL_CTX = struct ssl_ctx_st;
using SSL = struct ssl_st;

namespace lapwing::net {

struct ssl_free {
  void operator()(SSL* ssl) const noexcept;
};
using ssl_ptr = std::unique_ptr<SSL, ssl_free>;
using tls_context_ptr = std::shared_ptr<SSL_CTX>;

/// TLS 1.2 and newer, HTTP/1.1 by ALPN, from a PEM chain and a PEM key file. errc::not_configured
/// when they cannot be read or do not belong together.
result<tls_context_ptr> load_tls_context(const std::string& certificate_file,
                                         const std::string& key_file);

/// The server side of a connection over a non-blocking socket, which stays the caller's; null when
/// memory is out. Never raises SIGPIPE.
ssl_ptr make_tls_session(SSL_CTX& context, int socket);

} // namespace lapwing::net
