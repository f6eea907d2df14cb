// Keeps the tokens of one connection fresh: the whole of it as a state machine without clock,
// threads or I/O. The actor carries out the decisions and tells what came of them.
//
//   idle --due, needed or refused--> noting -> asking -> saving -> idle, with new tokens
//     asking: failed for now -> resting (backs off) -> asking again with the same refresh token
//     asking: refused for good -> reloading: still the tokens we used? -> over (needs_reauth)
//                                            newer ones are stored?    -> idle, with those
//     saving: somebody else stored first -> reloading
//     noting: somebody else is asking    -> reloading -> resting until that has an end
//     saving, reloading: the store is away -> waits and tries again; new tokens stay in hand
//
// Promises: one refresh at a time, of all keepers of one row, too: it is on disk that one was begun
// before it is sent, and who finds such a note waits until its answer must have come; new tokens are
// on disk before anybody gets to see them; only a definite answer of the token endpoint (or of
// the API, to a token just refreshed) ends a connection, and only when the store still has the
// tokens that were refused.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/connection_store.hpp"
#include "platforms/oauth/token_answer.hpp"
#include "platforms/oauth/token_memory.hpp"
#include "platforms/spec.hpp"

namespace lapwing {

class token_keeper {
public:
  // Decisions ----------------------------------------------------------------------------------
  // `step` comes back with what came of it; a step that is not the current one is ignored.

  /// connection_store::note_refresh, then `noted`; or, where the token endpoint is known not to
  /// work, nothing but `held`.
  struct note {
    std::uint64_t step;
    refresh_note what;
  };
  /// connection_store::note_refresh; what comes of it does not matter.
  struct remember {
    refresh_note what;
  };
  /// refresh_request, http_client::send and read_token_answer, then `answered`.
  struct ask {
    std::uint64_t step;
    std::string refresh_token;
  };
  /// connection_store::save_tokens, then `saved`.
  struct save {
    std::uint64_t step;
    std::uint64_t expected; ///< Version that must still be stored.
    token_set tokens;       ///< Whole: with the old refresh token where the answer had none.
    timestamp due;          ///< When the next refresh is; timestamp::max(): none is planned.
  };
  /// connection_store::load, then `loaded`, `load_failed` or `gone`.
  struct reload {
    std::uint64_t step;
  };
  /// connection_store::save_status(needs_reauth, cause, message), and tell the person. Said once.
  struct end {
    std::string cause;   ///< "grant_ended", "grant_refused", "token_rejected", "token_expired".
    std::string message;
  };
  /// Tell the person that the grant itself will end. Said again after a restart: `key` tells it is
  /// the same.
  struct warn {
    timestamp ends_at;
    int days; ///< 14, 3 or 1: at most so many are left.
    std::string key;
  };
  /// New tokens are stored and in use (the event token_refresh).
  struct refreshed {
    std::uint64_t version;
  };

  using decision = std::variant<note, remember, ask, save, reload, end, warn, refreshed>;
  using decisions = std::vector<decision>;

  // Answers to somebody who needs a token --------------------------------------------------------

  enum class verdict : std::uint8_t {
    use,   ///< `access_token` is good.
    wait,  ///< Soon; ask again after the next input.
    later, ///< Not before `retry_at`: the token endpoint or the store is away.
    never  ///< The person must connect again.
  };
  struct need_answer {
    verdict what;
    std::string_view access_token; ///< Until the next call.
    std::uint64_t version = 0;     ///< To be named in `rejected`.
    timestamp retry_at{};
  };

  /// What is wrong at the moment, for the connection doctor.
  struct trouble_report {
    token_failure_kind kind;
    std::string code;
    timestamp since;
    timestamp retry_at;
  };

  enum class phase : std::uint8_t {
    unloaded,
    idle,
    noting,
    asking,
    resting,
    saving,
    save_resting,
    reloading,
    reload_resting,
    over
  };

  /// `platform` must outlive this.
  explicit token_keeper(const platform_spec& platform) : platform_(&platform) {}

  // Inputs ---------------------------------------------------------------------------------------
  // `chance` is a random number in [0, 1). After each of them ask `need` again for those who wait,
  // and set the timer to `due`. An answer that is late, or of an earlier step, changes nothing.

  /// The row, at first, after `reload`, and after a person connected again. One that is no news
  /// while a refresh is under way changes nothing.
  decisions loaded(const connection& row, timestamp now, double chance);
  decisions load_failed(std::uint64_t step, timestamp now, double chance);
  /// There is no such connection any more, or the person disconnected it.
  void gone();

  /// Somebody is about to use a token.
  need_answer need(timestamp now, decisions& out);
  /// The API answered 401 to the token of `version`. At most once for each request of somebody's.
  decisions rejected(std::uint64_t version, timestamp now);

  /// At `due`.
  decisions tick(timestamp now);
  /// An outside scheduler asks to look: refreshes what is within the ten minutes, without jitter.
  decisions look(timestamp now);

  decisions noted(std::uint64_t step, const result<bool>& outcome, timestamp now, double chance);
  /// Nothing was noted: the token endpoint is not to be asked before `until`.
  void held(std::uint64_t step, timestamp until, timestamp now, double chance);
  decisions answered(std::uint64_t step, token_outcome outcome, timestamp now, double chance);
  decisions saved(std::uint64_t step, const result<bool>& outcome, timestamp now, double chance);

  // State ----------------------------------------------------------------------------------------

  /// When `tick` has something to do; nothing while only an answer is awaited.
  std::optional<timestamp> due() const;
  phase state() const noexcept { return phase_; }
  std::uint64_t version() const noexcept { return version_; }
  const token_set& tokens() const noexcept { return tokens_; }
  std::optional<trouble_report> trouble() const;
  std::optional<timestamp> grant_ends() const;

private:
  bool refreshable() const;
  bool usable(timestamp now) const;
  void adopt(const connection& row, timestamp now, double chance);
  /// `issued`: when the tokens were made, where it is known.
  void schedule(const token_set& tokens, std::optional<timestamp> issued, timestamp now,
                double chance);
  void begin(timestamp now, bool for_rejection, decisions& out);
  /// Until the answer to a refresh that is noted must have come, if it is still under way.
  std::optional<timestamp> awaited_until(timestamp now) const;
  refresh_note note_of(std::optional<timestamp> began) const;
  void rest(phase where, std::chrono::milliseconds delay, timestamp now);
  void failed(const token_failure& failure, timestamp now, double chance, decisions& out);
  void check_with_store(std::string cause, std::string message, decisions& out);
  void expired(decisions& out);
  void emit_save(decisions& out);
  void emit_reload(decisions& out);
  void finish(decisions& out);
  void look_at_grant(timestamp now, decisions& out);
  bool rested(timestamp now) const;

  const platform_spec* platform_;
  token_set tokens_;
  timestamp granted_at_{};
  std::uint64_t version_ = 0;
  std::uint64_t step_ = 0;
  phase phase_ = phase::unloaded;
  std::optional<timestamp> began_; ///< Since when, as the row has it, a refresh is asked for.
  timestamp noting_{};             ///< What it becomes with the note under way.
  bool rejected_ = false;      ///< The API refused the current access token.
  bool for_rejection_ = false; ///< The refresh under way was begun because of that.
  std::uint32_t store_failure_count_ = 0; ///< In a row.
  timestamp refresh_from_ = timestamp::max(); ///< Ten minutes ahead, or halfway.
  timestamp refresh_at_ = timestamp::max();   ///< The same with jitter.
  token_memory memory_;
  std::unique_ptr<token_set> fresh_; ///< Answered and not stored yet.
  std::string end_cause_;            ///< Why to end, unless the store has newer tokens.
  std::string end_message_;
};

} // namespace lapwing
