#include "storage/secret_box.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "config/encryption_key.hpp"

namespace lapwing {
namespace {

constexpr std::uint8_t box_version = 1;
constexpr std::size_t header_bytes = 1 + 4;
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
/// OpenSSL counts in int.
constexpr std::size_t secret_bytes_max = std::numeric_limits<int>::max() - secret_box_overhead;

struct context_deleter {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using context_ptr = std::unique_ptr<EVP_CIPHER_CTX, context_deleter>;

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string associated_data(const secret_place& place, std::string_view header) {
  std::string data;
  data.reserve(place.table.size() + place.column.size() + place.row_id.size() + 2 + header.size());
  data.append(place.table).append(1, '|').append(place.column).append(1, '|');
  data.append(place.row_id).append(header);
  return data;
}

const error no_cipher{errc::internal, "AES-256-GCM does not work"};

} // namespace

bool system_random(std::span<std::uint8_t> out) {
  return RAND_bytes(out.data(), static_cast<int>(out.size())) == 1;
}

result<secret_box> secret_box::with_keys(std::span<const std::string> keys, random_source random) {
  if (keys.empty())
    return error{errc::not_configured, "security.encryption_keys is empty"};
  secret_box box;
  box.random_ = std::move(random);
  box.cipher_.reset(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr),
                    [](const EVP_CIPHER* cipher) {
                      EVP_CIPHER_free(const_cast<EVP_CIPHER*>(cipher));
                    });
  if (!box.cipher_)
    return no_cipher;
  box.keys_.reserve(keys.size()); // A reallocation would leave copies behind.
  for (const auto& text : keys) {
    auto decoded = decode_encryption_key(text);
    if (!decoded)
      return error{errc::not_configured, "an entry of security.encryption_keys is no 32-byte key"};
    key added{};
    added.bytes = *decoded;
    OPENSSL_cleanse(decoded->data(), decoded->size());
    // Not the digest of the key alone, which might be of use elsewhere.
    std::string named{"lapwing key id|"};
    named.append(reinterpret_cast<const char*>(added.bytes.data()), added.bytes.size());
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    const bool digested
      = EVP_Digest(named.data(), named.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1;
    OPENSSL_cleanse(named.data(), named.size());
    if (!digested)
      return no_cipher;
    std::copy_n(digest.begin(), added.id.size(), added.id.begin());
    box.keys_.push_back(added);
    OPENSSL_cleanse(added.bytes.data(), added.bytes.size());
  }
  return box;
}

secret_box::secret_box(secret_box&&) noexcept = default;

secret_box& secret_box::operator=(secret_box&& other) noexcept {
  forget_keys();
  keys_ = std::move(other.keys_);
  random_ = std::move(other.random_);
  cipher_ = std::move(other.cipher_);
  return *this;
}

secret_box::~secret_box() {
  forget_keys();
}

void secret_box::forget_keys() noexcept {
  for (auto& each : keys_)
    OPENSSL_cleanse(each.bytes.data(), each.bytes.size());
}

const secret_box::key* secret_box::key_of(std::string_view box) const noexcept {
  if (box.size() < secret_box_overhead || static_cast<std::uint8_t>(box[0]) != box_version)
    return nullptr;
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const key& each) {
    return std::memcmp(each.id.data(), box.data() + 1, each.id.size()) == 0;
  });
  return found == keys_.end() ? nullptr : &*found;
}

bool secret_box::needs_reseal(std::string_view box) const noexcept {
  return key_of(box) != &keys_.front();
}

std::vector<std::string> secret_box::older_headers() const {
  auto headers = known_headers();
  const auto newest = headers.front();
  std::erase(headers, newest);
  return headers;
}

std::vector<std::string> secret_box::known_headers() const {
  std::vector<std::string> headers;
  for (const auto& each : keys_) {
    std::string header(1, static_cast<char>(box_version));
    header.append(reinterpret_cast<const char*>(each.id.data()), each.id.size());
    headers.push_back(std::move(header));
  }
  return headers;
}

result<std::string> secret_box::seal(std::string_view secret, const secret_place& place) const {
  if (secret.size() > secret_bytes_max)
    return error{errc::internal, "a secret is too long to be sealed"};
  const key& newest = keys_.front();
  std::string box(secret_box_overhead + secret.size(), '\0');
  auto* out = bytes_of(box);
  out[0] = box_version;
  std::copy(newest.id.begin(), newest.id.end(), out + 1);
  auto* nonce = out + header_bytes;
  if (!random_({nonce, nonce_bytes}))
    return error{errc::internal, "no randomness to seal a secret with"};
  auto* text = nonce + nonce_bytes;
  const auto data = associated_data(place, std::string_view{box}.substr(0, header_bytes));
  const context_ptr context{EVP_CIPHER_CTX_new()};
  int written = 0;
  if (!context
      || EVP_EncryptInit_ex2(context.get(), cipher_.get(), newest.bytes.data(), nonce, nullptr) != 1
      || EVP_EncryptUpdate(context.get(), nullptr, &written, bytes_of(std::string_view{data}),
                           static_cast<int>(data.size()))
           != 1
      || EVP_EncryptUpdate(context.get(), text, &written, bytes_of(secret),
                           static_cast<int>(secret.size()))
           != 1
      || EVP_EncryptFinal_ex(context.get(), text + secret.size(), &written) != 1
      || EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, text + secret.size())
           != 1)
    return no_cipher;
  return box;
}

result<std::string> secret_box::open(std::string_view box, const secret_place& place) const {
  const error damaged{errc::internal, "a stored secret is damaged or not in its place"};
  if (box.size() < secret_box_overhead || static_cast<std::uint8_t>(box[0]) != box_version)
    return damaged;
  const key* sealer = key_of(box);
  if (sealer == nullptr)
    return error{errc::not_configured,
                 "a stored secret was sealed with a key that is not in security.encryption_keys"};
  const auto data = associated_data(place, box.substr(0, header_bytes));
  const auto nonce = box.substr(header_bytes, nonce_bytes);
  const auto text = box.substr(header_bytes + nonce_bytes, box.size() - secret_box_overhead);
  std::array<unsigned char, tag_bytes> tag{};
  std::copy_n(bytes_of(box) + box.size() - tag_bytes, tag_bytes, tag.begin());
  std::string secret(text.size(), '\0');
  const context_ptr context{EVP_CIPHER_CTX_new()};
  int written = 0;
  if (!context
      || EVP_DecryptInit_ex2(context.get(), cipher_.get(), sealer->bytes.data(), bytes_of(nonce),
                             nullptr)
           != 1
      || EVP_DecryptUpdate(context.get(), nullptr, &written, bytes_of(std::string_view{data}),
                           static_cast<int>(data.size()))
           != 1
      || EVP_DecryptUpdate(context.get(), bytes_of(secret), &written, bytes_of(text),
                           static_cast<int>(text.size()))
           != 1
      || EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag.data()) != 1)
    return no_cipher;
  if (EVP_DecryptFinal_ex(context.get(), bytes_of(secret) + secret.size(), &written) != 1) {
    OPENSSL_cleanse(secret.data(), secret.size()); // Unauthenticated: nobody may look at it.
    return damaged;
  }
  return secret;
}

} // namespace lapwing
