// The client against a server that misbehaves in every way a server can.
#define CAF_SUITE outbound_client
#include "tests/support/caf_test.hpp"

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "tests/net/outbound/asking.hpp"
#include "tests/net/outbound/gzip.hpp"
#include "tests/net/outbound/scripted_server.hpp"

using namespace lapwing;
using namespace lapwing::testing;
using namespace std::chrono_literals;
using lapwing::net::outbound_client;
using lapwing::net::outbound_failure;
using lapwing::net::outbound_rules;

namespace {

struct world {
  explicit world(outbound_rules rules = loopback_rules()) : client(io, std::move(rules)) {}

  asked_ptr run(http_request request) {
    auto one = ask(client, std::move(request));
    CAF_CHECK(finish(io, {one}));
    CAF_CHECK_EQUAL(one->calls, 1);
    return one;
  }

  std::uint64_t failed(outbound_failure what) const { return client.metrics().failed(what); }

  boost::asio::io_context io;
  scripted_server server{io};
  outbound_client client;
};

} // namespace

CAF_TEST(a request goes out as it was given and the answer comes back whole) {
  world w;
  w.server.handle = [](const served_request&) {
    return answer("{\"a\":1}", "Content-Type: application/json\r\nX-Two: 1\r\nX-Two: 2\r\n",
                  "201 Created");
  };
  auto request = post(w.server.url("/path?query=1"), "grant_type=x");
  request.headers = {{"Authorization", "Bearer t"}, {"X-Empty", ""}};
  auto one = w.run(std::move(request));
  CAF_CHECK_EQUAL(one->status(), 201);
  CAF_CHECK_EQUAL(one->body(), "{\"a\":1}");
  CAF_REQUIRE(one->code() == errc::none);
  const auto& response = **one->outcome;
  CAF_CHECK_EQUAL(response.header("content-type"), "application/json");
  CAF_REQUIRE_EQUAL(response.headers.size(), 4u);
  CAF_CHECK_EQUAL(response.headers[2].second, "2");
  CAF_REQUIRE_EQUAL(w.server.requests().size(), 1u);
  const auto& seen = w.server.requests().front();
  CAF_CHECK_EQUAL(seen.method, "POST");
  CAF_CHECK_EQUAL(seen.target, "/path?query=1");
  CAF_CHECK_EQUAL(seen.body, "grant_type=x");
  CAF_CHECK(seen.has("Authorization: Bearer t\r\n"));
  CAF_CHECK(seen.has("X-Empty:\r\n"));
  CAF_CHECK(seen.has("User-Agent: lapwing\r\n"));
  CAF_CHECK(!seen.has("Expect:"));
  CAF_CHECK(!seen.has("Content-Type:"));
}

CAF_TEST(every method says what it is and a large body goes out whole) {
  world w;
  for (const char* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
    for (std::size_t size : {0u, 5u, 300'000u}) {
      http_request request;
      request.method = method;
      request.url = w.server.url();
      if (request.method != "HEAD")
        request.body.assign(size, 'b');
      auto body = request.body;
      w.server.handle = [head = request.method == "HEAD"](const served_request&) {
        return head ? served_reply{"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", false}
                    : answer("ok");
      };
      auto one = w.run(std::move(request));
      CAF_CHECK_EQUAL(one->status(), 200);
      CAF_CHECK_EQUAL(w.server.requests().back().method, method);
      CAF_CHECK(w.server.requests().back().body == body);
      CAF_CHECK(!w.server.requests().back().has("Expect:"));
    }
}

CAF_TEST(a connection is kept and used again) {
  world w;
  for (int i = 0; i < 20; ++i)
    CAF_CHECK_EQUAL(w.run(get(w.server.url()))->status(), 200);
  CAF_CHECK_EQUAL(w.server.connections(), 1u);
  CAF_CHECK_EQUAL(w.client.metrics().connections.load(), 1u);
  CAF_CHECK_EQUAL(w.client.metrics().sent.load(), 20u);
  CAF_CHECK_EQUAL(w.client.metrics().answers[1].load(), 20u);
}

CAF_TEST(many at once are answered within the bound per host) {
  auto rules = loopback_rules();
  rules.under_way_per_host_max = 8;
  world w{rules};
  std::vector<asked_ptr> all;
  for (int i = 0; i < 500; ++i)
    all.push_back(ask(w.client, get(w.server.url("/" + std::to_string(i)))));
  w.server.handle = [&](const served_request& request) {
    CAF_CHECK(w.client.metrics().under_way.load() <= 8);
    return answer(request.target);
  };
  CAF_REQUIRE(finish(w.io, all));
  for (int i = 0; i < 500; ++i)
    CAF_CHECK_EQUAL(all[static_cast<std::size_t>(i)]->body(), "/" + std::to_string(i));
  CAF_CHECK(w.server.connections() <= 8);
  CAF_CHECK_EQUAL(w.client.metrics().under_way.load(), 0u);
  CAF_CHECK_EQUAL(w.client.metrics().waiting.load(), 0u);
}

CAF_TEST(what does not fit the bounds is refused at once and counted) {
  auto rules = loopback_rules();
  rules.under_way_max = 1;
  rules.waiting_max = 2;
  world w{rules};
  std::vector<asked_ptr> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(ask(w.client, get(w.server.url())));
  CAF_REQUIRE(all[3]->done());
  CAF_CHECK(all[3]->code() == errc::upstream_refused);
  CAF_CHECK_EQUAL(w.failed(outbound_failure::busy), 1u);
  CAF_REQUIRE(finish(w.io, all));
  CAF_CHECK_EQUAL(all[2]->status(), 200);
  CAF_CHECK_EQUAL(w.run(get(w.server.url()))->status(), 200);
}

CAF_TEST(a redirect is an answer and not followed) {
  world w;
  w.server.handle = [&](const served_request&) {
    return answer("", "Location: " + w.server.url("/elsewhere") + "\r\n", "302 Found");
  };
  auto one = w.run(get(w.server.url()));
  CAF_CHECK_EQUAL(one->status(), 302);
  CAF_CHECK_EQUAL(std::string{(*one->outcome)->header("location")}, w.server.url("/elsewhere"));
  CAF_CHECK_EQUAL(w.server.requests().size(), 1u);
}

CAF_TEST(an answer of version 1.0 ends with its connection) {
  world w;
  w.server.handle = [](const served_request&) {
    return served_reply{"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold but good", true};
  };
  CAF_CHECK_EQUAL(w.run(get(w.server.url()))->body(), "old but good");
  CAF_CHECK_EQUAL(w.run(get(w.server.url()))->body(), "old but good");
  CAF_CHECK_EQUAL(w.server.connections(), 2u);
}

CAF_TEST(an interim answer and trailers are not the answer) {
  world w;
  w.server.handle = [](const served_request&) {
    return served_reply{"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "2\r\nab\r\n1\r\nc\r\n0\r\nX-Late: 1\r\n\r\n",
                        false};
  };
  auto one = w.run(get(w.server.url()));
  CAF_CHECK_EQUAL(one->status(), 200);
  CAF_CHECK_EQUAL(one->body(), "abc");
  CAF_REQUIRE(one->code() == errc::none);
  CAF_CHECK((*one->outcome)->header("x-early").empty());
  CAF_CHECK((*one->outcome)->header("x-late").empty());
}

CAF_TEST(half an answer is none) {
  world w;
  for (const char* half :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no such protocol\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 100 Continue\r\n\r\n"}) {
    CAF_MESSAGE(half);
    w.server.handle = [half](const served_request&) { return served_reply{half, true}; };
    CAF_CHECK(w.run(get(w.server.url()))->code() == errc::upstream_unavailable);
  }
  w.server.handle = [](const served_request&) { return answer("whole"); };
  CAF_CHECK_EQUAL(w.run(get(w.server.url()))->body(), "whole");
}

CAF_TEST(nobody listening is no answer) {
  world w;
  auto url = w.server.url();
  w.server.stop_accepting();
  CAF_CHECK(w.run(get(url))->code() == errc::upstream_unavailable);
  CAF_CHECK_EQUAL(w.failed(outbound_failure::connect), 1u);
}

CAF_TEST(a server that says nothing or stops in the middle runs into the time limit) {
  world w;
  for (const char* start :
       {"", "HTTP/1.1 200 OK\r\nX-Slow: ", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}) {
    w.server.handle = [start](const served_request&) { return served_reply{start, false}; };
    auto request = get(w.server.url());
    request.timeout = 30ms;
    auto begun = std::chrono::steady_clock::now();
    CAF_CHECK(w.run(std::move(request))->code() == errc::upstream_unavailable);
    auto took = std::chrono::steady_clock::now() - begun;
    CAF_CHECK(took >= 25ms);
    CAF_CHECK(took < 2s);
  }
  CAF_CHECK_EQUAL(w.failed(outbound_failure::timeout), 3u);
}

CAF_TEST(who waits in line longer than the limit was never sent) {
  auto rules = loopback_rules();
  rules.under_way_per_host_max = 1;
  world w{rules};
  w.server.handle = [](const served_request&) { return served_reply{"", false}; };
  auto first = get(w.server.url("/first"));
  first.timeout = 400ms;
  auto second = get(w.server.url("/second"));
  second.timeout = 20ms;
  auto slow = ask(w.client, std::move(first));
  auto waiting = ask(w.client, std::move(second));
  CAF_REQUIRE(finish(w.io, {waiting}));
  CAF_CHECK(waiting->code() == errc::upstream_refused);
  CAF_CHECK(!slow->done());
  CAF_REQUIRE(finish(w.io, {slow}));
  CAF_CHECK(slow->code() == errc::upstream_unavailable);
  CAF_CHECK_EQUAL(w.server.requests().size(), 1u);
}

CAF_TEST(an answer larger than allowed is cut off) {
  world w;
  std::string big(3'000'000, 'x');
  auto with_length = answer(big);
  served_reply without{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + big, true};
  for (const auto& reply : {with_length, without}) {
    w.server.handle = [&](const served_request&) { return reply; };
    auto request = get(w.server.url());
    request.response_bytes_max = 1'000'000;
    CAF_CHECK(w.run(request)->code() == errc::payload_too_large);
    request.response_bytes_max = big.size();
    CAF_CHECK_EQUAL(w.run(request)->body().size(), big.size());
  }
  CAF_CHECK_EQUAL(w.failed(outbound_failure::too_large), 2u);
}

CAF_TEST(headers without end are cut off) {
  world w;
  std::string many{"HTTP/1.1 200 OK\r\n"};
  for (int i = 0; i < 200; ++i)
    many += "X-" + std::to_string(i) + ": y\r\n";
  std::string large{"HTTP/1.1 200 OK\r\n"};
  for (int i = 0; i < 10; ++i)
    large += "X: " + std::string(10'000, 'y') + "\r\n";
  std::string interim;
  for (int i = 0; i < 10; ++i)
    interim += "HTTP/1.1 103 Early Hints\r\nX: " + std::string(10'000, 'y') + "\r\n\r\n";
  for (const auto& start : {many, large, interim}) {
    w.server.handle = [&](const served_request&) {
      return served_reply{start + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true};
    };
    CAF_CHECK(w.run(get(w.server.url()))->code() == errc::payload_too_large);
  }
}

CAF_TEST(gzip is unfolded but not beyond the bound) {
  world w;
  w.server.handle = [](const served_request& request) {
    CAF_CHECK(request.has("Accept-Encoding: gzip\r\n"));
    return answer(gzip_of_zeros(258 * 40), "Content-Encoding: gzip\r\n");
  };
  auto one = w.run(get(w.server.url()));
  CAF_CHECK(one->body() == std::string(258 * 40 + 1, '\0'));
  CAF_REQUIRE(one->code() == errc::none);
  CAF_CHECK((*one->outcome)->header("content-encoding").empty());
  CAF_CHECK((*one->outcome)->header("content-length").empty());
  w.server.handle = [](const served_request&) {
    return answer(gzip_of_zeros(258 * 40'000), "Content-Encoding: gzip\r\n");
  };
  CAF_CHECK(w.run(get(w.server.url()))->code() == errc::payload_too_large);
  w.server.handle = [](const served_request&) {
    return answer("no gzip at all", "Content-Encoding: gzip\r\n");
  };
  CAF_CHECK(w.run(get(w.server.url()))->code() == errc::upstream_unavailable);
  for (const char* coding : {"br", "deflate", "zstd", "gzip, br", "unheard-of"}) {
    w.server.handle = [coding](const served_request&) {
      return answer("x", std::string{"Content-Encoding: "} + coding + "\r\n");
    };
    CAF_CHECK(w.run(get(w.server.url()))->code() == errc::upstream_unavailable);
  }
}

CAF_TEST(a post is sent once even if a kept connection closes and a get again) {
  world w;
  w.server.handle = [](const served_request& request) {
    return request.connection == 0 && request.target == "/second" ? served_reply{"", true}
                                                                  : answer("ok");
  };
  auto seen = [&](std::string_view method) {
    std::size_t count = 0;
    for (const auto& request : w.server.requests())
      if (request.target == "/second" && request.method == method)
        ++count;
    return count;
  };
  CAF_CHECK_EQUAL(w.run(get(w.server.url("/first")))->status(), 200);
  CAF_CHECK_EQUAL(w.run(get(w.server.url("/second")))->status(), 200);
  CAF_CHECK_EQUAL(seen("GET"), 2u);
  for (const char* body : {"", "refresh_token=x"}) {
    world fresh;
    fresh.server.handle = [](const served_request& request) {
      return request.target == "/second" ? served_reply{"", true} : answer("ok");
    };
    CAF_CHECK_EQUAL(fresh.run(get(fresh.server.url("/first")))->status(), 200);
    CAF_CHECK(fresh.run(post(fresh.server.url("/second"), body))->code()
              == errc::upstream_unavailable);
    CAF_CHECK_EQUAL(fresh.server.requests().size(), 2u);
  }
}

CAF_TEST(private addresses are refused also behind a name) {
  world w{outbound_rules{}};
  auto local = w.server.url();
  auto port = local.substr(local.rfind(':'));
  for (const auto& host : {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433",
                           "0x7f000001", "0177.1", "10.0.0.1", "169.254.169.254", "0.0.0.0"}) {
    CAF_MESSAGE(host);
    CAF_CHECK(w.run(get("http://" + std::string{host} + port))->code() == errc::upstream_refused);
  }
  CAF_CHECK_EQUAL(w.failed(outbound_failure::address), 10u);
  CAF_CHECK_EQUAL(w.server.connections(), 0u);
  CAF_CHECK_EQUAL(w.client.metrics().connections.load(), 0u);
}

CAF_TEST(a proxy of the environment is not asked) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("all_proxy", "http://127.0.0.1:1", 1);
  world w;
  CAF_CHECK_EQUAL(w.run(get(w.server.url()))->status(), 200);
  ::unsetenv("http_proxy");
  ::unsetenv("all_proxy");
}

CAF_TEST(a bad request is refused at once) {
  world w;
  auto one = ask(w.client, get("https://me:secret@api.example.com/"));
  CAF_CHECK_EQUAL(one->calls, 1);
  CAF_CHECK(one->code() == errc::upstream_refused);
  CAF_CHECK_EQUAL(w.failed(outbound_failure::bad_request), 1u);
}

CAF_TEST(a stop ends what is under way and what waits and what comes later) {
  auto rules = loopback_rules();
  rules.under_way_per_host_max = 3;
  world w{rules};
  w.server.handle = [](const served_request&) { return served_reply{"", false}; };
  std::vector<asked_ptr> all;
  for (int i = 0; i < 10; ++i)
    all.push_back(ask(w.client, get(w.server.url())));
  CAF_REQUIRE(run_until(w.io, [&] { return w.server.requests().size() == 3; }));
  all.push_back(ask(w.client, get(w.server.url())));
  bool stopped = false;
  w.client.stop([&] { stopped = true; });
  all.push_back(ask(w.client, get(w.server.url())));
  CAF_CHECK(all.back()->done());
  CAF_REQUIRE(run_until(w.io, [&] { return stopped; }));
  for (const auto& one : all) {
    CAF_CHECK_EQUAL(one->calls, 1);
    CAF_CHECK(one->code() == errc::shutting_down);
  }
  CAF_CHECK_EQUAL(w.failed(outbound_failure::stopped), all.size());
}

CAF_TEST(each callback is called once even if client and loop die early) {
  std::vector<asked_ptr> all;
  {
    boost::asio::io_context io;
    scripted_server server{io};
    server.handle = [](const served_request&) { return served_reply{"", false}; };
    outbound_client client{io, loopback_rules()};
    all.push_back(ask(client, get(server.url())));
    CAF_REQUIRE(run_until(io, [&] { return server.requests().size() == 1; }));
    all.push_back(ask(client, get(server.url()))); // Posted, never run.
  }
  for (const auto& one : all) {
    CAF_CHECK_EQUAL(one->calls, 1);
    CAF_CHECK(one->code() == errc::shutting_down);
  }
}

CAF_TEST(requests from other threads are answered on the thread of the client) {
  world w;
  std::vector<asked_ptr> all(200);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = t; i < all.size(); i += 4)
        all[i] = ask(w.client, get(w.server.url("/" + std::to_string(i))));
    });
  for (auto& thread : threads)
    thread.join();
  CAF_REQUIRE(finish(w.io, all));
  for (const auto& one : all)
    CAF_CHECK_EQUAL(one->status(), 200);
}
