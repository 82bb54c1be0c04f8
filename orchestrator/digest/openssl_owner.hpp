#pragma once

namespace orchestrator::digest {

/// Deleter of a std::unique_ptr that owns what libcrypto made. For this room's own files.
template <auto Free>
struct Freeing {
  template <typename T>
  void operator()(T* value) const {
    Free(value);
  }
};

}  // namespace orchestrator::digest
