#include "lsm/memtable/tree_node.h"

#include <algorithm>

namespace fathom {
namespace {

// As LowerBound, where the first `from` slots are smaller and the one behind has the key's digest.
int LowerBoundByKeys(const TreeNode& node, SlotOrder order, int from, const TreeKey& key) {
  int end = order.count();
  while (from < end) {
    const int middle = (from + end) / 2;
    const int slot = order.slot(middle);
    // Either may be the next one to be compared.
    __builtin_prefetch(node.entries[order.slot((from + middle) / 2)]);
    __builtin_prefetch(node.entries[order.slot(std::min((middle + 1 + end) / 2, end - 1))]);
    if (node.digests[slot] == key.digest &&
        CompareInternalKeys(node.entries[slot]->key(), key.internal) < 0) {
      from = middle + 1;
    } else {
      end = middle;
    }
  }
  return from;
}

}  // namespace

int TreeNode::LowerBound(SlotOrder order, const TreeKey& key) const {
  // Looks at all, whatever their order: without a branch this is faster than halving.
  int smaller = 0;
  for (int slot = 0; slot < order.count(); ++slot) {
    smaller += digests[slot] < key.digest ? 1 : 0;
  }
  if (smaller == order.count() || !(digests[order.slot(smaller)] == key.digest)) {
    return smaller;
  }
  return LowerBoundByKeys(*this, order, smaller, key);
}

}  // namespace fathom
