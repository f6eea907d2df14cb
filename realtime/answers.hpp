// The payloads of our own messages, and the sentences of the original that clients and their
// developers know.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "realtime/changes.hpp"

namespace lapwing::realtime {

/// `{"status":"ok","response":{...}}`.
std::string ok_reply(std::string_view response = "{}");
/// `{"status":"error","response":{"reason":"..."}}`.
std::string error_reply(std::string_view reason);

/// The response of a join: the entries as they came, each with its id.
std::string join_response(const std::vector<change_entry>& entries);

/// `{"message":...,"status":...,"extension":...,"channel":...}`.
std::string system_payload(std::string_view extension, bool ok, std::string_view message,
                           std::string_view channel);

/// `{"ids":[...],"data":...}`.
std::string change_payload(const std::vector<std::uint32_t>& ids, std::string_view data);

/// Why a join is refused: "<code>: <text>".
namespace refusal {
inline constexpr std::string_view topic_name = "TopicNameRequired: You must provide a topic name";
inline constexpr std::string_view unmatched_topic = "unmatched topic";
inline constexpr std::string_view too_many_channels = "ChannelRateLimitReached: Too many channels";
inline constexpr std::string_view too_many_joins
  = "ClientJoinRateLimitReached: Too many joins per second";
inline constexpr std::string_view private_only
  = "PrivateOnly: This project only allows private channels";
inline constexpr std::string_view replay_public
  = "UnableToReplayMessages: Replay is not allowed for public channels";
inline constexpr std::string_view replay_params
  = "UnableToReplayMessages: Replay params are not valid";
inline constexpr std::string_view replay_failed
  = "UnableToReplayMessages: Realtime was unable to replay messages";
inline constexpr std::string_view unavailable
  = "UnableToConnectToProject: Realtime was unable to connect to the project database";
inline constexpr std::string_view no_connections
  = "DatabaseLackOfConnections: Database can't accept more connections, Realtime won't connect";
inline constexpr std::string_view query_canceled
  = "QueryCanceled: The policies of this Channel topic took too long";
inline constexpr std::string_view missing_partition
  = "MissingPartition: Realtime was unable to find the expected messages partition";
} // namespace refusal

/// What a token is refused with: the code for a join's reason, and the sentence.
struct token_refusal {
  std::string_view code; ///< "InvalidJWTToken", ...
  std::string text;
};
namespace token_problem {
token_refusal expired(std::int64_t seconds_ago);
token_refusal claims();    ///< No `role` or `exp`.
token_refusal malformed();
token_refusal signature();
token_refusal unavailable(); ///< The keys could not be had.
} // namespace token_problem

/// System messages that end a channel, without their variable parts.
namespace ending {
inline constexpr std::string_view too_many_messages = "Too many messages per second";
inline constexpr std::string_view client_presence = "Client presence rate limit exceeded";
inline constexpr std::string_view track_size = "Track message size exceeded";
inline constexpr std::string_view server = "Server requested disconnect";
inline constexpr std::string_view no_replication
  = "Replication connection was not established in time";
} // namespace ending

std::string may_not_read(std::string_view channel);
std::string may_no_longer_read(std::string_view channel);

/// In the answer to a broadcast to a private channel.
inline constexpr std::string_view not_kept = "The message could not be kept and was not sent";
inline constexpr std::string_view replay_incomplete
  = "Replay may be incomplete: older messages are not kept any more";
inline constexpr std::string_view presence_not_a_map = "Presence track payload must be a map";
/// A node that does not have the slot: only one has.
inline constexpr std::string_view streamed_elsewhere
  = "Another node streams the changes of this database; this one goes on when that one ends";
inline constexpr std::string_view subscribed = "Subscribed to PostgreSQL";
inline constexpr std::string_view replication_ready = "Replication connection established";

} // namespace lapwing::realtime
