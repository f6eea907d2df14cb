#include "benchmarks/load/identity.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include <fmt/format.h>

namespace lapwing::load {
namespace {

std::string base64url(std::string_view bytes) {
  constexpr std::string_view letters
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  unsigned pending = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    pending = (pending << 8 | static_cast<unsigned char>(c)) & 0xffffU;
    for (bits += 8; bits >= 6; bits -= 6)
      out += letters[pending >> (bits - 6) & 63U];
  }
  if (bits > 0)
    out += letters[pending << (6 - bits) & 63U];
  return out;
}

} // namespace

std::string sign_jwt(std::string_view claims, std::string_view secret) {
  auto text = base64url(R"({"alg":"HS256","typ":"JWT"})") + '.' + base64url(claims);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
  text += '.';
  text += base64url({reinterpret_cast<const char*>(digest.data()), length});
  return text;
}

identity::identity(std::string jwt_secret, std::string service_token, std::chrono::sys_seconds now,
                   std::chrono::seconds lifetime)
  : jwt_secret_(std::move(jwt_secret)), expires_(now + lifetime),
    service_token_(std::move(service_token)) {
  if (service_token_.empty() && !jwt_secret_.empty())
    service_token_ = token("lapwing-bench", "service_role");
}

std::string identity::user_token(std::string_view user) const {
  return jwt_secret_.empty() ? std::string{} : token(user, "authenticated");
}

std::string identity::token(std::string_view subject, std::string_view role) const {
  return sign_jwt(fmt::format(R"({{"sub":"{}","role":"{}","exp":{},"rooms":["*"]}})", subject, role,
                              expires_.time_since_epoch().count()),
                  jwt_secret_);
}

} // namespace lapwing::load
