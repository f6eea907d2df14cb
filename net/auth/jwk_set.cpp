#include "net/auth/jwk_set.hpp"

#include <fstream>
#include <optional>

#include <nlohmann/json.hpp>

#include "net/auth/encoding.hpp"

namespace lapwing {
namespace {

using json = nlohmann::json;

error bad_set(const char* why) {
  return {errc::bad_request, why};
}

std::string text_member(const json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// Whether `use` and `alg` let the key check signatures of its kind.
bool for_signatures(const json& object, std::string_view algorithm) {
  auto use = text_member(object, "use");
  auto alg = text_member(object, "alg");
  return (use.empty() || use == "sig") && (alg.empty() || alg == algorithm);
}

} // namespace

result<jwk_set> jwk_set::parse(std::string_view text) {
  if (text.size() > text_bytes_max)
    return bad_set("the key set is too large");
  auto document = json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("keys") || !document["keys"].is_array())
    return bad_set("not a JSON Web Key Set");
  const auto& list = document["keys"];
  if (list.size() > keys_max)
    return bad_set("the key set has too many keys");
  jwk_set set;
  for (const auto& item : list) {
    if (!item.is_object())
      return bad_set("a key is not an object");
    // "k": symmetric, "d": private (RFC 7518 6). Whoever publishes one should know soon.
    if (item.contains("d") || item.contains("k"))
      return bad_set("the key set holds a private or symmetric key");
    auto kind = text_member(item, "kty");
    auto curve = text_member(item, "crv");
    auto bytes = [&](const char* name) {
      return from_base64url(text_member(item, name)).value_or(std::string{});
    };
    std::optional<public_key> key;
    if (kind == "RSA" && for_signatures(item, "RS256"))
      key = public_key::rsa(bytes("n"), bytes("e"));
    else if (kind == "EC" && curve == "P-256" && for_signatures(item, "ES256"))
      key = public_key::p256(bytes("x"), bytes("y"));
    else if (kind == "OKP" && curve == "Ed25519"
             && (for_signatures(item, "EdDSA") || for_signatures(item, "Ed25519")))
      key = public_key::ed25519(bytes("x"));
    else
      continue;
    if (!key)
      return bad_set("a key of the set is broken");
    auto id = text_member(item, "kid");
    if (!id.empty() && set.contains(id))
      return bad_set("two keys of the set have one id");
    set.keys_.push_back({std::move(id), std::move(*key)});
  }
  return set;
}

const public_key* jwk_set::find(std::string_view id, key_kind kind) const noexcept {
  const public_key* found = nullptr;
  for (const auto& item : keys_) {
    if (item.key.kind() != kind || (!id.empty() && item.id != id))
      continue;
    if (found)
      return nullptr; // Without an id two fit: guessing would mean trying keys one by one.
    found = &item.key;
  }
  return found;
}

bool jwk_set::contains(std::string_view id) const noexcept {
  for (const auto& item : keys_)
    if (item.id == id)
      return true;
  return false;
}

result<jwk_set> read_jwk_set_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file)
    return error{errc::not_configured, "auth.jwks_file cannot be read"};
  std::string text(jwk_set::text_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return jwk_set::parse(text);
}

} // namespace lapwing
