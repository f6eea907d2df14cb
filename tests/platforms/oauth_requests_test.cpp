// What is asked of authorization servers.
#define CAF_SUITE oauth_requests

#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <fstream>

#include <nlohmann/json.hpp>

#include "platforms/oauth/pkce.hpp"
#include "platforms/oauth/requests.hpp"
#include "platforms/oauth/text_forms.hpp"
#include "platforms/spec_loader.hpp"

using namespace lapwing;

namespace {

platform_spec platform(std::string_view name) {
  const environment env{
      {"GOOGLE_CLIENT_ID", "id&1"},    {"GOOGLE_CLIENT_SECRET", "s/1"},
      {"GITHUB_CLIENT_ID", "Iv1.a"},   {"GITHUB_CLIENT_SECRET", "gs"},
      {"SLACK_CLIENT_ID", "1.2"},      {"SLACK_CLIENT_SECRET", "ss"},
      {"SPOTIFY_CLIENT_ID", "a:b"},    {"SPOTIFY_CLIENT_SECRET", "c"},
      {"DISCORD_CLIENT_ID", "d"},      {"DISCORD_CLIENT_SECRET", "e"},
      {"LINKEDIN_CLIENT_ID", "l"},     {"LINKEDIN_CLIENT_SECRET", "m"}};
  auto all = load_platforms("", env).platforms;
  return *std::ranges::find(all, name, [](const auto& p) { return p.name.str(); });
}

std::string header(const http_request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name)
      return value;
  return {};
}

token_set tokens(std::string access, std::string refresh) {
  token_set out;
  out.access_token = std::move(access);
  out.refresh_token = std::move(refresh);
  return out;
}

} // namespace

CAF_TEST(the challenge is the one of RFC 7636 appendix B) {
  std::ifstream file{std::string{LAPWING_SOURCE_DIR} + "/tests/golden/rfc7636-pkce.json"};
  const auto vector = nlohmann::json::parse(file);
  CAF_CHECK_EQUAL(pkce_challenge(vector["inputs"]["code_verifier"].get<std::string>()),
                  vector["expected"]["code_challenge"].get<std::string>());
  // The same appendix: the verifier from its 32 octets.
  constexpr unsigned char octets[] = {116, 24,  223, 180, 151, 153, 224, 37,  79, 250, 96,
                                      125, 216, 173, 187, 186, 22,  212, 37,  77, 105, 214,
                                      191, 240, 91,  88,  5,   88,  83,  132, 141, 121};
  std::array<std::byte, 32> random;
  std::ranges::transform(octets, random.begin(), [](unsigned char c) { return std::byte{c}; });
  CAF_CHECK_EQUAL(pkce_verifier(random), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

CAF_TEST(base64 is that of RFC 4648 section 10) {
  using oauth_text::base64;
  CAF_CHECK_EQUAL(base64(""), "");
  CAF_CHECK_EQUAL(base64("f"), "Zg==");
  CAF_CHECK_EQUAL(base64("fo"), "Zm8=");
  CAF_CHECK_EQUAL(base64("foo"), "Zm9v");
  CAF_CHECK_EQUAL(base64("foob"), "Zm9vYg==");
  CAF_CHECK_EQUAL(base64("fooba"), "Zm9vYmE=");
  CAF_CHECK_EQUAL(base64("foobar"), "Zm9vYmFy");
  CAF_CHECK_EQUAL(oauth_text::base64url("\xff\xfe\xfd\xfc"), "__79_A");
}

CAF_TEST(the authorize address has what the platform wants and escapes it) {
  CAF_CHECK_EQUAL(
      authorize_url(platform("gmail"), "st", "ch", "https://n.example/cb?x=1"),
      "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=id%261"
      "&redirect_uri=https%3A%2F%2Fn.example%2Fcb%3Fx%3D1"
      "&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fgmail.readonly&state=st"
      "&code_challenge=ch&code_challenge_method=S256"
      "&access_type=offline&prompt=consent");
  CAF_CHECK_EQUAL(authorize_url(platform("slack"), "st", "ch", "https://n.example/cb"),
                  "https://slack.com/oauth/v2/authorize?response_type=code&client_id=1.2"
                  "&redirect_uri=https%3A%2F%2Fn.example%2Fcb"
                  "&scope=channels%3Ahistory%2Cchannels%3Aread&state=st");
}

CAF_TEST(an authorize address with a query of its own keeps it) {
  auto spec = platform("spotify");
  spec.oauth.authorize_url = "https://x.example/a?tenant=1";
  CAF_CHECK(authorize_url(spec, "s", "c", "r").starts_with(
      "https://x.example/a?tenant=1&response_type=code&"));
}

CAF_TEST(a client shows itself in the body or by basic authentication) {
  const auto google = code_request(platform("gmail"), "4/co de", "ver", "https://n.example/cb");
  CAF_CHECK_EQUAL(google.method, "POST");
  CAF_CHECK_EQUAL(google.url, "https://oauth2.googleapis.com/token");
  CAF_CHECK_EQUAL(header(google, "Accept"), "application/json");
  CAF_CHECK_EQUAL(header(google, "Content-Type"), "application/x-www-form-urlencoded");
  CAF_CHECK_EQUAL(header(google, "Authorization"), "");
  CAF_CHECK_EQUAL(google.body,
                  "grant_type=authorization_code&code=4%2Fco%20de"
                  "&redirect_uri=https%3A%2F%2Fn.example%2Fcb&code_verifier=ver"
                  "&client_id=id%261&client_secret=s%2F1");

  const auto spotify = refresh_request(platform("spotify"), "r1");
  CAF_CHECK_EQUAL(spotify.body, "grant_type=refresh_token&refresh_token=r1");
  // "a%3Ab:c": RFC 6749 2.3.1 encodes the parts, so that a colon in an id cannot shift the border.
  CAF_CHECK_EQUAL(header(spotify, "Authorization"), "Basic YSUzQWI6Yw==");

  auto open = platform("spotify");
  open.oauth.authentication = client_auth::none;
  CAF_CHECK_EQUAL(refresh_request(open, "r1").body,
                  "grant_type=refresh_token&refresh_token=r1&client_id=a%3Ab");
  CAF_CHECK_EQUAL(header(refresh_request(open, "r1"), "Authorization"), "");
}

CAF_TEST(each platform ends a grant in its own way) {
  const auto github = revocation_request(platform("github"), tokens("gho_1", "ghr_1"));
  CAF_REQUIRE(github.has_value());
  CAF_CHECK_EQUAL(github->method, "DELETE");
  CAF_CHECK_EQUAL(github->url, "https://api.github.com/applications/Iv1.a/token");
  CAF_CHECK_EQUAL(github->body, "{\"access_token\":\"gho_1\"}");
  CAF_CHECK_EQUAL(header(*github, "Authorization"), "Basic SXYxLmE6Z3M=");

  const auto slack = revocation_request(platform("slack"), tokens("xoxb", "xoxe"));
  CAF_CHECK_EQUAL(header(*slack, "Authorization"), "Bearer xoxb");
  CAF_CHECK_EQUAL(slack->body, "");

  const auto google = revocation_request(platform("gmail"), tokens("ya29", "1//r"));
  CAF_CHECK(google->body.starts_with("token=1%2F%2Fr"));
  CAF_CHECK(revocation_request(platform("gmail"), tokens("ya29", ""))->body.starts_with(
      "token=ya29"));
  const auto discord = revocation_request(platform("discord"), tokens("a", "r"));
  CAF_CHECK_EQUAL(discord->body, "token=r");
  CAF_CHECK_EQUAL(header(*discord, "Authorization"), "Basic ZDpl");

  CAF_CHECK(!revocation_request(platform("spotify"), tokens("a", "r")).has_value());
  CAF_CHECK(!revocation_request(platform("gmail"), tokens("", "")).has_value());
}

CAF_TEST(a revocation is over unless the server is away) {
  for (const int status : {200, 204, 400, 401, 404, 422})
    CAF_CHECK(revocation_settled({status, {}, ""}));
  for (const int status : {408, 429, 500, 503})
    CAF_CHECK(!revocation_settled({status, {}, ""}));
}

CAF_TEST(the account is asked for with the new token) {
  const auto github = account_request(platform("github"), "gho_1");
  CAF_CHECK_EQUAL(github->url, "https://api.github.com/user");
  CAF_CHECK_EQUAL(header(*github, "Authorization"), "Bearer gho_1");
  CAF_CHECK(!account_request(platform("slack"), "x").has_value());
}

CAF_TEST(a form is read back as it was written and nothing else passes) {
  using namespace oauth_text;
  const parameter_list members{{"a b", "c&d=e%"}, {"x", ""}, {"\xc3\xa4", "\x01"}};
  CAF_CHECK((parse_form(form(members)) == members));
  CAF_CHECK((parse_form("a=1+2") == parameter_list{{"a", "1 2"}}));
  for (const auto* wrong : {"a", "=1", "a=%", "a=%4", "a=%zz", "a=1&a=2", "&"})
    CAF_CHECK(!parse_form(wrong).has_value());
  std::string many = "m0=1";
  for (int i = 1; i < 65; ++i)
    many += "&m" + std::to_string(i) + "=1";
  CAF_CHECK(!parse_form(many).has_value());
}
