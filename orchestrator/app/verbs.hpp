#pragma once

#include "orchestrator/app/exit_code.hpp"

namespace CLI {
class App;
}

namespace orchestrator::app {

// One function per group of verbs, each in a file of its own. They add their verbs to the command line; the verb that
// was asked for writes its exit code. `exit` outlives the parsing.

/// validate and eval: authoring, without server or database.
void add_authoring_verbs(CLI::App& root, Exit& exit);
/// simulate: the planner alone, or the real engine on a store of its own.
void add_simulate_verb(CLI::App& root, Exit& exit);
/// dev: private PostgreSQL and a server with every role.
void add_dev_verb(CLI::App& root, Exit& exit);
/// serve: a server against a database that exists.
void add_serve_verb(CLI::App& root, Exit& exit);
/// migrate up|status|plan.
void add_migrate_verbs(CLI::App& root, Exit& exit);
/// doctor.
void add_doctor_verb(CLI::App& root, Exit& exit);
/// workflow deploy|list|show|graph: against a server.
void add_workflow_verbs(CLI::App& root, Exit& exit);
/// run start|list|show|history|watch|signal|cancel|retry|wait: against a server.
void add_run_verbs(CLI::App& root, Exit& exit);
/// queue list|pause|resume|limits: against a server.
void add_queue_verbs(CLI::App& root, Exit& exit);
/// calendar put|list|show|delete: against a server.
void add_calendar_verbs(CLI::App& root, Exit& exit);
/// schedule create|list|show|preview|fires|pause|resume|trigger|backfill|delete: against a server.
void add_schedule_verbs(CLI::App& root, Exit& exit);
/// webhook endpoint create|list|show|delete, webhook delivery list|show|replay: against a server.
void add_webhook_verbs(CLI::App& root, Exit& exit);
/// job enqueue|enqueue-batch|list|show|cancel|retry: against a server.
void add_job_verbs(CLI::App& root, Exit& exit);
/// dead-letter list|retry|discard: against a server.
void add_dead_letter_verbs(CLI::App& root, Exit& exit);
/// top: against a server.
void add_top_verb(CLI::App& root, Exit& exit);
/// api-key create|list|revoke, approval list|show|approve|reject, policy show|set: against a server.
void add_access_verbs(CLI::App& root, Exit& exit);
/// audit list|export against a server, audit verify against a database or an export.
void add_audit_verbs(CLI::App& root, Exit& exit);
/// bench: against a server.
void add_bench_verb(CLI::App& root, Exit& exit);
/// sandbox and demo-drive: fake providers, and the outside world of the shipped flows.
void add_sandbox_verbs(CLI::App& root, Exit& exit);
/// version and completion.
void add_shell_verbs(CLI::App& root, Exit& exit);

}  // namespace orchestrator::app
