// RFC 6455 read from a client, split at every byte.
#define CAF_SUITE websocket_reader

#include "tests/support/caf_test.hpp"

#include <string>
#include <vector>

#include "net/stream/websocket_frame.hpp"
#include "net/stream/websocket_reader.hpp"

using namespace lapwing;

namespace {

using event = websocket_reader::event;

std::string masked(std::string_view payload, unsigned first_byte, int length_bytes = -1) {
  std::string out;
  out += static_cast<char>(first_byte);
  if (length_bytes < 0)
    length_bytes = payload.size() < 126 ? 0 : payload.size() < 65536 ? 2 : 8;
  out += static_cast<char>(0x80 | (length_bytes == 0   ? payload.size()
                                   : length_bytes == 2 ? 126
                                                       : 127));
  for (int shift = 8 * (length_bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>((payload.size() >> shift) & 0xff);
  std::string_view key{"\xa1\x02\xf3\x44", 4};
  out += key;
  for (std::size_t i = 0; i < payload.size(); ++i)
    out += static_cast<char>(payload[i] ^ key[i % 4]);
  return out;
}

std::string shown(const websocket_reader::step& s) {
  switch (s.what) {
    case event::need_more: return "more";
    case event::text: return "text " + std::string{s.payload};
    case event::binary: return "binary " + std::string{s.payload};
    case event::ping: return "ping " + std::string{s.payload};
    case event::pong: return "pong " + std::string{s.payload};
    case event::close: return "close " + std::to_string(s.close_code);
    case event::violation: return "violation " + std::to_string(s.close_code);
  }
  return {};
}

/// Reads `bytes` given in pieces of `piece` bytes.
std::vector<std::string> read_all(std::string bytes, std::size_t piece, std::size_t max = 1 << 20) {
  websocket_reader reader{max};
  std::vector<std::string> out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    auto part = bytes.substr(at, piece); // Own storage: nothing may point into the last piece.
    std::span<char> span{part};
    for (;;) {
      auto step = reader.next(span);
      if (step.what == event::need_more)
        break;
      out.push_back(shown(step));
      if (step.what == event::violation)
        return out;
    }
    CAF_CHECK(span.empty());
  }
  return out;
}

void check_every_split(const std::string& bytes, const std::vector<std::string>& expected) {
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece)
    CAF_CHECK_EQUAL(read_all(bytes, piece), expected);
  // One cut anywhere.
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    websocket_reader reader{1 << 20};
    std::vector<std::string> out;
    for (auto part : {bytes.substr(0, cut), bytes.substr(cut)}) {
      std::span<char> span{part};
      for (auto step = reader.next(span); step.what != event::need_more; step = reader.next(span))
        out.push_back(shown(step));
    }
    CAF_CHECK_EQUAL(out, expected);
    CAF_CHECK(reader.idle());
  }
}

} // namespace

CAF_TEST(messages and control frames come out whatever the pieces) {
  check_every_split(masked("hello", 0x81) + masked("", 0x81) + masked("\x01\x02", 0x82)
                      + masked("p", 0x89) + masked("q", 0x8a) + masked("\x03\xe8reason", 0x88),
                    {"text hello", "text ", "binary \x01\x02", "ping p", "pong q", "close 1000"});
}

CAF_TEST(fragments are joined and control frames pass between them) {
  check_every_split(masked("ab", 0x01) + masked("1", 0x89) + masked("", 0x00) + masked("cd", 0x00)
                      + masked("2", 0x89) + masked("ef", 0x80) + masked("next", 0x81),
                    {"ping 1", "ping 2", "text abcdef", "text next"});
}

CAF_TEST(a character split between fragments is one character) {
  check_every_split(masked("\xe2\x82", 0x01) + masked("\xac", 0x80), {"text \xe2\x82\xac"});
}

CAF_TEST(lengths of two and eight bytes are read) {
  std::string medium(300, 'm');
  std::string large(70000, 'l');
  for (std::size_t piece : {std::size_t{1000}, std::size_t{7}, std::size_t{100000}})
    CAF_CHECK_EQUAL(read_all(masked(medium, 0x81) + masked(large, 0x82), piece),
                    (std::vector<std::string>{"text " + medium, "binary " + large}));
}

CAF_TEST(violations have the code of the standard) {
  const struct {
    std::string bytes;
    const char* expected;
  } table[] = {
    {std::string{"\x81\x02hi", 4}, "violation 1002"},
    {masked("a", 0xc1), "violation 1002"},
    {masked("a", 0xa1), "violation 1002"},
    {masked("a", 0x91), "violation 1002"},
    {masked("a", 0x83), "violation 1002"},
    {masked("a", 0x8b), "violation 1002"},
    {masked("a", 0x8f), "violation 1002"},
    {masked("a", 0x09), "violation 1002"},
    {masked(std::string(126, 'x'), 0x89), "violation 1002"},
    {masked("a", 0x80), "violation 1002"},
    {masked("a", 0x81, 2), "violation 1002"},
    {masked("a", 0x81, 8), "violation 1002"},
    {masked("x", 0x88), "violation 1002"},
    {masked(std::string{"\x03\xec", 2}, 0x88), "violation 1002"},
    {masked(std::string{"\x03\xed", 2}, 0x88), "violation 1002"},
    {masked(std::string{"\x03\xe7", 2}, 0x88), "violation 1002"},
    {masked(std::string{"\x07\xd0", 2}, 0x88), "violation 1002"},
    {masked(std::string{"\x13\x88", 2}, 0x88), "violation 1002"},
    {masked(std::string{"\x03\xe8\xc0", 3}, 0x88), "violation 1007"},
    {masked("\xc0\x80", 0x81), "violation 1007"},
    {masked("\xed\xa0\x80", 0x81), "violation 1007"},
    {masked("\xf4\x90\x80\x80", 0x81), "violation 1007"},
    {std::string{"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10} + "abcd", "violation 1002"},
    {std::string{"\x81\xff\x00\x00\x00\x01\x00\x00\x00\x00", 10} + "abcd", "violation 1009"},
  };
  for (auto& row : table)
    for (std::size_t piece = 1; piece <= row.bytes.size(); ++piece)
      CAF_CHECK_EQUAL(read_all(row.bytes, piece), std::vector<std::string>{row.expected});
}

CAF_TEST(a message may not pass the bound in fragments either) {
  CAF_CHECK_EQUAL(read_all(masked("123456", 0x01) + masked("78901", 0x80), 1000, 10),
                  std::vector<std::string>{"violation 1009"});
  CAF_CHECK_EQUAL(read_all(masked("123456", 0x01) + masked("7890", 0x80), 1000, 10),
                  std::vector<std::string>{"text 1234567890"});
}

CAF_TEST(nothing is kept between whole messages) {
  websocket_reader reader{1000};
  auto bytes = masked("hello", 0x81);
  std::span<char> span{bytes};
  reader.next(span);
  CAF_CHECK(reader.idle());
  CAF_CHECK(sizeof reader <= 16);
}

CAF_TEST(the accept key is the standards) {
  CAF_CHECK_EQUAL(websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CAF_CHECK(valid_websocket_key("dGhlIHNhbXBsZSBub25jZQ=="));
  CAF_CHECK(!valid_websocket_key("dGhlIHNhbXBsZSBub25jZQ="));
  CAF_CHECK(!valid_websocket_key(""));
}

CAF_TEST(close reasons are cut at a whole character) {
  std::string frame;
  append_websocket_close(frame, 1000, std::string(122, 'a') + "\xe2\x82\xac");
  CAF_CHECK_EQUAL(frame.size(), 2u + 2u + 122u);
}

CAF_TEST(server frames have the shortest length) {
  for (auto [payload, header] : {std::pair<std::size_t, std::size_t>{125, 2}, {126, 4}, {65535, 4},
                                 {65536, 10}}) {
    std::string frame;
    append_websocket_frame(frame, websocket_opcode::text, std::string(payload, 'x'));
    CAF_CHECK_EQUAL(frame.size(), payload + header);
  }
}
