#include "orchestrator/tools/private_postgres.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>
#include <vector>

namespace orchestrator::tools {
namespace fs = std::filesystem;
namespace {

constexpr int kOldestVersion = 15;
constexpr std::chrono::milliseconds kPollInterval{10};

/// A Unix socket's path has 107 bytes; PostgreSQL appends "/.s.PGSQL.5432".
constexpr std::size_t kMaxSocketDir = 90;

bool has_programs(const fs::path& folder) {
  return ::access((folder / "postgres").c_str(), X_OK) == 0 && ::access((folder / "initdb").c_str(), X_OK) == 0;
}

/// The folder of the programs for `version`, or of the newest version when it is 0. Empty when there is none.
fs::path find_programs(int version) {
  std::vector<int> versions;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const int number = std::atoi(entry.path().filename().c_str());
    if (number >= kOldestVersion && has_programs(entry.path() / "bin")) versions.push_back(number);
  }
  std::sort(versions.rbegin(), versions.rend());
  for (int number : versions) {
    if (version == 0 || number == version) return fs::path("/usr/lib/postgresql") / std::to_string(number) / "bin";
  }
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (has_programs(folder)) return folder;
  }
  return {};
}

int version_of_cluster(const fs::path& cluster) {
  std::ifstream file(cluster / "PG_VERSION");
  int version = 0;
  file >> version;
  return version;
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string percent_encoded(const std::string& text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '-' || c == '_' || c == '.') {
      encoded += c;
    } else {
      encoded.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return encoded;
}

Status make_private_folder(const fs::path& folder, const ProcessUser& user) {
  const auto refused = [&](const std::string& why) {
    return fail(ErrorCode::precondition_failed, "cannot use the folder " + folder.string() + ": " + why);
  };
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return refused(std::strerror(errno));
  struct stat found{};
  if (::lstat(folder.c_str(), &found) != 0) return refused(std::strerror(errno));
  // Below /tmp somebody else may have been here first.
  if (!S_ISDIR(found.st_mode)) return refused("it is not a folder");
  if (found.st_uid == user.uid) return {};
  if (::geteuid() != 0 || found.st_uid != 0) return refused("it belongs to another user");
  if (::chown(folder.c_str(), user.uid, user.gid) != 0) return refused(std::strerror(errno));
  return {};
}

Status write_private_file(const fs::path& path, const std::string& text) {
  const fs::path fresh = path.string() + ".new";
  {
    std::ofstream file(fresh, std::ios::trunc);
    ::chmod(fresh.c_str(), 0600);
    file << text;
    file.close();
    if (!file) return fail(ErrorCode::precondition_failed, "cannot write " + path.string());
  }
  std::error_code problem;
  fs::rename(fresh, path, problem);
  if (problem) return fail(ErrorCode::precondition_failed, "cannot write " + path.string() + ": " + problem.message());
  return {};
}

/// For one small machine; everything else is PostgreSQL's own default.
std::string settings_text(const PrivatePostgresOptions& options) {
  std::ostringstream text;
  text << "# Written at each start.\n"
       << "listen_addresses = ''\n"
       << "unix_socket_permissions = 0700\n"
       << "max_connections = " << options.max_connections << "\n"
       << "shared_buffers = " << options.shared_buffers_megabytes
       << "MB\n"
       // In a file of the cluster: /dev/shm is closed to ordinary users in some chroots and containers.
       << "dynamic_shared_memory_type = mmap\n"
       << "max_wal_size = 2GB\n"
       << "checkpoint_timeout = 15min\n"
       << "autovacuum_naptime = 15s\n"
       << "timezone = 'UTC'\n"
       << "log_timezone = 'UTC'\n"
       << "fsync = " << (options.durable ? "on" : "off") << "\n"
       << "synchronous_commit = " << (options.durable ? "on" : "off") << "\n"
       << "full_page_writes = " << (options.durable ? "on" : "off") << "\n";
  return text.str();
}

bool poll_until(std::chrono::milliseconds limit, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

}  // namespace

PrivatePostgres::PrivatePostgres(PrivatePostgresOptions options, ProcessUser user, fs::path programs)
    : options_(std::move(options)), user_(std::move(user)), programs_(std::move(programs)) {
  socket_dir_ = options_.data_dir / "postgres-socket";
  if (socket_dir_.string().size() > kMaxSocketDir) {
    socket_dir_ = "/tmp/orchestrator-" + std::to_string(std::hash<std::string>{}(options_.data_dir.string()));
  }
}

Result<PrivatePostgres> PrivatePostgres::start(PrivatePostgresOptions options) {
  std::error_code problem;
  options.data_dir = fs::absolute(options.data_dir, problem).lexically_normal();
  if (problem) return fail(ErrorCode::precondition_failed, "not a usable folder: " + problem.message());
  auto user = unprivileged_user();
  if (!user) return std::move(user).error();
  const int version = version_of_cluster(options.data_dir / "postgres");
  fs::path programs = find_programs(version);
  if (programs.empty()) {
    return fail(ErrorCode::precondition_failed, version == 0 ? "PostgreSQL 15 or newer is not installed"
                                                             : "PostgreSQL " + std::to_string(version) +
                                                                   ", which made this data folder, is not installed");
  }
  PrivatePostgres postgres(std::move(options), *std::move(user), std::move(programs));
  if (Status status = postgres.prepare_folders(); !status) return std::move(status).error();
  if (Status status = postgres.make_cluster(); !status) return std::move(status).error();
  if (Status status = postgres.restart_if_dead(); !status) return std::move(status).error();
  return postgres;
}

Status PrivatePostgres::prepare_folders() {
  std::error_code problem;
  fs::create_directories(options_.data_dir, problem);
  if (problem) {
    return fail(ErrorCode::precondition_failed, "cannot make " + options_.data_dir.string() + ": " + problem.message());
  }
  // The cluster's user only passes through; what is inside keeps its own permissions.
  fs::permissions(options_.data_dir, fs::perms::group_exec | fs::perms::others_exec, fs::perm_options::add, problem);
  return make_private_folder(cluster(), user_);
}

Status PrivatePostgres::make_cluster() {
  if (version_of_cluster(cluster()) != 0) return {};
  ProcessRequest initdb{.program = programs_ / "initdb", .log = log()};
  initdb.arguments = {"--pgdata=" + cluster().string(),
                      "--username=orchestrator",
                      "--auth=trust",
                      "--encoding=UTF8",
                      "--locale=C",
                      "--no-instructions"};
  if (!options_.durable) initdb.arguments.emplace_back("--no-sync");
  if (Status status = run_process(user_, initdb); !status) {
    Error error = std::move(status).error();
    error.message += " (can that user reach " + cluster().string() + "?)";
    return error;
  }
  // The single-user server makes our database without needing a client program.
  ProcessRequest single{.program = programs_ / "postgres", .log = log(), .input = "create database orchestrator\n"};
  single.arguments = {"--single", "-D", cluster().string(), "postgres"};
  return run_process(user_, single);
}

Status PrivatePostgres::launch() {
  if (Status status = make_private_folder(socket_dir_, user_); !status) return status;
  if (Status status = write_private_file(cluster() / "postgresql.conf", settings_text(options_)); !status)
    return status;
  if (::geteuid() == 0 && ::chown((cluster() / "postgresql.conf").c_str(), user_.uid, user_.gid) != 0) {
    return fail(ErrorCode::precondition_failed, "cannot give postgresql.conf to user " + user_.name);
  }
  ProcessRequest request{.program = programs_ / "postgres", .log = log()};
  request.arguments = {"-D", cluster().string(), "-k", socket_dir_.string(), "-p", "5432"};
  auto child = start_process(user_, request);
  if (!child) return std::move(child).error();
  pid_ = *child;
  return wait_until_ready();
}

Status PrivatePostgres::wait_until_ready() {
  bool ended = false;
  // The eighth line of postmaster.pid says whether connections are accepted.
  const auto is_ready = [&] {
    ended = !is_running();
    const auto lines = lines_of(cluster() / "postmaster.pid");
    return ended ||
           (lines.size() >= 8 && lines[0] == std::to_string(pid_) && lines[7].substr(0, lines[7].find(' ')) == "ready");
  };
  if (!poll_until(options_.start_limit, is_ready)) {
    return fail(ErrorCode::deadline_exceeded, "PostgreSQL does not get ready; see " + log().string());
  }
  if (ended) return fail(ErrorCode::precondition_failed, "PostgreSQL ended at its start; see " + log().string());
  return {};
}

pid_t PrivatePostgres::find_running() const {
  const auto lines = lines_of(cluster() / "postmaster.pid");
  if (lines.empty()) return 0;
  const pid_t pid = std::atoi(lines[0].c_str());
  if (pid <= 0) return 0;
  // The number may belong to another process by now; the server's working folder is its cluster.
  std::error_code problem;
  const fs::path folder = fs::read_symlink("/proc/" + std::to_string(pid) + "/cwd", problem);
  return !problem && folder == fs::weakly_canonical(cluster(), problem) ? pid : 0;
}

bool PrivatePostgres::is_running() {
  if (pid_ == 0) return false;
  // Collects the process when it was our child; an adopted one is somebody else's.
  if (::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  if (pid_ != 0 && ::kill(pid_, 0) != 0 && errno == ESRCH) pid_ = 0;
  return pid_ != 0;
}

Status PrivatePostgres::restart_if_dead() {
  if (is_running()) return {};
  pid_ = find_running();
  Status status = pid_ != 0 ? wait_until_ready() : launch();
  if (!status) return status;
  const auto lines = lines_of(cluster() / "postmaster.pid");
  // An adopted server may use the socket folder of another spelling of the data folder.
  if (lines.size() >= 5 && !lines[4].empty()) socket_dir_ = lines[4];
  return write_private_file(options_.data_dir / "database-url", url() + "\n");
}

Status PrivatePostgres::stop() {
  if (!is_running()) return {};
  ::kill(pid_, SIGINT);
  if (!poll_until(options_.stop_limit, [this] { return !is_running(); })) {
    return fail(ErrorCode::deadline_exceeded, "PostgreSQL does not stop; see " + log().string());
  }
  // It may be below /tmp; only an empty folder goes.
  std::error_code ignored;
  fs::remove(socket_dir_, ignored);
  return {};
}

std::string PrivatePostgres::url_of(const std::string& database) const {
  return "postgresql://orchestrator@/" + percent_encoded(database) + "?host=" + percent_encoded(socket_dir_.string());
}

}  // namespace orchestrator::tools
