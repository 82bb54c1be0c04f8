/** The sign of the house: one thing leads to the next. */
export function Mark({ size = 26 }: { size?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" className="mark-ground" />
      <path d="M8 10h7a4 4 0 0 1 4 4v4a4 4 0 0 0 4 4h1" className="mark-line" />
      <circle cx="8" cy="10" r="3.2" className="mark-dot" />
      <circle cx="24" cy="22" r="3.2" className="mark-dot" />
      <circle cx="24" cy="10" r="3.2" className="mark-done" />
    </svg>
  );
}
