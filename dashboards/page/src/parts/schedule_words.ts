// When a schedule fires, in words.
import type { Schedule } from "../api/model";

export function firesInWords(schedule: Schedule): string {
  if (schedule.cron) return schedule.cron;
  if (schedule.every_seconds) return `every ${schedule.every_seconds} s`;
  const moments = schedule.at?.length ?? 0;
  return moments === 1 ? "once" : `${moments} moments`;
}
