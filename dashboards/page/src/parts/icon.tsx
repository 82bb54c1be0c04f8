// Line drawings on a grid of 24, all of one stroke.
const paths = {
  overview: "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-4H4zM14 8h6V4h-6z",
  runs: "M5 6h14M5 12h14M5 18h9",
  dead: "M12 4l9 16H3zM12 10v5M12 17.6v.4",
  decision: "M9 9a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2.2M12 17.6v.4M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  queue: "M4 7h16M4 12h16M4 17h16M7 5v4M12 10v4M17 15v4",
  schedule: "M5 6h14v14H5zM5 10h14M9 3v4M15 3v4M12 13v3l2 1",
  signal: "M5 12a7 7 0 0 1 7-7M19 12a7 7 0 0 1-7 7M9 12a3 3 0 0 1 3-3M15 12a3 3 0 0 1-3 3",
  webhook: "M8 16a4 4 0 1 1-1-7.8M12 6a4 4 0 0 1 3.5 6L12 18M16 20a4 4 0 1 0-1-7.8",
  workflow: "M4 5h6v5H4zM14 14h6v5h-6zM7 10v4a2 2 0 0 0 2 2h5",
  operation: "M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5",
  approval: "M4 12.500l4.500 4.500L20 6M4 20h16",
  audit: "M6 3h9l4 4v14H6zM9 12h7M9 16h7M14 3v5h5",
  node: "M4 5h16v6H4zM4 13h16v6H4zM7 8h.1M7 16h.1",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4 4",
  menu: "M4 7h16M4 12h16M4 17h16",
  moon: "M20 14.5A8 8 0 1 1 9.500 4 6.500 6.500 0 0 0 20 14.500z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 3v2M12 19v2M3 12h2M19 12h2M5.600 5.600 7 7M17 17l1.400 1.400M18.400 5.600 17 7M7 17l-1.400 1.400",
  contrast: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  keyboard: "M3 7h18v10H3zM7 11h.1M11 11h.1M15 11h.1M8 14h8",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon-line" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
