// Two texts line by line: what went, what came. Longest common subsequence, after the equal beginning and end are cut off.

export interface DiffLine {
  kind: "same" | "gone" | "new";
  text: string;
}

/** Lines that are compared in the middle; beyond that all of it counts as changed. */
const kMaxCompared = 2000;
/** Equal lines shown around a change. */
const kAround = 3;

export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.split("\n");
  const b = after.split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) ++head;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) ++tail;
  const left = a.slice(head, a.length - tail);
  const right = b.slice(head, b.length - tail);
  const lines: DiffLine[] = a.slice(0, head).map((text) => ({ kind: "same", text }));
  if (left.length > kMaxCompared || right.length > kMaxCompared) {
    lines.push(...left.map((text): DiffLine => ({ kind: "gone", text })), ...right.map((text): DiffLine => ({ kind: "new", text })));
  } else {
    const width = right.length + 1;
    const common = new Uint16Array((left.length + 1) * width);
    for (let i = left.length - 1; i >= 0; --i) {
      for (let j = right.length - 1; j >= 0; --j) {
        common[i * width + j] =
          left[i] === right[j] ? common[(i + 1) * width + j + 1] + 1 : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
      }
    }
    let i = 0;
    let j = 0;
    while (i < left.length || j < right.length) {
      if (i < left.length && j < right.length && left[i] === right[j]) {
        lines.push({ kind: "same", text: left[i] });
        ++i;
        ++j;
      } else if (i < left.length && (j === right.length || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
        lines.push({ kind: "gone", text: left[i++] });
      } else {
        lines.push({ kind: "new", text: right[j++] });
      }
    }
  }
  lines.push(...a.slice(a.length - tail).map((text): DiffLine => ({ kind: "same", text })));
  return lines;
}

export function Diff({ before, after }: { before: string; after: string }) {
  const lines = diffLines(before, after);
  const near = new Set<number>();
  lines.forEach((line, at) => {
    if (line.kind === "same") return;
    for (let i = at - kAround; i <= at + kAround; ++i) near.add(i);
  });
  if (near.size === 0) return <p className="muted">No difference.</p>;
  const shown: (DiffLine | null)[] = [];
  lines.forEach((line, at) => {
    if (near.has(at)) shown.push(line);
    else if (shown.length > 0 && shown[shown.length - 1] !== null) shown.push(null);
  });
  return (
    <pre className="diff" aria-label="Difference" tabIndex={0}>
      {shown.map((line, at) =>
        line === null ? (
          <span key={at} className="diff-gap">
            {"  ⋯\n"}
          </span>
        ) : (
          <span key={at} className={`diff-${line.kind}`}>
            {(line.kind === "gone" ? "- " : line.kind === "new" ? "+ " : "  ") + line.text + "\n"}
          </span>
        ),
      )}
    </pre>
  );
}
