#include "storage/postgres/socket_look.hpp"

#include <poll.h>

namespace lapwing::postgres {

bool is_closed_by_peer(int socket) noexcept {
  if (socket < 0)
    return true;
  pollfd look{socket, POLLRDHUP, 0};
  return ::poll(&look, 1, 0) == 1;
}

} // namespace lapwing::postgres
