// The metrics of the node that serves this page (GET /metrics, Prometheus text format), and what they did lately.
import { useEffect, useState } from "react";
import { heardFrom, lostSight, useConnection } from "./api/connection";

export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const kLine = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)/i;
const kLabel = /([a-z_][a-z0-9_]*)="((?:[^"\\]|\\.)*)"/gi;

export function readMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const found = kLine.exec(line);
    if (!found) continue;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (found[2] ?? "").matchAll(kLabel)) labels[name] = value;
    samples.push({ name: found[1], labels, value: Number(found[3]) });
  }
  return samples;
}

export const sum = (samples: Sample[], name: string, labels: Record<string, string> = {}): number =>
  samples
    .filter((sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((total, sample) => total + sample.value, 0);

const kIntervalMs = 2000;
/** Points that are kept: five minutes. */
const kPoints = 150;

export interface Rates {
  started: number[];
  succeeded: number[];
  failed: number[];
}

interface Reading {
  at: number;
  started: number;
  succeeded: number;
  failed: number;
}

// Kept while other screens are looked at, so that the chart does not begin anew.
let rates: Rates = { started: [], succeeded: [], failed: [] };
let previous: Reading | null = null;

function remember(samples: Sample[]): void {
  const reading = {
    at: Date.now(),
    started: sum(samples, "orchestrator_runs_started_total"),
    succeeded: sum(samples, "orchestrator_runs_closed_total", { state: "succeeded" }),
    failed: sum(samples, "orchestrator_runs_closed_total", { state: "failed" }) + sum(samples, "orchestrator_runs_closed_total", { state: "timed_out" }),
  };
  const before = previous;
  previous = reading;
  // A server that began anew counts from zero.
  if (before === null || reading.started < before.started || reading.at - before.at > 5 * kIntervalMs) return;
  const seconds = Math.max(0.1, (reading.at - before.at) / 1000);
  const add = (values: number[], now: number, then: number): number[] => [...values, Math.max(0, (now - then) / seconds)].slice(-kPoints);
  rates = {
    started: add(rates.started, reading.started, before.started),
    succeeded: add(rates.succeeded, reading.succeeded, before.succeeded),
    failed: add(rates.failed, reading.failed, before.failed),
  };
}

/** Renewed every two seconds. Null before the first answer. */
export function useMetrics(): { samples: Sample[]; rates: Rates } | null {
  const [state, setState] = useState<{ samples: Sample[]; rates: Rates } | null>(null);
  const connection = useConnection();
  useEffect(() => {
    if (connection.state === "away") return;
    const ending = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = async (): Promise<void> => {
      try {
        const response = await fetch("/metrics", { signal: ending.signal });
        if (response.ok) {
          const samples = readMetrics(await response.text());
          remember(samples);
          setState({ samples, rates });
          heardFrom();
        }
      } catch {
        if (ending.signal.aborted) return;
        lostSight();
      }
      timer = setTimeout(ask, kIntervalMs);
    };
    void ask();
    return () => {
      ending.abort();
      clearTimeout(timer);
    };
  }, [connection.state]);
  return state;
}
