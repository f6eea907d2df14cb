// The calls of a connection_store as functions that wait for their answer, and the things that tests
// hand to them. A CAF test file includes this after its CAF_SUITE line and caf/test/unit_test.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/node_store.hpp"
#include "tests/storage/event_store_contract.hpp"

namespace lapwing::connection_contract {

using store_contract::a_request;
using store_contract::ann;
using store_contract::append_one;
using store_contract::at;
using store_contract::awaited;

inline const std::string first_key(64, 'a');
inline const std::string second_key(64, 'b');

inline const connection_key ann_spotify{user_id{"ann"}, platform_id{"spotify"}};
inline const connection_key bob_github{user_id{"bob"}, platform_id{"github"}};
inline const connection_key nobody{user_id{"nobody"}, platform_id{"github"}};

/// 2026-11-21T09:00:00.123Z, and so many milliseconds.
inline timestamp nine(std::int64_t plus = 0) {
  return at(1'795'251'600'123 + plus);
}

template <class T>
T value(result<T> answer, const char* what) {
  if (!answer)
    CAF_FAIL(what << " failed: " << answer.error().detail);
  return std::move(*answer);
}

inline connection a_connection(const connection_key& which = ann_spotify) {
  connection fresh;
  fresh.user = which.user;
  fresh.platform = which.platform;
  fresh.account = "ann@example.com";
  fresh.tokens.access_token = "plain-access-token-1";
  fresh.tokens.refresh_token = "plain-refresh-token-1";
  fresh.tokens.expires_at = nine(3'600'000);
  fresh.tokens.grant_expires_at = nine(15'552'000'000);
  fresh.tokens.scopes = "user-read-recently-played user-read-currently-playing";
  fresh.granted_at = nine();
  return fresh;
}

inline token_set other_tokens() {
  return {"plain-access-token-2", "plain-refresh-token-2", nine(7'200'000), nine(9'000'000'000),
          "one two"};
}

inline poll_progress some_progress(const std::string& endpoint = "recently_played") {
  return {endpoint, "1795251600000", "\"etag\"", nine(1000), nine(1'801'000), 0};
}

inline registration a_registration(const std::string& resource = "octo/repo") {
  return {resource,   "hook-1",        "plain-hook-secret",   "active",     "",
          "{\"a\":1}", nine(86'400'000), nine(80'000'000), nine(5000)};
}

inline std::uint64_t connect(node_store& store, connection fresh, timestamp due = nine(60'000)) {
  awaited<std::uint64_t> answer;
  store.connections().connect(std::move(fresh), due, answer.callback());
  return value(answer.get(), "connect");
}

inline result<std::optional<loaded_connection>> try_load(node_store& store,
                                                         const connection_key& which) {
  awaited<std::optional<loaded_connection>> answer;
  store.connections().load(which, answer.callback());
  return answer.get();
}

inline loaded_connection load(node_store& store, const connection_key& which = ann_spotify) {
  auto loaded = value(try_load(store, which), "load");
  if (!loaded)
    CAF_FAIL("there is no such connection");
  return std::move(*loaded);
}

inline std::vector<loaded_connection> list(node_store& store, const user_id& user) {
  awaited<std::vector<loaded_connection>> answer;
  store.connections().list(user, answer.callback());
  return value(answer.get(), "list");
}

inline result<bool> note_refresh(node_store& store, const connection_key& which,
                                 refresh_note what) {
  awaited<bool> answer;
  store.connections().note_refresh(which, std::move(what), answer.callback());
  return answer.get();
}

/// The first note of a refresh of these tokens.
inline result<bool> note_refresh(node_store& store, const connection_key& which,
                                 std::uint64_t version, timestamp began) {
  return note_refresh(store, which, {version, std::nullopt, began, ""});
}

inline result<bool> save_tokens(node_store& store, const connection_key& which,
                                std::uint64_t expected, token_set tokens,
                                timestamp due = nine(70'000)) {
  awaited<bool> answer;
  store.connections().save_tokens(which, expected, std::move(tokens), due, answer.callback());
  return answer.get();
}

inline result<bool> save_status(node_store& store, const connection_key& which,
                                connection_status status, std::string cause = "",
                                std::string message = "") {
  awaited<bool> answer;
  store.connections().save_status(which, status, std::move(cause), std::move(message),
                                  answer.callback());
  return answer.get();
}

inline result<bool> save_progress(node_store& store, const connection_key& which,
                                  poll_progress progress, timestamp due) {
  awaited<bool> answer;
  store.connections().save_progress(which, std::move(progress), due, answer.callback());
  return answer.get();
}

inline result<std::vector<std::string>> unknown_keys(node_store& store,
                                                     const connection_key& which,
                                                     std::string data_type,
                                                     std::vector<std::string> keys) {
  awaited<std::vector<std::string>> answer;
  store.connections().unknown_keys(which, std::move(data_type), std::move(keys),
                                   answer.callback());
  return answer.get();
}

inline result<bool> save_registration(node_store& store, const connection_key& which,
                                      registration what, timestamp due = nine(80'000)) {
  awaited<bool> answer;
  store.connections().save_registration(which, std::move(what), due, answer.callback());
  return answer.get();
}

inline result<bool> remove_registration(node_store& store, const connection_key& which,
                                        std::string resource) {
  awaited<bool> answer;
  store.connections().remove_registration(which, std::move(resource), answer.callback());
  return answer.get();
}

inline result<bool> disconnect(node_store& store, const connection_key& which) {
  awaited<bool> answer;
  store.connections().disconnect(which, answer.callback());
  return answer.get();
}

inline std::vector<connection_key> due(node_store& store, timestamp until, std::size_t limit = 100,
                                       platform_id platform = platform_id{"spotify"}) {
  awaited<std::vector<connection_key>> answer;
  store.connections().due(std::move(platform), until, limit, answer.callback());
  return value(answer.get(), "due");
}

inline result<bool> set_due(node_store& store, const connection_key& which, timestamp when) {
  awaited<bool> answer;
  store.connections().set_due(which, when, answer.callback());
  return answer.get();
}

inline result<std::size_t> reencrypt(node_store& store, std::size_t limit) {
  awaited<std::size_t> answer;
  store.connections().reencrypt(limit, answer.callback());
  return answer.get();
}

inline oauth_state a_state(std::string text = "state-1") {
  return {std::move(text), ann_spotify, "plain-verifier", "/done", nine(600'000)};
}

inline result<bool> put_state(node_store& store, oauth_state state) {
  awaited<bool> answer;
  store.connections().put_oauth_state(std::move(state), answer.callback());
  return answer.get();
}

inline result<std::optional<oauth_state>> take_state(node_store& store, std::string state,
                                                     timestamp now = nine()) {
  awaited<std::optional<oauth_state>> answer;
  store.connections().take_oauth_state(std::move(state), now, answer.callback());
  return answer.get();
}

inline sync_effect an_effect(std::vector<polled_item> items = {{"k1", "{\"n\":1}"},
                                                               {"k2", "{\"n\":2}"}}) {
  return {ann_spotify, "recently_played", std::move(items), some_progress(), nine(1'801'000)};
}

inline append_request with_effect(sequence seq, std::string delivery, sync_effect effect) {
  auto request = a_request(ann, seq, std::move(delivery));
  request.with = std::make_shared<const sync_effect>(std::move(effect));
  return request;
}

inline bool same_tokens(const token_set& a, const token_set& b) {
  return a.access_token == b.access_token && a.refresh_token == b.refresh_token
         && a.expires_at == b.expires_at && a.grant_expires_at == b.grant_expires_at
         && a.scopes == b.scopes;
}

} // namespace lapwing::connection_contract
