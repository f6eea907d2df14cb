// How a job tells its worker, by throwing it, that it cannot be done.
#pragma once

#include "core/error.hpp"

namespace lapwing {

/// A job's own fault: it alone is refused, the others of its transaction are not touched.
struct job_refused {
  error why;
};

} // namespace lapwing
