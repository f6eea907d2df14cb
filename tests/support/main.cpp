// The one place with CAF test's main; every test program links it.
#define CAF_SUITE main
#include <caf/test/unit_test_impl.hpp>
