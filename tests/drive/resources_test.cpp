#define CAF_SUITE drive_resources

#include "tests/support/caf_test.hpp"

#include <deque>

#include "platforms/drive/driven_connection.hpp"
#include "tests/support/memory_connections.hpp"

using namespace lapwing;

namespace {

struct quiet_host final : driver_host {
  timestamp now() const override { return {}; }
  double chance() override { return 0; }
  poster make_poster() override {
    return [this](std::function<void()> call) { calls.push_back(std::move(call)); };
  }
  void after(std::chrono::milliseconds, std::function<void()>) override {}
  void publish(publish_request, std::function<void(result<publish_receipt>)>) override {}
  bool watched() const override { return false; }

  std::deque<std::function<void()>> calls;
};

struct fixture {
  fixture() {
    store.keep_whole("user_repos");
    connection fresh;
    fresh.user = of.user;
    fresh.platform = of.platform;
    store.connect(std::move(fresh), {}, [](const result<std::uint64_t>&) {});
    ports.store = &store;
  }

  void put(const std::string& name, const std::string& version, bool is_admin = true) {
    sync_effect effect;
    effect.of = of;
    effect.data_type = "user_repos";
    effect.items.push_back({name + '|' + version,
                            R"({"full_name":")" + name + R"(","permissions":{"admin":)"
                              + (is_admin ? "true" : "false") + "}}"});
    store.apply(effect);
  }

  resource_names find(std::size_t limit) {
    driven_connection connection{of, spec, ports, host};
    std::optional<resource_names> out;
    auto alive = std::make_shared<bool>(true);
    find_resources(connection, "user_repos.full_name", "permissions.admin", limit, alive,
                   [&](const result<resource_names>& found) {
                     CAF_REQUIRE(found.has_value());
                     out = *found;
                   });
    while (!host.calls.empty()) {
      auto call = std::move(host.calls.front());
      host.calls.pop_front();
      call();
    }
    CAF_REQUIRE(out.has_value());
    return *out;
  }

  const connection_key of{user_id{"ann"}, platform_id{"github"}};
  platform_spec spec;
  memory_connections store;
  driver_ports ports;
  quiet_host host;
};

} // namespace

CAF_TEST(a repository that rests is found behind a thousand pushes to another) {
  fixture in;
  in.put("ann/rests", "1");
  for (int i = 0; i < 1200; ++i)
    in.put("ann/busy", std::to_string(i));
  auto found = in.find(100);
  CAF_CHECK(found.is_complete);
  CAF_CHECK((found.names == std::vector<std::string>{"ann/busy", "ann/rests"}));
}

CAF_TEST(the newest version of a thing decides whether it is wanted) {
  fixture in;
  in.put("ann/lost", "1", true);
  in.put("ann/won", "1", false);
  in.put("ann/lost", "2", false);
  in.put("ann/won", "2", true);
  CAF_CHECK((in.find(100).names == std::vector<std::string>{"ann/won"}));
}

CAF_TEST(of too many things it is said that there are more) {
  fixture in;
  for (int i = 0; i < 700; ++i)
    in.put("ann/repo-" + std::to_string(i), "1");
  auto found = in.find(100);
  CAF_CHECK(!found.is_complete);
  CAF_CHECK_EQUAL(found.names.size(), 100u);
  CAF_CHECK_EQUAL(found.names.front(), "ann/repo-699");
  auto all = in.find(700);
  CAF_CHECK(all.is_complete);
  CAF_CHECK_EQUAL(all.names.size(), 700u);
}
