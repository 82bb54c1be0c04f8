// A small chart of the last minutes. The figures beside it say the same in text.
import { useId } from "react";

export interface Line {
  name: string;
  tone: string;
  values: number[];
}

const kWidth = 600;
const kHeight = 120;

export function Chart({ lines, label, span }: { lines: Line[]; label: string; span: string }) {
  const id = useId();
  const most = Math.max(1, ...lines.flatMap((line) => line.values)) * 1.1;
  const length = Math.max(2, ...lines.map((line) => line.values.length));
  const x = (at: number, of: number): number => ((length - of + at) / (length - 1)) * kWidth;
  const y = (value: number): number => kHeight - (value / most) * (kHeight - 6) - 2;
  return (
    <figure className="chart">
      <svg viewBox={`0 0 ${kWidth} ${kHeight}`} preserveAspectRatio="none" role="img" aria-labelledby={id}>
        <title id={id}>{label}</title>
        {[0.25, 0.5, 0.75].map((part) => (
          <line key={part} x1="0" x2={kWidth} y1={kHeight * part} y2={kHeight * part} className="chart-rule" />
        ))}
        {lines.map((line) => {
          if (line.values.length < 2) return null;
          const points = line.values.map((value, at) => `${x(at, line.values.length).toFixed(1)},${y(value).toFixed(1)}`);
          const begin = x(0, line.values.length).toFixed(1);
          return (
            <g key={line.name} className={`chart-line tone-${line.tone}`}>
              <polygon points={`${begin},${kHeight} ${points.join(" ")} ${kWidth},${kHeight}`} className="chart-area" />
              <polyline points={points.join(" ")} className="chart-stroke" />
            </g>
          );
        })}
      </svg>
      <figcaption>
        {lines.map((line) => (
          <span key={line.name} className={`chart-key tone-${line.tone}`}>
            <i aria-hidden="true" /> {line.name}
          </span>
        ))}
        <span className="muted chart-span">{span}</span>
      </figcaption>
    </figure>
  );
}
