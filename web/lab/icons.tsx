/** Small pictures on buttons, 14 pixels a side. */

const PATHS = {
  play: "M3 1.5v11l9-5.5z",
  pause: "M2.5 1.5h3.2v11H2.5zM8.3 1.5h3.2v11H8.3z",
  step: "M2 1.5v11l7-5.5zM10 1.5h2v11h-2z",
  epoch: "M0 1.5v11L5.5 7zM6 1.5v11L11.5 7zM12 1.5h1.8v11H12z",
  restart: "M12 1.5v11L5 7zM2 1.5h2v11H2z",
  previous: "M9.5 1.5v11L3 7z",
  next: "M4.5 1.5v11L11 7z",
  theme: "M7 1a6 6 0 1 0 0 12A6 6 0 0 0 7 1zm0 1.6v8.8a4.4 4.4 0 0 1 0-8.8z",
  present: "M1 1.5h12v8.4H1zM2.5 3v5.4h9V3zM4 11.2h6v1.4H4z",
};

export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" fill="currentColor" aria-hidden="true">
      <path d={PATHS[name]} fill-rule="evenodd" />
    </svg>
  );
}
