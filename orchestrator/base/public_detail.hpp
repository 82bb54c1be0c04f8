#pragma once

namespace orchestrator {

/// Name of the error member (`Error::members`) that holds what a caller may read instead of `message`, when the message
/// tells of hosts, sockets or a driver's text. The HTTP API shows it as `detail`; logs and the command line show
/// `message`.
inline constexpr const char* kPublicDetail = "public_detail";

}  // namespace orchestrator
