/** Small pictures on buttons. */

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
  undo: "M5.2 1 1.5 4.5 5.2 8V5.6h3a2.6 2.6 0 0 1 0 5.2H4v1.7h4.2a4.3 4.3 0 0 0 0-8.6h-3z",
  redo: "M8.8 1 12.5 4.5 8.8 8V5.6h-3a2.6 2.6 0 0 0 0 5.2H10v1.7H5.8a4.3 4.3 0 0 1 0-8.6h3z",
  eraser: "M8.2 1.2 13 6 7.5 11.5H13V13H4.2L1 9.8a1 1 0 0 1 0-1.4zM2.4 9.1l2.4 2.4h.7l2-2-3.2-3.2z",
  pen: "m1 13 .8-3.4L9.6 1.8l2.6 2.6-7.8 7.8z",
  left: "M7.5 2 2.5 7l5 5 1.2-1.2L5.8 7.9H12V6.1H5.8l2.9-2.9z",
  right: "M6.5 2l5 5-5 5-1.2-1.2 2.9-2.9H2V6.1h6.2L5.3 3.2z",
  up: "M2 6.5l5-5 5 5-1.2 1.2-2.9-2.9V11H6.1V4.8L3.2 7.7z",
  down: "M2 7.5l5 5 5-5-1.2-1.2-2.9 2.9V3H6.1v6.2L3.2 6.3z",
  more: "M4.2 1.6 9.6 7l-5.4 5.4L3 11.2 7.2 7 3 2.8z",
};

export function Icon({ name, size = 14 }: { name: keyof typeof PATHS; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 14 14" fill="currentColor" aria-hidden="true">
      <path d={PATHS[name]} fill-rule="evenodd" />
    </svg>
  );
}
