#define CAF_SUITE poll_summary
#include "tests/support/caf_test.hpp"

#include "platforms/poll/resource_list.hpp"
#include "platforms/poll/sync_summary.hpp"

using namespace lapwing;

CAF_TEST(new data has its count and type at the top and in data) {
  auto draft = new_data_event("spotify", "Spotify", "recently_played", 3);
  CAF_CHECK_EQUAL(draft.type, "new_data");
  CAF_CHECK_EQUAL(draft.platform, "spotify");
  CAF_CHECK_EQUAL(draft.message, "3 new recently played on Spotify");
  CAF_CHECK_EQUAL(draft.extras, "\"count\":3,\"dataType\":\"recently_played\"");
  CAF_CHECK_EQUAL(draft.data, "{\"count\":3,\"dataType\":\"recently_played\"}");
}

CAF_TEST(a sync is summed up by data type) {
  sync_summary summary;
  CAF_CHECK_EQUAL(summary.json(), "{}");
  summary.add("messages", 2);
  summary.add("events", 1);
  summary.add("messages", 3);
  CAF_CHECK_EQUAL(summary.total(), 6u);
  CAF_CHECK_EQUAL(summary.json(), "{\"messages\":5,\"events\":1}");
}

CAF_TEST(resources are what another endpoint found) {
  auto source = resource_source_of("user_repos.owner.login");
  CAF_CHECK_EQUAL(source.endpoint, "user_repos");
  CAF_CHECK_EQUAL(source.path, "owner.login");
  std::vector<polled_item> items{{"1", R"({"owner":{"login":"ann"}})"},
                                 {"2", R"({"owner":null})"},
                                 {"3", "broken"},
                                 {"4", R"({"owner":{"login":"ann"}})"},
                                 {"5", R"({"owner":{"login":17}})"},
                                 {"6", R"({"owner":{"login":"bob"}})"}};
  auto found = resources_in(items, source.path, 2);
  CAF_REQUIRE(found.size() == 2);
  CAF_CHECK_EQUAL(found[0], "ann");
  CAF_CHECK_EQUAL(found[1], "17");
}
