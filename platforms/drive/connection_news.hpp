// What a connection tells its person: the events of CONTRACT 4 that are its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "core/connection_store.hpp"
#include "core/engine.hpp"
#include "platforms/monitor/method_choice.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

/// connection_status. `delivery_id`: the same thing said twice is stored once; "" always new.
publish_request status_news(const connection_key& of, const status_report& report,
                            std::string message, std::string delivery_id);
/// platform_sync. Without new items it goes to open streams alone.
publish_request sync_news(const connection_key& of, std::chrono::milliseconds took,
                          std::size_t items);
/// token_refresh, to open streams alone.
publish_request refresh_news(const connection_key& of, const std::string& title);

/// What a report means, in a sentence for people: "GitHub: webhooks work again".
std::string sentence_of(const status_report& report, const std::string& title);

} // namespace lapwing
