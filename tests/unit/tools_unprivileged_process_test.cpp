#include "orchestrator/tools/unprivileged_process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace orchestrator::tools {
namespace {

TEST(UnprivilegedProcess, InheritsNoDescriptorButItsStandardStreams) {
  // Open on purpose without close-on-exec, as a library's socket may be.
  const int leaked = ::open("/dev/null", O_RDONLY);
  ASSERT_GT(leaked, STDERR_FILENO);
  const auto folder = std::filesystem::temp_directory_path() / ("orc-process-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto user = unprivileged_user();
  ASSERT_TRUE(user) << user.error().message;
  ProcessRequest request;
  request.program = "/bin/sh";
  request.arguments = {"-c", "ls /proc/self/fd"};
  request.log = folder / "log";

  const Status ended = run_process(*user, request);

  ::close(leaked);
  ASSERT_TRUE(ended) << ended.error().message;
  std::ifstream log(request.log);
  const std::string listed{std::istreambuf_iterator<char>(log), {}};
  EXPECT_EQ(listed, "0\n1\n2\n3\n") << "3 is the folder that ls itself reads";
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace orchestrator::tools
