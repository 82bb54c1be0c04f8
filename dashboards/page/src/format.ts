// Numbers, times and waits in words. Pure: `now` is an argument.
import { format, formatDistanceStrict } from "date-fns";
import type { WaitingOn } from "./api/model";

/** "3 min", "2 h 5 min", "45 ms": two units at most. */
export function duration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 1) return "0 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** "12 seconds ago", "in 3 hours". */
export function relative(at: string, now: number): string {
  const time = Date.parse(at);
  if (Math.abs(time - now) < 1000) return "now";
  return formatDistanceStrict(time, now, { addSuffix: true });
}

/** In the reader's own time zone, which is what the clock on the wall says. */
export const clock = (at: string): string => format(Date.parse(at), "HH:mm:ss.SSS");
export const moment = (at: string): string => format(Date.parse(at), "yyyy-MM-dd HH:mm:ss");
export const exact = (at: string): string => `${format(Date.parse(at), "yyyy-MM-dd HH:mm:ss.SSS xxx")} (${at})`;

export function count(value: number): string {
  return value.toLocaleString("en-US").replace(/,/g, " ");
}

export function rate(perSecond: number): string {
  if (perSecond === 0) return "0/s";
  if (perSecond < 0.1) return `${(perSecond * 60).toFixed(1)}/min`;
  return perSecond < 10 ? `${perSecond.toFixed(1)}/s` : `${Math.round(perSecond)}/s`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  if (value < 1024 * 1024) return `${(value / 1024).toFixed(1)} kB`;
  return `${(value / 1024 / 1024).toFixed(1)} MB`;
}

/** The part of an id that differs between two made at about the same time. */
export const shortId = (id: string): string => (id.length > 12 ? id.slice(-12) : id);

const plain = (text: string): string => text.replace(/_/g, " ");

/** What an open run waits for, as a sentence without a full stop. */
export function waitInWords(wait: WaitingOn, now: number): string {
  const where = wait.state_name ? ` in ${wait.state_name}` : "";
  const ends = wait.until ? `; gives up ${relative(wait.until, now)}` : "";
  switch (wait.kind) {
    case "step": {
      const worker = wait.worker ? ` on ${wait.worker}` : "";
      return `attempt ${wait.attempt ?? 1} of ${wait.state_name ?? "the step"} is at work${worker}`;
    }
    case "signal": {
      const names = (wait.names ?? []).join(" or ");
      return `the signal ${names}${wait.key ? ` with key ${wait.key}` : ""}${where}${ends}`;
    }
    case "decision":
      return `a person's answer: ${wait.title ?? (wait.names ?? []).join(" or ")}${where}${ends}`;
    case "timer":
      return wait.until ? `its time${where}: ${relative(wait.until, now)}` : `its time${where}`;
    case "retry": {
      const attempt = wait.attempt ? ` (attempt ${wait.attempt + 1})` : "";
      return `the next try of ${wait.state_name ?? "the step"}${attempt}${wait.until ? `: ${relative(wait.until, now)}` : ""}`;
    }
    case "child":
      return `a child run${where}`;
    case "worker":
      return `a free worker for ${wait.handler ?? "its handler"} in queue ${wait.queue ?? "default"}`;
    case "limit":
      return `the limit ${plain(wait.limit ?? "")} of queue ${wait.queue ?? ""}${wait.key ? ` for key ${wait.key}` : ""}`;
    case "queue_paused":
      return `the queue ${wait.queue ?? ""}, which is paused`;
    case "paused":
      return "somebody to resume it: it is paused";
    default:
      return plain(wait.kind);
  }
}
