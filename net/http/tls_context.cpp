#include "net/http/tls_context.hpp"

#include <cerrno>
#include <cstdint>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

namespace lapwing::net {
namespace {

// OpenSSL's own socket BIO writes with write(2), which raises SIGPIPE; this one does not.

int socket_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int bio_write(BIO* bio, const char* data, int bytes) {
  BIO_clear_retry_flags(bio);
  auto n = ::send(socket_of(bio), data, static_cast<std::size_t>(bytes), MSG_NOSIGNAL);
  if (n < 0 && would_block())
    BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int bio_read(BIO* bio, char* data, int bytes) {
  BIO_clear_retry_flags(bio);
  auto n = ::recv(socket_of(bio), data, static_cast<std::size_t>(bytes), 0);
  if (n < 0 && would_block())
    BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lapwing socket");
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_ctrl(m, bio_control);
    return m;
  }();
  return method;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_bytes,
                    const unsigned char* in, unsigned in_bytes, void*) {
  static constexpr unsigned char http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_bytes, http11, sizeof http11, in, in_bytes)
      != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

} // namespace

void ssl_free::operator()(SSL* ssl) const noexcept {
  SSL_free(ssl);
}

result<tls_context_ptr> load_tls_context(const std::string& certificate_file,
                                         const std::string& key_file) {
  tls_context_ptr context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  auto fail = [](const char* detail) {
    ERR_clear_error();
    return error{errc::not_configured, detail};
  };
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1)
    return fail("TLS cannot be set up");
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1)
    return fail("tls.certificate cannot be read");
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1
      || SSL_CTX_check_private_key(context.get()) != 1)
    return fail("tls.key cannot be read or is not the certificate's");
  // RELEASE_BUFFERS: an idle connection holds no record buffers (34 KB each otherwise).
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE
                                    | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                    | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE
                                       | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  return context;
}

ssl_ptr make_tls_session(SSL_CTX& context, int socket) {
  ssl_ptr ssl{SSL_new(&context)};
  BIO* bio = ssl ? BIO_new(socket_method()) : nullptr;
  if (!bio)
    return {};
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_accept_state(ssl.get());
  return ssl;
}

} // namespace lapwing::net
