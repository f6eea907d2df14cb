// Decides when which mail is sent, and what becomes of it: no store, no sockets, no clock. Whoever
// hosts it does what the orders say and tells what came of them.
//
//   a mail was stored, or the wake-up's time came -> look: the store is asked for what is due
//   claimed -> asks for an address if there is none -> sends -> settles: sent, again later, dead
//
// What Mailgun answered is written down before anything else is done with the mail, and as long as
// it could not be, the mail is not sent again. If the node dies between Mailgun's yes and that
// write, the claim runs out and the mail goes a second time, with the same Message-Id.
//
// Trouble that is not one mail's own closes the gate: nothing is sent for a while, then one mail
// tries; the first that is accepted opens it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/mail/mailgun.hpp"
#include "core/outbox.hpp"

namespace lapwing {

struct mailer_rules {
  std::size_t at_once_max = 8;               ///< Mails under way.
  std::uint32_t attempts_max = 20;           ///< That count; then the mail is a dead letter.
  std::chrono::milliseconds retry_min{5'000};
  std::chrono::milliseconds retry_max{3'600'000};
  std::chrono::milliseconds give_up_after{std::chrono::hours{72}}; ///< Whatever the reason.
};

/// What the host is to do, in this order.
struct mailer_orders {
  struct settlement {
    std::uint64_t id;
    std::uint64_t claim;
    outbox_outcome how;
  };
  struct request {
    std::uint64_t id;
    http_request what;
  };
  struct look {
    timestamp until; ///< Claims run out then.
    std::size_t limit;
  };
  std::vector<settlement> settle;
  std::vector<request> send;
  std::optional<look> claim;
};

/// What an operator should hear of; never of an address or of what a mail says.
enum class mail_news : std::uint8_t {
  sent,
  retried,      ///< It failed, and will be sent again.
  died,         ///< It is a dead letter.
  lost_claim,   ///< It took too long: somebody else may send it, too.
  we_refused,   ///< Mailgun does not accept our key, domain or account.
  works_again   ///< After we_refused or a longer trouble.
};

class mailer {
public:
  /// `chance` gives [0, 1); `tell` is called with the mail's number (0: none) and a cause.
  using news_listener = std::function<void(mail_news, std::uint64_t id, const std::string& cause)>;

  mailer(mailer_rules rules, std::function<double()> chance, news_listener tell);

  /// From the beginning, or changed: what was refused before may work now.
  void configure(mail_settings settings, timestamp now, mailer_orders& out);
  /// Something may have become due that the store has not told of.
  void look(timestamp now, mailer_orders& out);
  /// It is wake_at().
  void woken(timestamp now, mailer_orders& out);
  void claimed(const result<outbox_claims>& found, timestamp now, mailer_orders& out);
  /// What came of the last request for this mail.
  void answered(std::uint64_t id, const result<http_response>& answer, timestamp now,
                mailer_orders& out);
  void settled(std::uint64_t id, std::uint64_t claim, const result<bool>& done, timestamp now,
               mailer_orders& out);

  /// What is under way ends, and nothing new begins.
  void close() { closing_ = true; }
  /// It was closed, and all has ended.
  bool at_rest() const noexcept { return closing_ && flights_.empty() && !asking_; }

  /// When woken() is to be called if nothing happens before; nothing: never.
  std::optional<timestamp> wake_at() const;
  /// Why nothing is sent at the moment: "not_configured", or the cause of the trouble; "" all is well.
  std::string trouble() const;
  std::size_t under_way() const noexcept { return flights_.size(); }

private:
  enum class phase : std::uint8_t { asking_address, sending, settling, unsaved };

  struct flight {
    outbox_claim entry;
    mail what;
    phase at = phase::sending;
    outbox_outcome outcome;
    bool told_before = false;               ///< A settlement of it may have had its effect.
    std::optional<timestamp> save_again_at; ///< Of `unsaved`.
  };

  void go_on(timestamp now, mailer_orders& out);
  void take(const outbox_claim& entry, timestamp now, mailer_orders& out);
  void send(flight& one, timestamp now, mailer_orders& out);
  void conclude(flight& one, const mail_verdict& verdict, timestamp now, mailer_orders& out);
  void put_back(const outbox_claim& entry, timestamp now, mailer_orders& out);
  void bury(flight& one, std::string cause, timestamp now, mailer_orders& out);
  void settle(flight& one, mailer_orders& out);
  void save_what_is_unsaved(timestamp now, mailer_orders& out);
  void close_gate(const mail_verdict& verdict, timestamp now);
  void open_gate();
  std::size_t room(timestamp now) const;
  std::chrono::milliseconds back_off(std::uint32_t failures, std::chrono::milliseconds max);

  mailer_rules rules_;
  std::function<double()> chance_;
  news_listener tell_;
  mail_settings settings_;
  std::map<std::uint64_t, flight> flights_; ///< By id; at most at_once_max.
  bool closing_ = false;
  bool asking_ = false;       ///< The store is.
  bool look_again_ = false;   ///< Something may have become due since it was asked.
  std::optional<timestamp> next_look_; ///< When something is due, as the store said.
  std::uint32_t store_failures_ = 0;   ///< In a row.
  // The gate.
  std::uint32_t troubles_ = 0;         ///< In a row; 0: it is open.
  timestamp closed_until_{};
  std::string trouble_;
  bool refused_ = false; ///< The operator was told.
};

} // namespace lapwing
