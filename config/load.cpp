#include "config/load.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "config/checks.hpp"
#include "config/keys.hpp"
#include "config/read_file.hpp"
#include "config/toml_file.hpp"
#include "config/values.hpp"

namespace lapwing {
namespace {

constexpr std::size_t file_bytes_max = 1024 * 1024;
constexpr std::size_t secret_bytes_max = 64 * 1024;
constexpr std::size_t mistakes_max = 100;
constexpr std::string_view custom_section = "webhooks.custom";
constexpr std::string_view environment_prefix = "LAPWING_";
constexpr std::string_view custom_environment_prefix = "LAPWING_WEBHOOKS__CUSTOM__";

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};

/// One setting about to be assigned.
struct target {
  const key_info& key;
  value_ref value;
  std::string path;  ///< Whole: "webhooks.custom.shop.secret".
  std::string where; ///< Position or variable it comes from.
};

/// Applies the sources one after the other and collects what is wrong with them.
class loader {
public:
  explicit loader(std::string_view file_name) : file_name_(file_name) {}

  void read_toml(std::string_view text) {
    auto outcome = parse_toml(text);
    if (const auto* failure = std::get_if<toml_failure>(&outcome)) {
      fail_file("is not TOML: " + failure->what, at(failure->at));
      return;
    }
    read_table(std::get<toml_table>(outcome), "");
  }

  void fail_file(std::string problem, std::string where) {
    file_failed_ = true;
    add(std::move(where), "", std::move(problem), "");
  }

  void read_seed_names(const environment& env) {
    // Node programs use DEBUG too, with lists of topics: those are not meant for us.
    if (const auto debug = env.find("DEBUG");
        debug != env.end() && parse_switch(debug->second) == true)
      assign_text(find_target("log.level", "DEBUG"), "debug");
    for (const auto& key : config_keys()) {
      const auto found = key.seed_name.empty() ? env.end() : env.find(key.seed_name);
      if (found != env.end() && !found->second.empty())
        assign_seed(key, found->second);
    }
  }

  void read_environment(const environment& env) {
    for (auto at = env.lower_bound(environment_prefix);
         at != env.end() && at->first.starts_with(environment_prefix); ++at) {
      const std::string_view name = at->first;
      if (name.find("__", environment_prefix.size()) == name.npos)
        continue; // Not a setting: LAPWING_ADMIN_TOKEN.
      if (name.starts_with(custom_environment_prefix))
        assign_custom_variable(name, at->second);
      else
        assign_variable(name, at->second);
    }
  }

  void apply(const config_override& override) {
    assign_text(find_target(override.path, override.origin), override.value);
  }

  load_result finish(config_purpose purpose) {
    if (value_.dev())
      apply_dev_defaults();
    if (!file_failed_) {
      const std::function where = [this](std::string_view key) {
        const auto found = origins_.find(key);
        return found == origins_.end() ? file_name_ : found->second;
      };
      for (auto& mistake : check(value_, purpose, where))
        if (std::ranges::none_of(mistakes_, [&](const auto& m) { return m.key == mistake.key; }))
          mistakes_.push_back(std::move(mistake));
    }
    if (mistakes_.size() > mistakes_max) {
      mistakes_.resize(mistakes_max);
      mistakes_.push_back({file_name_, "", "has further mistakes, not shown", ""});
    }
    return {std::move(value_), std::move(mistakes_)};
  }

private:
  // Mistakes
  // ---------------------------------------------------------------------------------------

  void add(std::string where, std::string key, std::string problem, std::string remedy) {
    if (mistakes_.size() <= mistakes_max)
      mistakes_.push_back(
          {std::move(where), std::move(key), std::move(problem), std::move(remedy)});
  }

  /// `given` is already fit to be shown; secrets are replaced here.
  void refuse(const target& to, const std::string& given, std::string_view problem) {
    add(to.where, to.path,
        to.key.secret ? fmt::format("the value {}", problem) : fmt::format("{} {}", given, problem),
        "give " + allowed_text(to.key, to.value)
            + (std::holds_alternative<milliseconds*>(to.value) ? " (units ms, s, m, h, d)" : ""));
  }

  std::string at(text_position position) const {
    if (position.line == 0)
      return file_name_;
    return fmt::format("{}:{}:{}", file_name_, position.line, position.column);
  }

  void add_unknown(std::string where, std::string_view shown_as, std::string_view typed,
                   const std::vector<std::string_view>& candidates, std::string_view what) {
    if (mistakes_.size() > mistakes_max)
      return;
    const auto printable = quoted(shown_as);
    const auto meant = nearest(typed, candidates);
    add(std::move(where), printable.substr(1, printable.size() - 2),
        fmt::format("unknown {}", what),
        meant.empty() ? "docs/configuration.md lists all keys"
                      : fmt::format("did you mean {}?", meant));
  }

  // TOML
  // -------------------------------------------------------------------------------------------

  void read_table(const toml_table& table, const std::string& prefix) {
    for (const auto& entry : table) {
      const auto path = prefix.empty() ? entry.name : prefix + "." + entry.name;
      const auto* inner = std::get_if<toml_table>(&entry.value);
      // A quoted key may contain a dot; it is no path.
      const bool plain = entry.name.find('.') == entry.name.npos;
      if (plain && path == custom_section && inner)
        read_custom_platforms(*inner);
      else if (const auto* key = plain ? find_key(path) : nullptr)
        assign_toml({*key, key->member(value_), path, at(entry.value_at)}, entry.value);
      else if (plain && is_section(path))
        inner ? read_table(*inner, path)
              : add(at(entry.name_at), path, "is a section, not a value",
                    fmt::format("write [{}] and its keys below", path));
      else
        add_unknown(at(entry.name_at), path, path, known_paths(), inner ? "section" : "key");
    }
  }

  void read_custom_platforms(const toml_table& platforms) {
    for (const auto& platform : platforms) {
      const auto path = fmt::format("{}.{}", custom_section, platform.name);
      const auto* table = std::get_if<toml_table>(&platform.value);
      if (!valid_platform_name(platform.name) || !table) {
        add_bad_platform(at(platform.name_at), platform.name);
        continue;
      }
      auto& scheme = value_.webhooks.custom[platform.name];
      for (const auto& entry : *table) {
        if (const auto* key = find_custom_key(entry.name))
          assign_toml({*key, key->member(scheme), path + "." + entry.name, at(entry.value_at)},
                      entry.value);
        else
          add_unknown(at(entry.name_at), path + "." + entry.name, entry.name, custom_names(),
                      "key");
      }
    }
  }

  void add_bad_platform(std::string where, std::string_view name) {
    add(std::move(where), std::string{custom_section},
        fmt::format("{} is not the table of a platform", quoted(name)),
        "write [webhooks.custom.NAME] with a name of at most 32 small letters, digits, - and _");
  }

  void assign_toml(const target& to, const toml_value& value) {
    const auto wrong_type = [&] { refuse(to, describe(value), "has the wrong type"); };
    const auto* text = std::get_if<std::string>(&value);
    std::visit(overloaded{
                   [&](std::string*) { text ? assign_text(to, *text) : wrong_type(); },
                   [&](std::vector<std::string>*) {
                     const auto* items = std::get_if<std::vector<std::string>>(&value);
                     items ? assign_list(to, *items) : wrong_type();
                   },
                   [&](bool*) {
                     const auto* on = std::get_if<bool>(&value);
                     on ? assign_text(to, *on ? "true" : "false") : wrong_type();
                   },
                   [&](std::uint64_t*) {
                     if (const auto* number = std::get_if<std::int64_t>(&value))
                       assign_text(to, std::to_string(*number));
                     else
                       text&& to.key.bytes ? assign_text(to, *text) : wrong_type();
                   },
                   [&](milliseconds*) { text ? assign_text(to, *text) : wrong_type(); },
               },
               to.value);
  }

  // Environment
  // ------------------------------------------------------------------------------------

  void assign_variable(std::string_view name, const std::string& value) {
    static const auto names = [] {
      std::map<std::string, const config_key*, std::less<>> out;
      for (const auto& key : config_keys())
        out.emplace(environment_name(key.path), &key);
      return out;
    }();
    if (const auto found = names.find(name); found != names.end()) {
      const auto& key = *found->second;
      assign_text({key, key.member(value_), std::string{key.path}, std::string{name}}, value);
      return;
    }
    std::vector<std::string_view> candidates;
    for (const auto& [known, key] : names)
      candidates.push_back(known);
    add_unknown("environment", name, name, candidates, "variable");
  }

  /// LAPWING_WEBHOOKS__CUSTOM__SHOP__SECRET: of the platform of the file whose name looks so, or of
  /// a new one.
  void assign_custom_variable(std::string_view name, const std::string& value) {
    const auto rest = name.substr(custom_environment_prefix.size());
    const auto split = rest.rfind("__");
    const auto lower = [](std::string_view text) {
      std::string out{text};
      std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      return out;
    };
    if (split == rest.npos)
      return add_unknown("environment", name, name, {}, "variable");
    auto platform = lower(rest.substr(0, split));
    const auto prefix = environment_name(fmt::format("{}.{}", custom_section, platform));
    for (const auto& [known, scheme] : value_.webhooks.custom)
      if (environment_name(fmt::format("{}.{}", custom_section, known)) == prefix)
        platform = known;
    const auto* key = find_custom_key(lower(rest.substr(split + 2)));
    if (!valid_platform_name(platform))
      return add_bad_platform(std::string{name}, platform);
    if (!key)
      return add_unknown("environment", name, lower(rest.substr(split + 2)), custom_names(),
                         "variable");
    assign_text({*key, key->member(value_.webhooks.custom[platform]),
                 fmt::format("{}.{}.{}", custom_section, platform, key->path), std::string{name}},
                value);
  }

  void assign_seed(const config_key& key, const std::string& value) {
    const target to{key, key.member(value_), std::string{key.path}, std::string{key.seed_name}};
    // A raw 32-character key may contain a comma: the seeds' variables hold one value each.
    if (std::holds_alternative<std::vector<std::string>*>(to.value))
      assign_list(to, {value});
    else
      assign_text(to, value);
  }

  // Values
  // -----------------------------------------------------------------------------------------

  void assign_text(const target& to, const std::string& text) {
    const auto store = [&](auto* member, const auto& parsed, auto comparable) {
      if (!parsed)
        return refuse(to, quoted(text), "is not valid");
      if (comparable(*parsed) < to.key.min || comparable(*parsed) > to.key.max)
        return refuse(to, quoted(text), "is out of range");
      *member = *parsed;
      origins_[to.path] = to.where;
    };
    std::visit(overloaded{
                   [&](std::string* member) {
                     if (auto item = checked_item(to, text)) {
                       *member = std::move(*item);
                       origins_[to.path] = to.where;
                     }
                   },
                   [&](std::vector<std::string>*) { assign_list(to, parse_list(text)); },
                   [&](bool* member) {
                     const auto on = parse_switch(text);
                     if (!on)
                       return refuse(to, quoted(text), "is not valid");
                     *member = *on;
                     origins_[to.path] = to.where;
                   },
                   [&](std::uint64_t* member) {
                     store(member, to.key.bytes ? parse_size(text) : parse_count(text),
                           [](std::uint64_t number) { return number; });
                   },
                   [&](milliseconds* member) {
                     store(member, parse_duration(text), [](milliseconds time) {
                       return static_cast<std::uint64_t>(time.count());
                     });
                   },
               },
               to.value);
  }

  void assign_list(const target& to, const std::vector<std::string>& items) {
    std::vector<std::string> accepted;
    for (const auto& item : items) {
      auto checked = item.empty() ? std::nullopt : checked_item(to, item);
      if (item.empty())
        refuse(to, quoted(item), "is not valid");
      if (!checked)
        return;
      accepted.push_back(std::move(*checked));
    }
    *std::get<std::vector<std::string>*>(to.value) = std::move(accepted);
    origins_[to.path] = to.where;
  }

  /// The text as it is to be kept, or nothing after a mistake was noted.
  std::optional<std::string> checked_item(const target& to, std::string text) {
    if (to.key.secret && text.starts_with("file:")) {
      auto secret = read_secret(to, text.substr(5));
      if (!secret)
        return {};
      text = std::move(*secret);
    }
    const bool fits = text.empty() ? !to.key.needed && to.key.choices.empty()
                      : !to.key.choices.empty()
                          ? std::ranges::find(to.key.choices, text) != to.key.choices.end()
                          : !to.key.rule || to.key.rule->holds(text);
    if (!fits) {
      refuse(to, quoted(text), "is not valid");
      return {};
    }
    return text;
  }

  std::optional<std::string> read_secret(const target& to, const std::string& path) {
    const auto fail = [&](std::string_view why) {
      add(to.where, to.path,
          fmt::format("cannot take the secret from file {}: {}", quoted(path), why),
          "give file: and the absolute path of a file this user may read");
    };
    if (!path.starts_with('/')) {
      fail("the path is not absolute");
      return {};
    }
    auto outcome = read_file(path, secret_bytes_max);
    if (const auto* failure = std::get_if<file_failure>(&outcome)) {
      fail(failure->why);
      return {};
    }
    auto text = std::get<std::string>(std::move(outcome));
    if (text.ends_with('\n'))
      text.pop_back();
    if (text.ends_with('\r'))
      text.pop_back();
    if (text.empty()) {
      fail("it is empty");
      return {};
    }
    return text;
  }

  /// What development identity sets unless the operator did.
  void apply_dev_defaults() {
    if (!origins_.contains("webhooks.accept_unknown_users"))
      value_.webhooks.accept_unknown_users = true;
    auto& origins = value_.http.cors_origins;
    for (const char* origin : {"http://localhost:8086", "http://localhost:5173"})
      if (std::ranges::find(origins, origin) == origins.end())
        origins.emplace_back(origin);
  }

  // The table
  // --------------------------------------------------------------------------------------

  static const config_key* find_key(std::string_view path) {
    const auto found = std::ranges::find(config_keys(), path, &config_key::path);
    return found == config_keys().end() ? nullptr : &*found;
  }

  static const custom_key* find_custom_key(std::string_view name) {
    const auto found = std::ranges::find(custom_keys(), name, &custom_key::path);
    return found == custom_keys().end() ? nullptr : &*found;
  }

  /// Our own paths only: an unknown one is our bug.
  target find_target(std::string_view path, std::string origin) {
    const auto* key = find_key(path);
    return {*key, key->member(value_), std::string{path}, std::move(origin)};
  }

  static bool is_section(std::string_view path) {
    return path == custom_section
           || std::ranges::find(config_sections(), path, &section_info::path)
                  != config_sections().end();
  }

  static std::vector<std::string_view> known_paths() {
    std::vector<std::string_view> out;
    for (const auto& section : config_sections())
      out.push_back(section.path);
    for (const auto& key : config_keys())
      out.push_back(key.path);
    return out;
  }

  static std::vector<std::string_view> custom_names() {
    std::vector<std::string_view> out;
    for (const auto& key : custom_keys())
      out.push_back(key.path);
    return out;
  }

  std::string file_name_; ///< Empty without a file.
  config value_;
  bool file_failed_ = false; ///< What stands in it is unknown: no checks between settings.
  std::map<std::string, std::string, std::less<>> origins_; ///< Key to where it was set.
  std::vector<config_mistake> mistakes_;
};

load_result apply_rest(loader& loading, const environment& env,
                       const std::vector<config_override>& overrides, config_purpose purpose) {
  loading.read_seed_names(env);
  loading.read_environment(env);
  for (const auto& override : overrides)
    loading.apply(override);
  return loading.finish(purpose);
}

} // namespace

load_result load(const std::string* path, const environment& env,
                 const std::vector<config_override>& overrides, config_purpose purpose) {
  loader loading{path ? *path : std::string{}};
  if (path) {
    const auto outcome = read_file(*path, file_bytes_max);
    if (const auto* failure = std::get_if<file_failure>(&outcome))
      loading.fail_file("cannot be read: " + failure->why, *path);
    else
      loading.read_toml(std::get<std::string>(outcome));
  }
  return apply_rest(loading, env, overrides, purpose);
}

load_result load_text(std::string_view toml, std::string_view file_name, const environment& env,
                      const std::vector<config_override>& overrides, config_purpose purpose) {
  loader loading{file_name};
  loading.read_toml(toml);
  return apply_rest(loading, env, overrides, purpose);
}

} // namespace lapwing
