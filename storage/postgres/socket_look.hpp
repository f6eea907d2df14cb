// What can be learned of a connection without asking the server.
#pragma once

namespace lapwing::postgres {

/// True when the other side of an idle connection has closed it: a server that was restarted, an
/// operator's pg_terminate_backend. Does not block; a negative descriptor counts as closed.
bool is_closed_by_peer(int socket) noexcept;

} // namespace lapwing::postgres
