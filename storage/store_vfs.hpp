// SQLite's file layer with two habits of its own, for the connections that write. Both are about
// the one disk that commits and checkpoints share; neither changes what is on it when.
//
// * Frames of the write-ahead log are collected and written at the next sync. SQLite writes each
//   page of a commit by two calls, a header and the page; one commit becomes one call. A frame is
//   never looked at by others before its commit was synced (synchronous=FULL), so nobody can miss it.
// * The database file is synced after every megabyte that a checkpoint copies into it. Otherwise all
//   of it reaches the disk in one burst at the end, and the commits of that time wait behind it.
#pragma once

namespace lapwing {

/// Registers the layer, once, and gives its name for sqlite_connection. It sits on whatever layer
/// is the default when a file is opened. Any thread.
const char* store_vfs();

} // namespace lapwing
