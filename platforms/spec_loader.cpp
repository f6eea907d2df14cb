#include "platforms/spec_loader.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "config/read_file.hpp"
#include "config/values.hpp"
#include "platforms/builtin.hpp"
#include "platforms/spec_checks.hpp"
#include "platforms/spec_keys.hpp"
#include "platforms/spec_rules.hpp"

namespace lapwing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t file_bytes_max = 256 * 1024;
constexpr std::size_t files_max = 256;
constexpr std::size_t secret_bytes_max = 64 * 1024;
constexpr std::size_t mistakes_max = 100;
constexpr std::size_t list_items_max = 1000;
constexpr std::size_t text_bytes_max = 4096;

template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};

/// What was given, for people; never its text where that is a secret.
std::string shown(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string: return lapwing::quoted(node.as_string()->get());
    case toml::node_type::integer: return fmt::format("the integer {}", node.as_integer()->get());
    case toml::node_type::floating_point:
      return fmt::format("the number {}", node.as_floating_point()->get());
    case toml::node_type::boolean: return node.as_boolean()->get() ? "true" : "false";
    case toml::node_type::array: return "a list";
    case toml::node_type::table: return "a table";
    default: return "a date or time";
  }
}

/// The tables' entries in the order of the file: toml++ sorts them by name.
std::vector<std::pair<const toml::key*, const toml::node*>> in_order(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> out;
  for (const auto& [key, node] : table)
    out.emplace_back(&key, &node);
  std::ranges::stable_sort(out, [](const auto& a, const auto& b) {
    const auto left = a.first->source().begin;
    const auto right = b.first->source().begin;
    return std::pair{left.line, left.column} < std::pair{right.line, right.column};
  });
  return out;
}

/// One key about to be assigned.
struct target {
  const spec_key& key;
  spec_ref value;
  std::string path;  ///< Whole: "poll.endpoints.url".
  std::string where;
};

/// Reads one file and collects what is wrong with it.
class loader {
public:
  loader(std::string_view file_name, const environment& env) : file_name_(file_name), env_(env) {}

  void read(std::string_view text) {
    try {
      const auto document = toml::parse(text);
      read_sections(document);
    } catch (const toml::parse_error& failure) {
      readable_ = false;
      add(at(failure.source()), "", "is not TOML: " + std::string{failure.description()}, "");
    }
  }

  void fail_file(std::string problem) {
    readable_ = false;
    add(file_name_, "", std::move(problem), "");
  }

  spec_result finish() {
    if (readable_) {
      complete(value_);
      take_client();
      for (auto& mistake : check(value_, [this](std::string_view key) { return origin(key); }))
        if (std::ranges::none_of(mistakes_, [&](const auto& m) {
              // A bad cron expression is not a missing schedule.
              return m.key == mistake.key || (m.key == "poll.cron" && mistake.key == "poll.interval");
            }))
          mistakes_.push_back(std::move(mistake));
    }
    if (mistakes_.size() > mistakes_max) {
      mistakes_.resize(mistakes_max);
      mistakes_.push_back({file_name_, "", "has further mistakes, not shown", ""});
    }
    return {std::move(value_), std::move(mistakes_)};
  }

private:
  // Mistakes -----------------------------------------------------------------------------------

  void add(std::string where, std::string key, std::string problem, std::string remedy) {
    if (mistakes_.size() <= mistakes_max)
      mistakes_.push_back(
          {std::move(where), std::move(key), std::move(problem), std::move(remedy)});
  }

  void refuse(const target& to, const std::string& given, std::string_view problem) {
    const bool duration = std::holds_alternative<seconds*>(to.value)
                          || std::holds_alternative<milliseconds*>(to.value)
                          || std::holds_alternative<std::optional<seconds>*>(to.value);
    add(to.where, to.path,
        fmt::format("{} {}", to.key.secret ? "the value" : given, problem),
        "give " + allowed_text(to.key, to.value) + (duration ? " (units ms, s, m, h, d)" : ""));
  }

  std::string at(const toml::source_region& source) const {
    if (source.begin.line == 0)
      return file_name_;
    return fmt::format("{}:{}:{}", file_name_, source.begin.line, source.begin.column);
  }

  std::string origin(std::string_view key) const {
    const auto found = origins_.find(key);
    return found == origins_.end() ? file_name_ : found->second;
  }

  void add_unknown(const toml::key& name, const std::string& path,
                   const std::vector<std::string>& candidates, std::string_view what) {
    const std::vector<std::string_view> views{candidates.begin(), candidates.end()};
    const auto meant = nearest(path, views);
    const auto printable = lapwing::quoted(path);
    add(at(name.source()), printable.substr(1, printable.size() - 2),
        fmt::format("unknown {}", what),
        meant.empty() ? "docs/platforms.md lists all keys"
                      : fmt::format("did you mean {}?", meant));
  }

  // Tables -------------------------------------------------------------------------------------

  void read_sections(const toml::table& document) {
    endpoint_spec no_endpoint;
    const spec_scope scope{value_, no_endpoint};
    read_table(document, "", scope);
    for (const auto& section : spec_sections())
      if (section.needed && !present_.contains(section.path))
        add(file_name_, std::string{section.path}, "is missing",
            fmt::format("write [{}] and its keys", section.path));
    if (!document.contains("name"))
      add_missing(file_name_, "name");
  }

  void read_table(const toml::table& table, const std::string& path, const spec_scope& scope) {
    present_.insert(path);
    const auto& section = *find_section(path);
    for (const auto& [name, node] : in_order(table)) {
      const std::string text{name->str()};
      // A quoted key may contain a dot; it is no path.
      const bool plain = text.find('.') == text.npos;
      const auto inner = spec_path(path, text);
      if (const auto* key = plain ? find_key(section, text) : nullptr) {
        assign({*key, key->member(scope), inner, at(node->source())}, *node);
        origins_.try_emplace(inner, at(node->source()));
      } else if (const auto* sub = plain ? find_section(inner) : nullptr) {
        read_inner(*sub, inner, *name, *node, scope);
      } else if (path == "oauth" && (text == "client_id" || text == "client_secret")) {
        add(at(name->source()), inner, "does not belong into a file",
            "set NAME_CLIENT_ID and NAME_CLIENT_SECRET in the environment");
      } else {
        add_unknown(*name, inner, known_paths(), node->is_table() ? "section" : "key");
      }
    }
    // The top's own are looked for in read_sections, because the top is always there.
    if (!path.empty())
      for (const auto& key : section.keys)
        if (key.needed && !table.contains(key.name))
          add_missing(at(table.source()), spec_path(path, key.name));
  }

  void add_missing(std::string where, std::string key) {
    add(std::move(where), std::move(key), "is missing", "give it; docs/platforms.md has examples");
  }

  void read_inner(const spec_section& section, const std::string& path, const toml::key& name,
                  const toml::node& node, const spec_scope& scope) {
    if (section.repeated) {
      const auto* list = node.as_array();
      if (!list || !list->is_homogeneous(toml::node_type::table))
        return add(at(name.source()), path, "is not a list of tables",
                   fmt::format("write [[{}]] and the keys of each below", path));
      if (list->size() > list_items_max)
        return add(at(name.source()), path, "is too long", "give at most 1000");
      for (const auto& item : *list)
        read_table(*item.as_table(), path,
                   {value_, value_.poll.endpoints.emplace_back()});
      return;
    }
    const auto* table = node.as_table();
    if (!table)
      return add(at(name.source()), path, "is a section, not a value",
                 fmt::format("write [{}] and its keys below", path));
    read_table(*table, path, scope);
  }

  static const spec_section* find_section(std::string_view path) {
    const auto& all = spec_sections();
    const auto found = std::ranges::find(all, path, &spec_section::path);
    return found == all.end() ? nullptr : &*found;
  }

  static const spec_key* find_key(const spec_section& section, std::string_view name) {
    const auto found = std::ranges::find(section.keys, name, &spec_key::name);
    return found == section.keys.end() ? nullptr : &*found;
  }

  static const std::vector<std::string>& known_paths() {
    static const auto paths = [] {
      std::vector<std::string> out;
      for (const auto& section : spec_sections()) {
        if (!section.path.empty())
          out.emplace_back(section.path);
        for (const auto& key : section.keys)
          out.push_back(spec_path(section.path, key.name));
      }
      return out;
    }();
    return paths;
  }

  // Values -------------------------------------------------------------------------------------

  void assign(const target& to, const toml::node& node) {
    const auto wrong_type = [&] { refuse(to, shown(node), "has the wrong type"); };
    const auto* text = node.as_string();
    const auto count = [&](auto* member) {
      const auto* number = node.as_integer();
      if (!number)
        return wrong_type();
      if (number->get() < 0 || static_cast<std::uint64_t>(number->get()) < to.key.min
          || static_cast<std::uint64_t>(number->get()) > to.key.max)
        return refuse(to, shown(node), "is out of range");
      using number_type = std::remove_pointer_t<decltype(member)>;
      if constexpr (std::is_same_v<number_type, std::optional<std::uint32_t>>)
        *member = static_cast<std::uint32_t>(number->get());
      else
        *member = static_cast<number_type>(number->get());
    };
    const auto duration = [&](auto* member, milliseconds unit) {
      if (!text)
        return wrong_type();
      const auto time = parse_duration(text->get());
      if (!time || *time % unit != milliseconds{0})
        return refuse(to, shown(node), "is not valid");
      const auto number = static_cast<std::uint64_t>(time->count());
      if (number < to.key.min || number > to.key.max)
        return refuse(to, shown(node), "is out of range");
      if constexpr (std::is_same_v<decltype(member), milliseconds*>)
        *member = *time;
      else
        *member = std::chrono::duration_cast<seconds>(*time);
    };
    const auto word_as = [&](auto kind, auto* member) {
      if (!text)
        return wrong_type();
      const auto words = words_of(kind);
      const auto found = std::ranges::find(words, text->get());
      if (found == words.end())
        return refuse(to, shown(node), "is not valid");
      *member = static_cast<decltype(kind)>(found - words.begin());
    };
    const auto word = [&](auto* member) { word_as(*member, member); };
    std::visit(overloaded{
                   [&](std::string* member) {
                     if (!text)
                       return wrong_type();
                     if (auto checked = checked_text(to, text->get()))
                       *member = std::move(*checked);
                   },
                   [&](platform_id* member) {
                     if (!text)
                       return wrong_type();
                     if (auto checked = checked_text(to, text->get()))
                       *member = platform_id{std::move(*checked)};
                   },
                   [&](std::vector<std::string>* member) { assign_list(to, *member, node); },
                   [&](bool* member) {
                     const auto* on = node.as_boolean();
                     on ? static_cast<void>(*member = on->get()) : wrong_type();
                   },
                   [&](int* member) { count(member); },
                   [&](std::uint32_t* member) { count(member); },
                   [&](std::size_t* member) { count(member); },
                   [&](std::optional<std::uint32_t>* member) { count(member); },
                   [&](seconds* member) { duration(member, seconds{1}); },
                   [&](std::optional<seconds>* member) { duration(member, seconds{1}); },
                   [&](milliseconds* member) { duration(member, milliseconds{1}); },
                   [&](parameter_list* member) { assign_parameters(to, *member, node); },
                   [&](client_auth* member) { word(member); },
                   [&](page_style* member) { word(member); },
                   [&](cursor_style* member) { word(member); },
                   [&](registration_style* member) { word(member); },
                   [&](budget_owner* member) { word(member); },
                   [&](std::optional<limit_reach>* member) { word_as(limit_reach{}, member); },
               },
               to.value);
  }

  void assign_list(const target& to, std::vector<std::string>& member, const toml::node& node) {
    const auto* list = node.as_array();
    if (!list || (!list->empty() && !list->is_homogeneous(toml::node_type::string)))
      return refuse(to, shown(node), "has the wrong type");
    if (list->size() > list_items_max)
      return refuse(to, shown(node), "is too long");
    std::vector<std::string> accepted;
    for (const auto& item : *list) {
      const auto& text = item.as_string()->get();
      if (text.empty())
        return refuse({to.key, to.value, to.path, at(item.source())}, lapwing::quoted(text),
                      "is not valid");
      auto checked = checked_text({to.key, to.value, to.path, at(item.source())}, text);
      if (!checked)
        return;
      accepted.push_back(std::move(*checked));
    }
    member = std::move(accepted);
  }

  void assign_parameters(const target& to, parameter_list& member, const toml::node& node) {
    const auto* table = node.as_table();
    if (!table)
      return refuse(to, shown(node), "has the wrong type");
    parameter_list accepted;
    for (const auto& [name, value] : in_order(*table)) {
      const target item{to.key, to.value, to.path, at(value->source())};
      std::string text;
      if (const auto* given = value->as_string())
        text = given->get();
      else if (const auto* number = value->as_integer())
        text = std::to_string(number->get());
      else if (const auto* on = value->as_boolean())
        text = on->get() ? "true" : "false";
      else
        return refuse(item, shown(*value), "has the wrong type");
      const std::string key{name->str()};
      const bool header = to.key.name == "headers";
      const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
      if (key.empty() || text.size() > text_bytes_max || std::ranges::any_of(text, control)
          || std::ranges::any_of(key, control) || (header && !header_name_rule.holds(key)))
        return refuse(item, lapwing::quoted(key), "is not valid");
      accepted.emplace_back(key, std::move(text));
    }
    member = std::move(accepted);
  }

  /// The text as it is to be kept, or nothing after a mistake was noted.
  std::optional<std::string> checked_text(const target& to, std::string text) {
    if (to.key.secret && text.starts_with("file:")) {
      auto secret = read_secret(to.where, to.path, text.substr(5));
      if (!secret)
        return {};
      text = std::move(*secret);
    }
    const bool fits = text.size() <= text_bytes_max
                      && (text.empty()               ? !to.key.needed && to.key.choices.empty()
                          : !to.key.choices.empty()
                              ? std::ranges::find(to.key.choices, text) != to.key.choices.end()
                              : !to.key.rule || to.key.rule->holds(text));
    if (!fits) {
      // What stands before an @ in an address may be a password.
      const bool address = to.key.rule == &provider_url_rule && text.find('@') != text.npos;
      refuse(to, address ? "the address" : lapwing::quoted(text), "is not valid");
      return {};
    }
    return text;
  }

  std::optional<std::string> read_secret(const std::string& where, const std::string& key,
                                         const std::string& path) {
    const auto fail = [&](std::string_view why) {
      add(where, key,
          fmt::format("cannot take the secret from file {}: {}", lapwing::quoted(path), why),
          "give file: and the absolute path of a file this user may read");
      return std::nullopt;
    };
    if (!path.starts_with('/'))
      return fail("the path is not absolute");
    auto outcome = read_file(path, secret_bytes_max);
    if (const auto* failure = std::get_if<file_failure>(&outcome))
      return fail(failure->why);
    auto text = std::get<std::string>(std::move(outcome));
    for (const char end : {'\n', '\r'})
      if (text.ends_with(end))
        text.pop_back();
    if (text.empty())
      return fail("it is empty");
    return text;
  }

  // Client -------------------------------------------------------------------------------------

  void take_client() {
    auto& oauth = value_.oauth;
    // One prefix gives both: an id of one application with the secret of another never works.
    for (const auto& prefix : {variable_prefix(value_.name.str()), oauth.client_env}) {
      if (prefix.empty())
        continue;
      const auto id_name = prefix + "_CLIENT_ID";
      const auto secret_name = prefix + "_CLIENT_SECRET";
      auto id = variable(id_name);
      if (id.empty())
        continue;
      oauth.client_id = std::move(id);
      oauth.client_secret = variable(secret_name);
      if (oauth.client_secret.empty() && oauth.authentication != client_auth::none)
        add(secret_name, "", fmt::format("is missing, although {} is set", id_name),
            "set both, or client_auth = \"none\" for a public client");
      return;
    }
  }

  static std::string variable_prefix(std::string_view name) {
    std::string out{name};
    for (auto& c : out)
      c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c == '-' ? '_' : c;
    return out;
  }

  std::string variable(const std::string& name) {
    const auto found = env_.find(name);
    if (found == env_.end())
      return {};
    auto text = found->second;
    if (text.starts_with("file:"))
      text = read_secret(name, "", text.substr(5)).value_or("");
    if (text.size() > text_bytes_max || std::ranges::any_of(text, [](char c) {
          return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f;
        })) {
      add(name, "", "the value holds spaces or other signs that no client id or secret has",
          "set it to what the provider's console shows");
      return {};
    }
    return text;
  }

  std::string file_name_;
  const environment& env_;
  bool readable_ = true; ///< Otherwise what stands in it is unknown: no checks between keys.
  platform_spec value_;
  std::set<std::string, std::less<>> present_;              ///< Sections.
  std::map<std::string, std::string, std::less<>> origins_; ///< Key to where it was set.
  std::vector<config_mistake> mistakes_;
};

spec_result load_file(const std::string& path, const environment& env) {
  loader loading{path, env};
  const auto outcome = read_file(path, file_bytes_max);
  if (const auto* failure = std::get_if<file_failure>(&outcome))
    loading.fail_file("cannot be read: " + failure->why);
  else
    loading.read(std::get<std::string>(outcome));
  return loading.finish();
}

/// The TOML files in it, by name; a mistake when it cannot be read or holds too many.
std::vector<std::string> toml_files(const std::string& directory,
                                    std::vector<config_mistake>& mistakes) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  std::error_code failure;
  if (directory.empty() || !fs::exists(directory, failure))
    return out;
  for (fs::directory_iterator at{directory, failure}, end; !failure && at != end;
       at.increment(failure))
    if (at->path().extension() == ".toml" && out.size() <= files_max)
      out.push_back(at->path().string());
  if (failure)
    mistakes.push_back({directory, "", "cannot be read: " + failure.message(), ""});
  if (out.size() > files_max) {
    mistakes.push_back({directory, "", "holds too many files", "keep at most 256 platforms"});
    out.clear();
  }
  std::ranges::sort(out);
  return out;
}

} // namespace

spec_result load_platform_text(std::string_view toml, std::string_view file_name,
                               const environment& env) {
  loader loading{file_name, env};
  if (toml.size() > file_bytes_max)
    loading.fail_file("is longer than " + format_size(file_bytes_max));
  else
    loading.read(toml);
  return loading.finish();
}

namespace {

void find_siblings(std::vector<platform_spec>& platforms) {
  for (auto& one : platforms)
    for (const auto& other : platforms)
      if (&one != &other && !one.oauth.client_id.empty() && !one.oauth.revocation.url.empty()
          && one.oauth.client_id == other.oauth.client_id
          && one.oauth.revocation.url == other.oauth.revocation.url)
        one.oauth.siblings.push_back(other.name);
}

} // namespace

platforms_result load_platforms(const std::string& directory, const environment& env) {
  platforms_result out;
  std::map<platform_id, platform_spec> by_name;
  std::map<platform_id, std::string> file_of;
  for (const auto& path : toml_files(directory, out.mistakes)) {
    auto loaded = load_file(path, env);
    std::ranges::move(loaded.mistakes, std::back_inserter(out.mistakes));
    if (loaded.value.name.empty())
      continue;
    const auto [at, fresh] = file_of.emplace(loaded.value.name, path);
    if (!fresh)
      out.mistakes.push_back({path, "name",
                              fmt::format("{} is the name of {} too", loaded.value.name.str(),
                                          at->second),
                              "give each platform one file"});
    by_name.insert_or_assign(loaded.value.name, std::move(loaded.value));
  }
  for (const auto& shipped : builtin_platforms()) {
    auto loaded = load_platform_text(shipped.toml, shipped.file_name, env);
    if (by_name.contains(loaded.value.name))
      continue; // Replaced; what its own variables lack is no matter any more.
    std::ranges::move(loaded.mistakes, std::back_inserter(out.mistakes));
    by_name.emplace(loaded.value.name, std::move(loaded.value));
  }
  for (auto& [name, platform] : by_name)
    out.platforms.push_back(std::move(platform));
  find_siblings(out.platforms);
  return out;
}

bool connectable(const platform_spec& platform) noexcept {
  const auto& oauth = platform.oauth;
  return !oauth.client_id.empty()
         && (!oauth.client_secret.empty() || oauth.authentication == client_auth::none);
}

void fill_project(platform_spec& platform, std::string_view project) {
  constexpr std::string_view hole = "{project}";
  auto& topic = platform.registration.topic;
  const auto at = topic.find(hole);
  if (at == topic.npos)
    return;
  if (project.empty())
    platform.registration.style = registration_style::none;
  else
    topic.replace(at, hole.size(), project);
}

void redirect_to(platform_spec& platform, std::string_view base) {
  while (base.ends_with('/'))
    base.remove_suffix(1);
  const auto redirect = [&](std::string& url) {
    const auto scheme_end = url.find("://");
    if (scheme_end != url.npos)
      url = fmt::format("{}/{}", base, std::string_view{url}.substr(scheme_end + 3));
  };
  redirect(platform.oauth.authorize_url);
  redirect(platform.oauth.token_url);
  redirect(platform.oauth.revocation.url);
  redirect(platform.account_url);
  redirect(platform.registration.url);
  for (auto& endpoint : platform.poll.endpoints) {
    redirect(endpoint.url);
    redirect(endpoint.start_url);
    redirect(endpoint.first_sync_url);
  }
}

} // namespace lapwing
