#include "sim/push_crypto.hpp"

#include <array>
#include <cstdint>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "sim/crypto.hpp"

namespace lapwing::sim {
namespace {

constexpr std::size_t point_bytes = 65;
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t header_bytes = salt_bytes + 4 + 1 + point_bytes;
constexpr char last_record = 2;             // RFC 8188 2.

template <auto Free>
struct freeing {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
template <class T, auto Free>
using owned = std::unique_ptr<T, freeing<Free>>;
using key_pointer = owned<EVP_PKEY, EVP_PKEY_free>;
using number_pointer = owned<BIGNUM, BN_clear_free>;
using cipher_pointer = owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using digest_pointer = owned<EVP_MD_CTX, EVP_MD_CTX_free>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

/// `scalar` may be null: a public key alone.
key_pointer make_key(std::string_view point, const BIGNUM* scalar) {
  owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder{OSSL_PARAM_BLD_new()};
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  if (scalar != nullptr)
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar);
  owned<OSSL_PARAM, OSSL_PARAM_free> parameters{OSSL_PARAM_BLD_to_param(builder.get())};
  owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context{
    EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1
      || EVP_PKEY_fromdata(context.get(), &made,
                           scalar != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                           parameters.get())
           != 1)
    return nullptr;
  return key_pointer{made};
}

key_pointer public_key(std::string_view point) {
  // 4: uncompressed (SEC 1 2.3.3). That it is on the curve is checked by OpenSSL.
  if (point.size() != point_bytes || point.front() != 4)
    return nullptr;
  return make_key(point, nullptr);
}

/// HKDF's last step for at most one block (RFC 5869 2.3).
std::string expanded(std::string_view key, std::string info, std::size_t size) {
  info += '\x01';
  return hmac_sha256(key, info).substr(0, size);
}

struct content_keys {
  std::string key;
  std::string nonce;
};

/// RFC 8291 3.4.
content_keys derive(std::string_view shared, std::string_view auth_secret,
                    std::string_view receiver_point, std::string_view sender_point,
                    std::string_view salt) {
  std::string info{"WebPush: info\0", 14};
  info.append(receiver_point).append(sender_point);
  auto input = expanded(hmac_sha256(auth_secret, shared), std::move(info), 32);
  auto root = hmac_sha256(salt, input);
  return {expanded(root, std::string{"Content-Encoding: aes128gcm\0", 28}, 16),
          expanded(root, std::string{"Content-Encoding: nonce\0", 24}, 12)};
}

std::optional<std::string> opened(const content_keys& keys, std::string_view record) {
  auto size = record.size() - tag_bytes;
  cipher_pointer context{EVP_CIPHER_CTX_new()};
  std::string out(size, '\0');
  std::string tag{record.substr(size)};
  int written = 0;
  int rest = 0;
  bool good =
    EVP_DecryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, bytes_of(std::string_view{keys.key}),
                       bytes_of(std::string_view{keys.nonce}))
      == 1
    && EVP_DecryptUpdate(context.get(), bytes_of(out), &written, bytes_of(record),
                         static_cast<int>(size))
         == 1
    && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) == 1
    && EVP_DecryptFinal_ex(context.get(), bytes_of(out) + written, &rest) == 1;
  if (!good)
    return std::nullopt;
  return out;
}

error wrong(const char* what) { return {errc::bad_request, what}; }

} // namespace

struct p256_key::impl {
  key_pointer key;
  std::string point;
};

p256_key::p256_key(std::unique_ptr<impl> made) : impl_(std::move(made)) {}
p256_key::~p256_key() = default;
p256_key::p256_key(p256_key&&) noexcept = default;
p256_key& p256_key::operator=(p256_key&&) noexcept = default;

std::optional<p256_key> p256_key::from_scalar(std::string_view scalar) {
  owned<EC_GROUP, EC_GROUP_free> group{EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)};
  owned<EC_POINT, EC_POINT_free> point{EC_POINT_new(group.get())};
  number_pointer number{BN_bin2bn(bytes_of(scalar), static_cast<int>(scalar.size()), nullptr)};
  if (scalar.size() != 32 || BN_is_zero(number.get())
      || BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0
      || EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr) != 1)
    return std::nullopt;
  auto made = std::make_unique<impl>();
  made->point.resize(point_bytes);
  EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED,
                     bytes_of(made->point), point_bytes, nullptr);
  made->key = make_key(made->point, number.get());
  if (!made->key)
    return std::nullopt;
  return p256_key{std::move(made)};
}

std::string p256_key::public_point() const { return impl_->point; }

std::optional<std::string> p256_key::agree(std::string_view point) const {
  auto peer = public_key(point);
  owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context{EVP_PKEY_CTX_new(impl_->key.get(), nullptr)};
  std::string out(32, '\0');
  std::size_t size = out.size();
  if (!peer || EVP_PKEY_derive_init(context.get()) != 1
      || EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1
      || EVP_PKEY_derive(context.get(), bytes_of(out), &size) != 1)
    return std::nullopt;
  return out;
}

bool verify_es256(std::string_view point, std::string_view data, std::string_view signature) {
  auto key = public_key(point);
  if (!key || signature.size() != 64)
    return false;
  owned<ECDSA_SIG, ECDSA_SIG_free> pair{ECDSA_SIG_new()};
  ECDSA_SIG_set0(pair.get(), BN_bin2bn(bytes_of(signature), 32, nullptr),
                 BN_bin2bn(bytes_of(signature.substr(32)), 32, nullptr));
  unsigned char* der = nullptr;
  int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0)
    return false;
  digest_pointer context{EVP_MD_CTX_new()};
  bool good =
    EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1
    && EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size), bytes_of(data),
                        data.size())
         == 1;
  OPENSSL_free(der);
  return good;
}

result<std::string> decrypt_push(const p256_key& receiver, std::string_view auth_secret,
                                 std::string_view body) {
  if (body.size() < header_bytes + tag_bytes + 1)
    return wrong("shorter than a header and one record");
  if (static_cast<unsigned char>(body[20]) != point_bytes)
    return wrong("the key id must be the sender's point of 65 bytes");
  std::uint32_t size = 0;
  for (std::size_t i = salt_bytes; i < salt_bytes + 4; ++i)
    size = size << 8 | static_cast<unsigned char>(body[i]);
  auto salt = body.substr(0, salt_bytes);
  auto sender_point = body.substr(salt_bytes + 5, point_bytes);
  auto record = body.substr(header_bytes);
  if (record.size() > size)
    return wrong("more than one record");
  auto shared = receiver.agree(sender_point);
  if (!shared)
    return wrong("the sender's point is not on the curve");
  auto keys = derive(*shared, auth_secret, receiver.public_point(), sender_point, salt);
  auto text = opened(keys, record);
  if (!text)
    return wrong("the record does not decrypt: wrong keys, or changed on its way");
  auto end = text->find_last_not_of('\0');
  if (end == std::string::npos || (*text)[end] != last_record)
    return wrong("the record lacks the delimiter 2 of a last record");
  text->resize(end);
  return std::move(*text);
}

} // namespace lapwing::sim
