// Who a node says it is, where its database keeps a list of nodes.
#pragma once

#include <string>

namespace lapwing {

struct node_identity {
  std::string id;      ///< Unlike that of every other running node.
  std::string address;
  std::string version; ///< Of the program.
};

} // namespace lapwing
