#define CAF_SUITE load_readers
#include "tests/support/caf_test.hpp"

#include <string>
#include <vector>

#include "benchmarks/load/http_response.hpp"
#include "benchmarks/load/sse_reader.hpp"
#include "benchmarks/load/ws_frame.hpp"

using namespace lapwing::load;

namespace {

std::string shown(const sse_event& event) {
  return std::string{event.type} + "|" + std::string{event.id} + "|" + std::string{event.data};
}

/// Feeds `text` in two pieces, as a stream would: what the first read left is given again.
std::vector<std::string> read_split(const std::string& text, std::size_t split) {
  std::vector<std::string> out;
  const auto note = [&](const sse_event& event) { out.push_back(shown(event)); };
  const auto first = text.substr(0, split);
  const auto used = read_sse(first, note);
  read_sse(first.substr(used) + text.substr(split), note);
  return out;
}

std::string text_frame(std::string_view payload, bool final = true, unsigned opcode = 1) {
  std::string out;
  out += static_cast<char>((final ? 0x80U : 0U) | opcode);
  if (payload.size() < 126) {
    out += static_cast<char>(payload.size());
  } else {
    out += static_cast<char>(126);
    out += static_cast<char>(payload.size() >> 8);
    out += static_cast<char>(payload.size() & 0xffU);
  }
  return out.append(payload);
}

} // namespace

CAF_TEST(server sent events are the same however the bytes are cut) {
  const std::string text = "retry: 2000\n\n: a comment\n\ndata: {\"type\":\"connected\"}\nid: u1\n\n"
                           "event: bench\r\nid: u2,b7\r\ndata:no space\r\n\r\n"
                           "data: one\ndata: two\ndata:\n\nid: only\n\nevent: nothing\n\n";
  const std::vector<std::string> wanted{"|u1|{\"type\":\"connected\"}", "bench|u2,b7|no space",
                                        "||one\ntwo\n", "|only|"};
  for (std::size_t split = 0; split <= text.size(); ++split)
    CAF_REQUIRE(read_split(text, split) == wanted);
}

CAF_TEST(chunks come out the same however the bytes are cut) {
  const std::string text = "5\r\nhello\r\n7;name=\"v\"\r\n, world\r\n0\r\nTrailer: x\r\n\r\nrest";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    chunk_decoder decoder;
    auto first = text.substr(0, split);
    auto second = text.substr(split);
    const auto first_size = decoder.decode(first.data(), first.size());
    const auto second_size = decoder.decode(second.data(), second.size());
    CAF_CHECK_EQUAL(first.substr(0, first_size) + second.substr(0, second_size), "hello, world");
    CAF_CHECK(decoder.complete());
  }
}

CAF_TEST(what is no chunk is broken) {
  for (std::string text : {"x\r\n", "\r\n", "2\r\nabc", "fffffffffffffffff\r\n"}) {
    chunk_decoder decoder;
    decoder.decode(text.data(), text.size());
    CAF_CHECK(decoder.broken());
  }
}

CAF_TEST(a response head tells its status and how its body ends) {
  const std::string text = "HTTP/1.1 202 Accepted\r\ncontent-length:  12 \r\nConnection: Close\r\n\r\n";
  response_head head;
  std::size_t used = 0;
  for (std::size_t size = 0; size < text.size(); ++size)
    CAF_CHECK(parse_response_head(text.substr(0, size), head, used) == parsed::need_more);
  CAF_REQUIRE(parse_response_head(text + "body", head, used) == parsed::complete);
  CAF_CHECK_EQUAL(used, text.size());
  CAF_CHECK_EQUAL(head.status, 202);
  CAF_CHECK(head.content_length == 12u);
  CAF_CHECK(!head.keep_alive);
  CAF_CHECK(!head.chunked);
}

CAF_TEST(what is no response head is broken) {
  response_head head;
  std::size_t used = 0;
  for (const char* text :
       {"SSH-2.0\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"})
    CAF_CHECK(parse_response_head(text, head, used) == parsed::broken);
  CAF_CHECK(parse_response_head(std::string(response_head_max + 1, 'a'), head, used)
            == parsed::broken);
}

CAF_TEST(a websocket frame is read when its last byte is there) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 300U}) {
    const std::string payload(size, 'p');
    const auto bytes = text_frame(payload);
    ws_frame frame;
    std::size_t used = 0;
    for (std::size_t part = 0; part < bytes.size(); ++part)
      CAF_REQUIRE(read_ws_frame(std::string_view{bytes}.substr(0, part), 1000, frame, used)
                  == ws_read::need_more);
    CAF_REQUIRE(read_ws_frame(bytes, 1000, frame, used) == ws_read::frame);
    CAF_CHECK_EQUAL(used, bytes.size());
    CAF_CHECK_EQUAL(frame.payload, payload);
    CAF_CHECK(frame.final);
    CAF_CHECK(frame.opcode == ws_opcode::text);
  }
}

CAF_TEST(masked and reserved and oversized frames are broken) {
  ws_frame frame;
  std::size_t used = 0;
  std::string masked;
  append_ws_frame(masked, ws_opcode::text, "x");
  CAF_CHECK(read_ws_frame(masked, 1000, frame, used) == ws_read::broken);
  auto reserved = text_frame("x");
  reserved[0] = static_cast<char>(reserved[0] | 0x40);
  CAF_CHECK(read_ws_frame(reserved, 1000, frame, used) == ws_read::broken);
  CAF_CHECK(read_ws_frame(text_frame(std::string(300, 'x')), 299, frame, used)
            == ws_read::broken);
}

CAF_TEST(client frames are masked and carry their length) {
  for (const std::size_t size : {0U, 125U, 126U, 65535U, 65536U}) {
    const std::string payload(size, 'p');
    std::string bytes;
    append_ws_frame(bytes, ws_opcode::text, payload);
    const std::size_t head = size < 126 ? 2 : size < 65536 ? 4 : 10;
    CAF_REQUIRE_EQUAL(bytes.size(), head + 4 + size);
    CAF_CHECK_EQUAL(static_cast<unsigned char>(bytes[0]), 0x81u);
    CAF_CHECK((static_cast<unsigned char>(bytes[1]) & 0x80U) != 0);
    for (std::size_t i = 0; i < size; ++i)
      CAF_REQUIRE_EQUAL(bytes[head + 4 + i] ^ bytes[head + i % 4], 'p');
  }
}
