#include "benchmarks/poll/stage.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdlib.h>

#include "benchmarks/load/clock.hpp"
#include "benchmarks/load/process_stats.hpp"
#include "benchmarks/poll/loopback_http.hpp"
#include "storage/secret_box.hpp"

namespace lapwing::poll_bench {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto start_patience = 60s;

/// A fresh key or secret: 64 hexadecimal digits.
std::string random_hex() {
  std::array<std::uint8_t, 32> bytes{};
  static_cast<void>(system_random(bytes));
  std::string out;
  for (const auto byte : bytes)
    out += fmt::format("{:02x}", byte);
  return out;
}

/// An object, or null for any other answer.
json asked(const load::endpoint& where, std::string_view path) {
  loopback_http http{where};
  const auto answer = http.get(path);
  auto parsed = json::parse(answer ? *answer : "", nullptr, false);
  return parsed.is_object() ? parsed : json{};
}

} // namespace

result<scratch_folder> scratch_folder::make(const std::string& below) {
  auto pattern = (std::filesystem::path{below.empty() ? "/tmp" : below}
                  / "lapwing-bench-poll-XXXXXX")
                   .string();
  if (::mkdtemp(pattern.data()) == nullptr)
    return error{errc::internal, "no folder can be made for the store"};
  scratch_folder out;
  out.path_ = std::move(pattern);
  return out;
}

scratch_folder::scratch_folder(scratch_folder&& other) noexcept
    : path_(std::exchange(other.path_, {})) {}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  if (!path_.empty())
    std::filesystem::remove_all(path_, ignored);
}

stage::stage(const poll_options& options, scratch_folder folder)
    : options_(&options), folder_(std::move(folder)), data_(folder_.path() + "/data"),
      files_(folder_.path() + "/platforms"), key_(random_hex()), cron_secret_(random_hex()) {}

result<stage> stage::make(const poll_options& options) {
  auto folder = scratch_folder::make(options.directory);
  if (!folder)
    return folder.error();
  stage out{options, std::move(*folder)};
  if (auto begun = out.begin(); !begun)
    return begun.error();
  return out;
}

result<bool> stage::begin() {
  std::error_code failure;
  if (!std::filesystem::create_directory(files_, failure))
    return error{errc::internal, "no folder can be made for platform files"};
  auto platforms = write_platform_files(options_->platforms, files_);
  if (!platforms)
    return platforms.error();
  platforms_ = std::move(*platforms);
  auto simulator = start({"sim", "--listen", "127.0.0.1:0", "--users", "0", "--unlimited",
                          "--history", "1h", "--rate", fmt::format("{}", options_->item_rate)},
                         {});
  if (!simulator)
    return simulator.error();
  simulator_.emplace(std::move(*simulator));
  auto where = load::parse_endpoint(simulator_->url());
  if (!where)
    return where.error();
  simulator_at_ = *where;
  return true;
}

/// Nothing of this process's environment decides what is measured.
result<child_process> stage::start(const std::vector<std::string>& arguments,
                                   std::map<std::string, std::string> environment) const {
  environment.emplace("PATH", "/usr/bin:/bin");
  return child_process::start(options_->program, arguments, environment, start_patience);
}

result<bool> stage::start_node() {
  std::map<std::string, std::string> environment{
    {"ENCRYPTION_KEY", key_},
    {"CRON_SECRET", cron_secret_},
    {"LAPWING_LOG__LEVEL", "warn"},
    {"LAPWING_NODE__THREADS", std::to_string(options_->threads)},
    // Whoever was woken stays, as a user with an open stream does.
    {"LAPWING_NODE__IDLE_AFTER", "1d"},
    {"LAPWING_PLATFORMS__DIRECTORY", files_},
    {"LAPWING_PLATFORMS__SIMULATOR", simulator_->url()},
    // The benchmark says when to look.
    {"LAPWING_PLATFORMS__SCAN", "5m"},
    {"LAPWING_OUTBOUND__ALLOW_PRIVATE_ADDRESSES", "true"}};
  for (const std::string name : {"spotify", "google", "github", "discord"}) {
    auto upper = name;
    std::ranges::transform(upper, upper.begin(),
                           [](char c) { return static_cast<char>(c - 'a' + 'A'); });
    environment[upper + "_CLIENT_ID"] = "sim-" + name + "-id";
    environment[upper + "_CLIENT_SECRET"] = "sim-" + name + "-secret";
  }
  auto node = start({"node", "--dev", "--listen", "127.0.0.1:0", "--data", data_},
                    std::move(environment));
  if (!node)
    return node.error();
  node_.emplace(std::move(*node));
  auto where = load::parse_endpoint(node_->url());
  if (!where)
    return where.error();
  node_at_ = *where;
  return true;
}

bool stage::running() {
  return simulator_ && simulator_->running() && node_ && node_->running();
}

result<bool> stage::look_now() {
  loopback_http http{node_at_};
  auto told = http.post("/api/cron/token-refresh", "{}", cron_secret_);
  if (!told)
    return told.error();
  return true;
}

cost stage::cost_now() const {
  return {load::monotonic_ns(), load::cpu_seconds(node_->pid()).value_or(0),
          load::cpu_seconds(simulator_->pid()).value_or(0), load::own_cpu_seconds()};
}

std::optional<double> stage::node_bytes() const {
  const auto memory = load::memory_of(node_->pid());
  return memory ? std::optional{static_cast<double>(memory->proportional_bytes)} : std::nullopt;
}

std::optional<std::size_t> stage::living_actors() const {
  const auto answer = asked(node_at_, "/admin/actors");
  if (!answer.contains("kinds"))
    return std::nullopt;
  std::size_t sum = 0;
  for (const auto& kind : answer["kinds"])
    if (const auto name = kind.value("kind", "");
        name == "user_supervisor" || name == "platform_actor")
      sum += kind.value("count", std::size_t{0});
  return sum;
}

std::optional<simulator_calls> stage::calls() const {
  const auto answer = asked(simulator_at_, "/_stats");
  if (!answer.contains("platforms"))
    return std::nullopt;
  simulator_calls out;
  for (const auto& platform : answer["platforms"]) {
    out.all += platform.value("calls", std::uint64_t{0});
    out.bad += platform.value("invalid_tokens", std::uint64_t{0});
    for (const auto& endpoint : platform["endpoints"])
      for (const auto* name : {"limited", "refused", "broken"})
        out.bad += endpoint.value(name, std::uint64_t{0});
  }
  return out;
}

} // namespace lapwing::poll_bench
