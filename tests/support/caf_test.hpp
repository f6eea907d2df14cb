// The header of CAF's unit tests, with comparisons that evaluate their operands as arguments: CAF
// 0.17.6 binds references in one statement and compares in the next, so that the operand
// `parse(x).value()` dangles. Define CAF_SUITE first, as for CAF's own.
#pragma once

#include <caf/test/unit_test.hpp>

#undef CAF_CHECK_FUNC
#define CAF_CHECK_FUNC(func, x_expr, y_expr)                                                       \
  [](const auto& x_val, const auto& y_val) {                                                       \
    static_cast<void>(::caf::test::detail::check(::caf::test::engine::current_test(), __FILE__,    \
                                                 __LINE__, CAF_FUNC_EXPR(func, x_expr, y_expr),    \
                                                 false, func{}(x_val, y_val), x_val, y_val));      \
    ::caf::test::engine::last_check_file(__FILE__);                                                \
    ::caf::test::engine::last_check_line(__LINE__);                                                \
  }(x_expr, y_expr)

#undef CAF_REQUIRE_FUNC
#define CAF_REQUIRE_FUNC(func, x_expr, y_expr)                                                     \
  [](const auto& x_val, const auto& y_val) {                                                       \
    const bool holds                                                                               \
      = ::caf::test::detail::check(::caf::test::engine::current_test(), __FILE__, __LINE__,        \
                                   CAF_FUNC_EXPR(func, x_expr, y_expr), false,                     \
                                   func{}(x_val, y_val), x_val, y_val);                            \
    if (!holds)                                                                                    \
      ::caf::test::detail::requirement_failed(CAF_FUNC_EXPR(func, x_expr, y_expr));                \
    ::caf::test::engine::last_check_file(__FILE__);                                                \
    ::caf::test::engine::last_check_line(__LINE__);                                                \
  }(x_expr, y_expr)
