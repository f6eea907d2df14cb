// The sample file and the reference hold what the table of keys says.
#define CAF_SUITE config_document

#include "tests/support/caf_test.hpp"

#include <algorithm>
#include <set>

#include "config/document.hpp"
#include "config/keys.hpp"
#include "config/load.hpp"
#include "config/read_file.hpp"
#include "config/reload.hpp"

using namespace lapwing;

namespace {

const environment needed{{"LAPWING_AUTH__JWT_SECRET", std::string(32, 's')}};

std::string file(const std::string& path) {
  const auto outcome = read_file(std::string{LAPWING_SOURCE_DIR} + "/" + path, 1 << 20);
  const auto* text = std::get_if<std::string>(&outcome);
  return text ? *text : std::string{};
}

} // namespace

CAF_TEST(the shipped file loads and says the defaults) {
  const std::string path = std::string{LAPWING_SOURCE_DIR} + "/config/lapwing.toml";
  const auto loaded = load(&path, needed);
  for (const auto& mistake : loaded.mistakes)
    CAF_ERROR(to_string(mistake));
  config defaults;
  defaults.auth.jwt_secret = std::string(32, 's');
  const auto plan = apply_reload(defaults, loaded.value);
  for (const auto* list : {&plan.changed, &plan.needs_restart})
    for (const auto& key : *list)
      CAF_ERROR("config/lapwing.toml does not say the default of " << key);
}

CAF_TEST(the shipped file holds every key) {
  if (file("config/lapwing.toml") != sample_toml())
    CAF_ERROR("config/lapwing.toml is out of date: run "
              "`lapwing check-config --print-sample > config/lapwing.toml`");
  for (const auto& key : config_keys()) {
    const auto line = "\n" + std::string{name_of(key.path)} + " = ";
    CAF_CHECK(sample_toml().find(line) != std::string::npos);
  }
}

CAF_TEST(the reference is up to date) {
  if (file("docs/configuration.md") != configuration_markdown())
    CAF_ERROR("docs/configuration.md is out of date: run "
              "`lapwing check-config --print-docs > docs/configuration.md`");
}

CAF_TEST(the sample works with the marks of its custom platform taken away) {
  auto text = sample_toml();
  const auto start = text.find("# [webhooks.custom.shop]");
  CAF_REQUIRE(start != std::string::npos);
  auto tail = text.substr(start);
  for (std::size_t at = 0; at != std::string::npos && at < tail.size();) {
    if (tail.compare(at, 2, "# ") == 0)
      tail.erase(at, 2);
    at = tail.find('\n', at);
    at += at == std::string::npos ? 0 : 1;
  }
  tail.insert(tail.find("secret = \"") + 10, "whsec_x");
  const auto loaded = load_text(text.substr(0, start) + tail, "sample", needed);
  for (const auto& mistake : loaded.mistakes)
    CAF_ERROR(to_string(mistake));
  CAF_CHECK(loaded.value.webhooks.custom.contains("shop"));
}

CAF_TEST(every key has a sentence and a section and a default in range) {
  std::set<std::string_view> seen;
  config defaults;
  for (const auto& key : config_keys()) {
    CAF_CHECK(seen.insert(key.path).second);
    CAF_CHECK(key.doc.ends_with("."));
    CAF_CHECK(std::ranges::find(config_sections(), section_of(key.path), &section_info::path)
              != config_sections().end());
    const auto value = key.member(defaults);
    std::uint64_t number = key.min;
    if (const auto* count = std::get_if<std::uint64_t*>(&value))
      number = **count;
    else if (const auto* time = std::get_if<milliseconds*>(&value))
      number = static_cast<std::uint64_t>((*time)->count());
    CAF_CHECK(number >= key.min && number <= key.max);
    if (const auto* text = std::get_if<std::string*>(&value); text && !key.choices.empty())
      CAF_CHECK(std::ranges::find(key.choices, **text) != key.choices.end());
  }
}

CAF_TEST(no two keys share a variable) {
  std::set<std::string> seen;
  for (const auto& key : config_keys()) {
    CAF_CHECK(seen.insert(environment_name(key.path)).second);
    if (!key.seed_name.empty())
      CAF_CHECK(seen.insert(std::string{key.seed_name}).second);
  }
}
